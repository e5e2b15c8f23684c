from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class FleetConfig(AppConfig):
    name = "apps.fleet"
    label = "fleet"
    verbose_name = _("Fleet")

    def ready(self) -> None:
        from apps.core.crypto import register_hashes
        from apps.core.events import register_topic
        from apps.fleet.selectors import can_listen, hashes_in_use

        register_hashes("Agents' tokens", hashes_in_use)
        register_topic("fleet", can_listen)
