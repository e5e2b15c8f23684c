from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AccountsConfig(AppConfig):
    name = "apps.accounts"
    label = "accounts"
    verbose_name = _("People")

    def ready(self) -> None:
        from apps.accounts.second_factor.sealed import SecondFactorStore
        from apps.accounts.selectors import can_listen
        from apps.accounts.views.account import register_own_sections
        from apps.core.crypto.stores import register_store
        from apps.core.events import register_topic

        register_store(SecondFactorStore())
        register_topic("account", can_listen)
        register_own_sections()
