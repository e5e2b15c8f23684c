"""The pages of one gateway, as tabs above each of them. An app that keeps something in gateways has its own there:

register_tab(Tab("functions", _("Functions"), "functions:list", place=20, permission="functions.read"))
"""

from collections.abc import Callable
from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from apps.core.errors import Text
from apps.core.web.addresses import address
from apps.gateways.models import FunctionGateway
from apps.tenants.member import Member


@dataclass(frozen=True)
class Tab:
    """`name` is what a page says that it is; `place` its order; `count` what stands beside the word."""

    name: str
    label: Text
    url_name: str
    place: int
    permission: str = "gateways.read"
    count: Callable[[FunctionGateway], int] | None = None


@dataclass(frozen=True)
class ShownTab:
    name: str
    label: Text
    url: str
    count: int | None


_tabs: dict[str, Tab] = {}


def register_tab(tab: Tab) -> None:
    _tabs[tab.name] = tab


def tabs_of(gateway: FunctionGateway, actor: Member) -> list[ShownTab]:
    """Those that lead somebody somewhere."""
    return [
        ShownTab(
            tab.name,
            tab.label,
            address(tab.url_name, gateway_id=gateway.pk),
            tab.count(gateway) if tab.count else None,
        )
        for tab in sorted(_tabs.values(), key=lambda tab: tab.place)
        if actor.may(tab.permission)
    ]


for _tab in (
    Tab("overview", _("Overview"), "gateways:detail", 10),
    Tab("environment", _("Environment"), "gateways:environment", 40, count=lambda gateway: gateway.variables.count()),
    Tab("domains", _("Domains"), "gateways:domains", 90),
    Tab("history", pgettext_lazy("of a gateway", "History"), "gateways:history", 100),
    Tab("settings", _("Settings"), "gateways:settings", 120),
):
    register_tab(_tab)
