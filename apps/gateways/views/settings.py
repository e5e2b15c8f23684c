"""A gateway's settings: its name for people, its bundle, its stages, its owner, and its end."""

from typing import Any

from django.utils.translation import gettext_lazy

from apps.gateways.lifecycle.table import State
from apps.gateways.views.live import Part, render_part
from apps.gateways.views.page import GatewayPage
from apps.gateways.views.shown import cpu_of, is_being_created, memory_of, places_of, processes_told

PAGE = "gateways/settings.html"


class Settings(GatewayPage):
    template_name = PAGE
    tab = "settings"
    tab_label = gettext_lazy("Settings")

    def get_parts(self) -> list[Part]:
        gateway = self.gateway
        stays = gateway.state != State.DELETED
        context = {
            "gateway": gateway,
            "may_operate": stays and self.may("gateways.operate"),
            "may_set_egress": stays and self.may("gateways.secrets"),
            "may_switch": stays and self.may("gateways.operate") and not is_being_created(gateway),
            "may_delete": stays and self.may("gateways.delete"),
            "cpu": cpu_of(gateway.size),
            "memory": memory_of(gateway.size),
            "processes": processes_told(gateway.layout),
            "places": places_of(gateway, serves=False),
        }
        return [render_part(f"{PAGE}#settings", "settings", context)]

    def get_context(self) -> dict[str, Any]:
        return {}
