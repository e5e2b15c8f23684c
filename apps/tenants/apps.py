from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class TenantsConfig(AppConfig):
    name = "apps.tenants"
    label = "tenants"
    verbose_name = _("Workspaces")

    def ready(self) -> None:
        from apps.core.events import register_topic
        from apps.tenants.selectors import can_listen

        register_topic("tenant", can_listen)
