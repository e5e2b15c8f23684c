"""One cluster: its agents, what each bundle says, and what an operator does with it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Case, IntegerField, QuerySet, Value, When
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views import View

from apps.core.clock import now
from apps.core.errors import NotFound, Text
from apps.core.web import htmx
from apps.core.web.forms import Touch
from apps.fleet.delivery import wanted_of
from apps.fleet.health import AgentState, ClusterState, cluster_states
from apps.fleet.models import Bundle, Cluster
from apps.fleet.naming import names_of
from apps.fleet.selectors import SILENCE, Presence, list_agents, list_bundles, list_registration_tokens
from apps.fleet.views.base import AboutCluster, show
from apps.fleet.views.events import recent_events
from apps.fleet.views.shown import BUNDLE_TONES, PRESENCE_TONES, ShownCluster
from apps.tenants.operators import is_allowed

# What isn't ready comes first; the others are in the admin's list
MOST_BUNDLES = 50
PARTS = ("standing", "figures", "maintenance", "agents", "bundles")
WORST_FIRST = {
    Bundle.Phase.FAILED: 0,
    Bundle.Phase.DELIVERING: 1,
    Bundle.Phase.APPLIED: 1,
    Bundle.Phase.PENDING: 1,
    Bundle.Phase.PRUNED: 1,
    Bundle.Phase.READY: 2,
}


@dataclass(frozen=True)
class ShownAgent:
    state: AgentState
    # Whether it holds exactly what is wanted; None while it isn't as far, and for one that is away
    agrees: bool | None

    @property
    def tone(self) -> str:
        return PRESENCE_TONES[self.state.presence]

    @property
    def presence(self) -> Text:
        return Presence(self.state.presence).label


@dataclass(frozen=True)
class ShownObject:
    """An object of a bundle, and what its agent says of it."""

    kind: str
    name: str
    message: str
    conditions: tuple[dict[str, Any], ...]


@dataclass(frozen=True)
class ShownBundle:
    row: Bundle
    # As people call it
    name: str

    @property
    def tone(self) -> str:
        if self.row.removed_at or not self.row.is_current:
            return "busy"
        return "warn" if self.row.has_drifted else BUNDLE_TONES[self.row.phase]

    @property
    def phase(self) -> Text:
        if self.row.removed_at:
            return _("being removed")
        if self.row.has_drifted:
            return _("drifted")
        return Bundle.Phase(self.row.phase).label

    @property
    def objects(self) -> list[ShownObject]:
        said = {_name_of(each): each for each in self.row.statuses}
        return [
            ShownObject(
                each.get("kind", ""),
                each.get("name", ""),
                said.get(_name_of(each), {}).get("message", ""),
                tuple(said.get(_name_of(each), {}).get("conditions", ())),
            )
            for each in self.row.objects_named
        ]


class ClusterPage(AboutCluster, View):
    """`/fleet/clusters/{cluster}`."""

    def get(self, request: HttpRequest, cluster_id: str) -> HttpResponse:
        part = htmx.target(request)
        context: dict[str, Any] = {"here": request.get_full_path(), "cluster": self.cluster}
        if part == "events":
            return show(request, "fleet/cluster.html#events", {**context, "events": recent_events(self.cluster)})
        context |= {
            **standing_context(self.cluster),
            "may_register": is_allowed(self.operator, "clusters.register"),
        }
        if part in PARTS:
            return show(request, f"fleet/cluster.html#{part}", context)
        return show(request, "fleet/cluster.html", {**context, "events": recent_events(self.cluster)})


class BundlePage(AboutCluster, View):
    """What one bundle says, object by object: in a sheet over the cluster's page, or alone."""

    def get(self, request: HttpRequest, cluster_id: str, bundle_id: str) -> HttpResponse:
        row = list_bundles(self.cluster.pk).filter(pk=bundle_id).first()
        if row is None:
            raise NotFound
        in_sheet = htmx.target(request) == "sheet"
        template = "fleet/bundle_sheet.html" if in_sheet else "fleet/bundle.html"
        return show(request, template, {"cluster": self.cluster, "bundle": _named([row])[0]})


def standing_context(cluster: Cluster) -> dict[str, Any]:
    (state,) = cluster_states([cluster])
    bundles = list(_worst_first(list_bundles(cluster.pk))[:MOST_BUNDLES])
    return {
        "shown": ShownCluster(state),
        "agents": _agents(state),
        "revoked": list_agents().filter(cluster=cluster).exclude(revoked_at=None).count(),
        "tokens": list_registration_tokens(cluster.pk).order_by("-created_at"),
        "bundles": _named(bundles),
        "all_bundles": sum(state.bundles.values()),
        "facts": _facts(cluster),
    }


def _named(rows: Sequence[Bundle]) -> list[ShownBundle]:
    names = names_of(row.key for row in rows)
    return [ShownBundle(row, names[row.key]) for row in rows]


def _agents(state: ClusterState) -> list[ShownAgent]:
    wanted = wanted_of(state.cluster.pk)
    digest = wanted.digest if wanted else ""
    return [ShownAgent(each, _agrees(each, digest)) for each in state.agents]


def _agrees(state: AgentState, digest: str) -> bool | None:
    if state.presence == Presence.LOST:
        return None
    if state.agent.state_digest == digest:
        return True
    # It says what it holds with each heartbeat: until the next one a change isn't in it
    is_young = state.agent.synced_at is not None and state.agent.synced_at > now() - SILENCE
    return None if state.behind or is_young else False


def _worst_first(rows: "QuerySet[Bundle]") -> "QuerySet[Bundle]":
    cases = [When(phase=phase, then=Value(rank)) for phase, rank in WORST_FIRST.items()]
    rank = Case(When(removed_at__isnull=False, then=Value(1)), *cases, default=Value(1), output_field=IntegerField())
    return rows.annotate(rank=rank).order_by("rank", "-revision")


NAMES_OF_FACTS = {
    "gateway_port": gettext_lazy("Gateway's port"),
    "runtime_version": gettext_lazy("Runtime"),
    "envoy_version": gettext_lazy("Envoy"),
    "machine": gettext_lazy("Machine"),
}


def _facts(cluster: Cluster) -> list[Touch]:
    return [Touch(NAMES_OF_FACTS.get(name, name), value, is_code=True) for name, value in sorted(cluster.facts.items())]


def _name_of(thing: dict[str, Any]) -> tuple[str, str, str]:
    return thing.get("kind", ""), thing.get("namespace", ""), thing.get("name", "")
