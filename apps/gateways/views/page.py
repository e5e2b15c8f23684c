"""The frame of a gateway's pages: its head, and the parts of each page that are replaced one at a time."""

from typing import Any, ClassVar

from django.contrib.auth.mixins import LoginRequiredMixin
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views import View

from apps.core.errors import NotFound, Text
from apps.core.web import htmx
from apps.core.web.addresses import address
from apps.core.web.lists import Listing, ListPage
from apps.gateways.models import FunctionGateway
from apps.gateways.tabs import tabs_of
from apps.gateways.views.base import AboutGateway
from apps.gateways.views.live import Part, Parts, is_asked, render_part, take_seen
from apps.gateways.views.shown import (
    Offer,
    cpu_of,
    is_being_created,
    memory_of,
    offers_for,
    statephase_of,
)
from apps.tenants.member import Member

FRAME = "gateways/_frame.html"


def head_parts(gateway: FunctionGateway, actor: Member) -> list[Part]:
    """What stands above the tabs of each page."""
    offers = offers_for(gateway, actor)
    menu = {"menu": _menu(gateway, actor, offers)}
    return [
        render_part(f"{FRAME}#statephase", "statephase", {"shown": statephase_of(gateway)}),
        render_part(f"{FRAME}#actions", "actions", {"offers": offers}),
        render_part(f"{FRAME}#more", "more", menu),
        render_part(f"{FRAME}#menu_items", "menu-items", menu),
    ]


def head_context(gateway: FunctionGateway, actor: Member, parts: Parts) -> dict[str, Any]:
    is_own = gateway.owner_id == actor.pk
    return {
        "gateway": gateway,
        "parts": parts,
        "may_act": any(actor.may(name, is_own=is_own) for name in ("gateways.operate", "gateways.delete")),
        "cpu": cpu_of(gateway.size),
        "memory": memory_of(gateway.size),
        "tabs": tabs_of(gateway, actor),
        **{part.id.replace("-", "_"): part for part in parts.parts},
    }


class GatewayPage(AboutGateway, LoginRequiredMixin, View):
    """A tab. `get_parts` gives what is replaced by itself, beside the head."""

    template_name: ClassVar[str]
    tab: ClassVar[str]
    tab_label: ClassVar[Text] = ""

    def get_parts(self) -> list[Part]:
        return []

    def get_context(self) -> dict[str, Any]:
        return {}

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            gateway = self.gateway
        except NotFound:
            if not is_asked(request):
                raise
            # Whoever looked on while it was deleted isn't left on a page of nothing
            htmx.later_toast(request, title=_("The gateway was deleted"))
            return htmx.redirect(request, address("gateways:list"))
        self.parts = self.get_parts()
        parts = Parts([*head_parts(gateway, self.actor), *self.parts], topic=f"gateway:{gateway.pk}", url=request.path)
        if is_asked(request):
            return parts.answer(take_seen(request))
        tab = {"tab": self.tab, "tab_label": self.tab_label}
        context = {**head_context(gateway, self.actor, parts), **tab, **self.get_context()}
        response = render(request, self.template_name, context)
        response["Cache-Control"] = "private, no-cache"
        return htmx.vary(response)


class GatewayListPage(AboutGateway, ListPage):
    """A list as a tab of a gateway: the head is asked for by itself, and the table."""

    tab: ClassVar[str]
    tab_label: ClassVar[Text]

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if is_asked(request):
            return self._head().answer(take_seen(request))
        return super().get(request, *args, **kwargs)

    def get_context(self, listing: Listing) -> dict[str, Any]:
        context = {**super().get_context(listing), "gateway": self.gateway, "member": self.actor}
        if listing.request.headers.get("HX-Target") == self.partial:
            return context
        head = head_context(self.gateway, self.actor, self._head())
        return {**head, **context, "tab": self.tab, "tab_label": self.tab_label}

    def _head(self) -> Parts:
        parts = head_parts(self.gateway, self.actor)
        return Parts(parts, topic=f"gateway:{self.gateway.pk}", url=self.request.path)


def _menu(gateway: FunctionGateway, actor: Member, offers: list[Offer]) -> list[Offer]:
    """What is done rarely."""
    found = []
    if offers and actor.may("gateways.operate", is_own=gateway.owner_id == actor.pk) and not is_being_created(gateway):
        for name, label, icon in RARE:
            found.append(Offer(name, label, icon, address(f"gateways:{name}", gateway_id=gateway.pk)))
    return [*found, *(offer for offer in offers if offer.is_rare)]


RARE = (
    ("bundle", gettext_lazy("Change bundle"), "cpu"),
    ("rename", gettext_lazy("Rename"), "edit"),
    ("transfer", gettext_lazy("Transfer ownership"), "users"),
)
