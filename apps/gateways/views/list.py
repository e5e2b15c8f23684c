"""The gateways of a workspace: the list, and what is wanted of several at once."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.functional import cached_property
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext_lazy

from apps.core.errors import NotFound, Problem, Text
from apps.core.web import htmx
from apps.core.web.addresses import address
from apps.core.web.forms import OVERLAYS, ConfirmView, Done, Touch
from apps.core.web.lists import Column, Listing, ListPage
from apps.gateways.filters import GatewayFilter
from apps.gateways.models import FunctionGateway
from apps.gateways.selectors import address_of, hosts_of, list_gateways
from apps.gateways.services.states import delete_gateway, restart_gateway, start_gateway, stop_gateway
from apps.gateways.sizes import StageName
from apps.gateways.views.base import InGateways
from apps.gateways.views.live import Part, Parts, is_asked, render_part, take_seen
from apps.gateways.views.shown import DELETE, RESTART, START, STOP, hosts_told, offers_for, statephase_of
from apps.tenants.member import Member

PAGE = "gateways/list.html"
# In the order in which they stand on the bar
SEVERAL = ("start", "restart", "stop", "delete")
MOST_AT_ONCE = 200
# In the notice, of those that were refused
MOST_REFUSALS = 5
NEWS = "live:gateways, live:resync, gateways from:body"


class GatewayList(InGateways, ListPage):
    template_name = PAGE
    filterset_class = GatewayFilter
    shown_filters: Sequence[str] = ("state", "phase", "cluster", "owner")
    order = "title"
    export_name = "gateways"
    columns: Sequence[Column] = (
        Column("id", gettext_lazy("Id"), on_page=False),
        Column("title", gettext_lazy("Gateway"), sort="title"),
        Column("name", gettext_lazy("Name"), on_page=False),
        Column("state", gettext_lazy("State"), sort="phase"),
        Column("phase", gettext_lazy("Phase"), on_page=False),
        Column("cluster", gettext_lazy("Cluster"), value="cluster.name", sort="cluster__name"),
        Column("size", gettext_lazy("Bundle"), on_page=False),
        Column("layout", gettext_lazy("Processes"), on_page=False),
        Column("owner", gettext_lazy("Owner"), value=lambda row: str(row.owner or "")),
        Column("hosts", gettext_lazy("Addresses"), value=lambda row: hosts_told(row)),
        Column("created_at", pgettext_lazy("a gateway", "Since"), sort="created_at"),
    )

    def get_queryset(self) -> "QuerySet[FunctionGateway]":
        return list_gateways(actor=self.actor).select_related("cluster", "owner")

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """What asks for news gets the states that have changed, or the table where rows came or went."""
        if not is_asked(request):
            return super().get(request, *args, **kwargs)
        seen = take_seen(request)
        listing = Listing(self, request)
        parts: Parts = self.get_context(listing)["parts"]
        if parts.parts[0].mark in seen:
            return parts.answer(seen)
        response = self._answer(listing)
        del response["HX-Push-Url"]
        response["HX-Retarget"], response["HX-Reswap"] = "#table", "innerHTML"
        return response

    def get_context(self, listing: Listing) -> dict[str, Any]:
        for row in listing.rows:
            _prepare(row, self.actor)
        which = Part("rows", mark_safe(" ".join(row.pk for row in listing.rows)))  # noqa: S308  ids of ours
        states = [part for row in listing.rows for part in (row.state_part, row.menu_part)]
        topic = f"tenant:{self.actor.tenant_id}"
        return {
            **super().get_context(listing),
            "member": self.actor,
            "may_create": self.actor.may("gateways.create"),
            "may_choose": self._may_choose,
            "several": [(name, LABELS[name], name == "delete") for name in SEVERAL],
            "parts": Parts([which, *states], topic=topic, url=listing.here, trigger=NEWS),
        }

    @property
    def _may_choose(self) -> bool:
        """Of what somebody owns, too; which of the chosen ones they may is said then."""
        return self.actor.may("gateways.operate", is_own=True)


def _prepare(row: Any, actor: Member) -> None:
    """Puts on a row what its template shows beside the columns."""
    row.hosts = [(name, address_of(row, host)) for name in StageName for host in hosts_of(row, name)]
    row.state_part = render_part(f"{PAGE}#state", f"state-{row.pk}", {"shown": statephase_of(row)})
    row.menu_part = render_part(f"{PAGE}#menu", f"offers-{row.pk}", {"offers": offers_for(row, actor), "row": row})


def _more(count: int) -> list[str]:
    """A line for those that the notice has no room for."""
    if count <= 0:
        return []
    return [ngettext("And %(count)d more.", "And %(count)d more.", count) % {"count": count}]


# --- Several at once -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Bulk:
    """What is done to each of the chosen ones, and the words around it."""

    label: Text
    run: Callable[..., Any]
    permission: str
    title: Callable[[int], str]
    button: Callable[[int], str]
    lead: Text
    after: Text
    is_dangerous: bool = False


def _titled(one: Callable[[int], str]) -> Callable[[int], str]:
    return lambda count: one(count) % {"count": count}


LABELS: Mapping[str, Text] = {"start": START, "restart": RESTART, "stop": STOP, "delete": DELETE}
BULKS: Mapping[str, Bulk] = {
    "start": Bulk(
        START,
        start_gateway,
        "gateways.operate",
        _titled(lambda count: ngettext("Start %(count)d gateway?", "Start %(count)d gateways?", count)),
        _titled(lambda count: ngettext("Start %(count)d gateway", "Start %(count)d gateways", count)),
        gettext_lazy("Each answers at its addresses as soon as it's up."),
        gettext_lazy("running"),
    ),
    "restart": Bulk(
        RESTART,
        restart_gateway,
        "gateways.operate",
        _titled(lambda count: ngettext("Restart %(count)d gateway?", "Restart %(count)d gateways?", count)),
        _titled(lambda count: ngettext("Restart %(count)d gateway", "Restart %(count)d gateways", count)),
        gettext_lazy("Callers don't notice: the old processes serve until the new ones are ready."),
        gettext_lazy("restarting"),
    ),
    "stop": Bulk(
        STOP,
        stop_gateway,
        "gateways.operate",
        _titled(lambda count: ngettext("Stop %(count)d gateway?", "Stop %(count)d gateways?", count)),
        _titled(lambda count: ngettext("Stop %(count)d gateway", "Stop %(count)d gateways", count)),
        gettext_lazy("Their addresses stop answering. Data, variables and names stay."),
        gettext_lazy("stopped"),
        is_dangerous=True,
    ),
    "delete": Bulk(
        DELETE,
        delete_gateway,
        "gateways.delete",
        _titled(
            lambda count: ngettext("Delete %(count)d gateway for good?", "Delete %(count)d gateways for good?", count)
        ),
        _titled(
            lambda count: ngettext("Delete %(count)d gateway for good", "Delete %(count)d gateways for good", count)
        ),
        gettext_lazy("Their addresses stop answering, and their databases are destroyed with everything in them."),
        gettext_lazy("deleted"),
        is_dangerous=True,
    ),
}


class Several(InGateways, ConfirmView):
    """`/gateways/several/stop?selected=…`: names each of the chosen gateways, what it is and what it becomes."""

    @property
    def bulk(self) -> Bulk:
        found = BULKS.get(self.kwargs["wish"])
        if found is None:
            raise NotFound
        return found

    @cached_property
    def chosen(self) -> list[FunctionGateway]:
        # No column of the database takes NUL, so no row is called so
        keys = [key for key in self.request.GET.getlist("selected") if "\0" not in key][:MOST_AT_ONCE]
        found = list_gateways(actor=self.actor).filter(pk__in=keys).select_related("cluster")
        return list(found.order_by("title", "pk"))

    def get_form(self, data: Any = None, files: Any = None) -> Any:
        self.actor.require(self.bulk.permission, is_own=True)
        if not self.chosen:
            raise NotFound(_("Choose at least one gateway in the list."))
        return super().get_form(data, files)

    def get_typed_name(self) -> str:
        """Of one, its name; of several, how many there are."""
        if self.kwargs["wish"] != "delete":
            return ""
        return self.chosen[0].name if len(self.chosen) == 1 else str(len(self.chosen))

    def get_context(self) -> dict[str, Any]:
        bulk = self.bulk
        return {
            **super().get_context(),
            "title": bulk.title(len(self.chosen)),
            "lead": bulk.lead,
            "submit_label": bulk.button(len(self.chosen)),
            "is_dangerous": bulk.is_dangerous,
        }

    def get_touches(self) -> list[Touch]:
        return [Touch(row.title, self._told(row)) for row in self.chosen]

    def _told(self, row: FunctionGateway) -> str:
        if not self.actor.may(self.bulk.permission, is_own=row.owner_id == self.actor.pk):
            return _("Left as it is: it takes another role than yours, or to own it.")
        now = {"before": statephase_of(row).phase, "after": self.bulk.after, "hosts": hosts_told(row)}
        return _("%(before)s, then %(after)s. %(hosts)s") % now

    def run(self) -> Done:
        done, refusals = 0, []
        for row in self.chosen:
            try:
                self.bulk.run(actor=self.actor, gateway=row)
            except Problem as problem:
                refusals.append(f"{row}: {problem}")
            else:
                done += 1
        counted = ngettext("%(label)s: %(count)d done", "%(label)s: %(count)d done", done)
        self.tone: htmx.Tone = "ok" if not refusals else "warn" if done else "bad"
        text = "\n".join([*refusals[:MOST_REFUSALS], *_more(len(refusals) - MOST_REFUSALS)])
        return Done(counted % {"label": self.bulk.label, "count": done}, text, events={"gateways": {}})

    def succeed(self, done: Done) -> HttpResponse:
        """Of several, some may have been refused: the notice says which, and stays."""
        if self.tone == "ok" or htmx.target(self.request) not in OVERLAYS:
            return super().succeed(done)
        response = htmx.trigger(HttpResponse(status=204), "gateways")
        return htmx.vary(htmx.close(htmx.toast(response, tone=self.tone, title=done.title, text=done.text)))

    def get_back_url(self) -> str:
        return address("gateways:list")
