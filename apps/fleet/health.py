"""How each cluster is, for people: its agents, what it holds, and how far behind it is."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Count, F, Max, Min, Q
from django.db.models.enums import TextChoices
from django.utils.translation import gettext_lazy as _

from apps.core.clock import now
from apps.fleet.models import Agent, Bundle, Cluster
from apps.fleet.selectors import SILENCE, Delay, Presence, delay_of_fleet, delays_of, list_clusters, presence_of

# Of a removed bundle, which isn't gone yet; and of one that was ready and isn't any more, with nothing else wanted
REMOVING, DRIFTED = "removing", "drifted"


class Health(TextChoices):
    """Of a cluster, the first that is true of it."""

    WAITING = "waiting", _("waits for an agent")
    LOST = "lost", _("agent lost")
    MAINTENANCE = "maintenance", _("maintenance")
    FAILED = "failed", _("failed")
    DRIFTED = "drifted", _("drifted")
    DELIVERING = "delivering", _("delivering")
    IN_SYNC = "in-sync", _("in sync")


@dataclass(frozen=True)
class AgentState:
    agent: Agent
    presence: Presence
    # Revisions of the cluster that it hasn't taken yet
    behind: int


@dataclass
class Bundles:
    """Of one cluster."""

    # Bundle.Phase → how many; REMOVING for those that are to go, DRIFTED for those that were ready
    count: Counter[str] = field(default_factory=Counter)
    # The oldest wish that isn't fulfilled
    waits_since: datetime | None = None
    heard_at: datetime | None = None


@dataclass(frozen=True)
class ClusterState:
    cluster: Cluster
    health: Health
    # Those that aren't revoked, the leader first
    agents: Sequence[AgentState]
    bundles: Mapping[str, int]
    waits_since: datetime | None
    delay: Delay
    # Its agent stands where it should and holds something else, also after it was sent everything
    disagrees: bool

    @property
    def connected(self) -> int:
        return sum(each.presence != Presence.LOST for each in self.agents)

    @property
    def versions(self) -> list[str]:
        return sorted({each.agent.version for each in self.agents if each.agent.version})

    @property
    def synced_at(self) -> datetime | None:
        return max((each.agent.synced_at for each in self.agents if each.agent.synced_at), default=None)

    @property
    def seen_at(self) -> datetime | None:
        return max((each.agent.seen_at for each in self.agents if each.agent.seen_at), default=None)

    @property
    def wanted(self) -> int:
        """How many bundles are wanted there."""
        return sum(count for phase, count in self.bundles.items() if phase != REMOVING)

    @property
    def ready(self) -> int:
        return self.bundles.get(Bundle.Phase.READY, 0)

    @property
    def failed(self) -> int:
        return self.bundles.get(Bundle.Phase.FAILED, 0)

    @property
    def drifted(self) -> int:
        return self.bundles.get(DRIFTED, 0)

    @property
    def behind(self) -> int:
        """Of which nothing was heard since something else is wanted."""
        return self.bundles.get(Bundle.Phase.PENDING, 0) + self.bundles.get(REMOVING, 0)

    @property
    def on_the_way(self) -> int:
        return sum(self.bundles.values()) - self.ready - self.failed - self.drifted


@dataclass(frozen=True)
class FleetState:
    """All of it in a few numbers."""

    clusters: int
    in_sync: int
    agents: int
    connected: int
    wanted: int
    ready: int
    drifted: int
    delay: Delay


def cluster_states(clusters: Iterable[Cluster] | None = None) -> list[ClusterState]:
    """Of all clusters by region and name, unless some are given. As many queries for one as for all."""
    wanted = list(list_clusters().order_by("region", "name") if clusters is None else clusters)
    keys = [cluster.pk for cluster in wanted]
    agents: dict[str, list[Agent]] = {}
    for agent in Agent.objects.filter(cluster__in=keys, revoked_at=None).order_by("-leads", "created_at", "pk"):
        agents.setdefault(agent.cluster_id, []).append(agent)
    bundles, delays = _bundles_of(keys), delays_of(keys)
    return [
        _state_of(each, agents.get(each.pk, []), bundles.get(each.pk, Bundles()), delays.get(each.pk, Delay()))
        for each in wanted
    ]


def fleet_state(states: Sequence[ClusterState]) -> FleetState:
    return FleetState(
        clusters=len(states),
        in_sync=sum(each.health == Health.IN_SYNC for each in states),
        agents=sum(len(each.agents) for each in states),
        connected=sum(each.connected for each in states),
        wanted=sum(each.wanted for each in states),
        ready=sum(each.ready for each in states),
        drifted=sum(each.drifted for each in states),
        delay=delay_of_fleet(),
    )


def _state_of(cluster: Cluster, agents: Sequence[Agent], bundles: Bundles, delay: Delay) -> ClusterState:
    states = [AgentState(each, presence_of(each), max(0, cluster.revision - each.applied_revision)) for each in agents]
    disagrees = _disagrees(cluster, states, bundles)
    health = _health_of(cluster, states, bundles.count, disagrees=disagrees)
    return ClusterState(cluster, health, states, bundles.count, bundles.waits_since, delay, disagrees)


def _health_of(cluster: Cluster, agents: Sequence[AgentState], bundles: Counter[str], *, disagrees: bool) -> Health:
    if not agents:
        return Health.MAINTENANCE if cluster.is_in_maintenance else Health.WAITING
    if not any(each.presence == Presence.LEADS for each in agents):
        return Health.LOST
    if cluster.is_in_maintenance:
        return Health.MAINTENANCE
    if bundles[Bundle.Phase.FAILED]:
        return Health.FAILED
    if bundles[DRIFTED] or disagrees:
        return Health.DRIFTED
    return Health.IN_SYNC if _are_all_ready(bundles) else Health.DELIVERING


def _disagrees(cluster: Cluster, agents: Sequence[AgentState], bundles: Bundles) -> bool:
    """Each heartbeat compares digests: several came since anything changed, and none of them agreed."""
    leader = next((each for each in agents if each.presence == Presence.LEADS), None)
    if leader is None or leader.behind or cluster.is_in_maintenance or not _are_all_ready(bundles.count):
        return False
    moments = [leader.agent.connected_at, leader.agent.synced_at, bundles.heard_at]
    return all(moment is None or moment < now() - SILENCE for moment in moments)


def _are_all_ready(bundles: Counter[str]) -> bool:
    return set(+bundles) <= {Bundle.Phase.READY}


def _bundles_of(keys: Sequence[str]) -> dict[str, Bundles]:
    """What an agent said of an older revision says nothing of this one: that is pending."""
    found: dict[str, Bundles] = {}
    rows = Bundle.objects.filter(cluster__in=keys).order_by()
    grouped = rows.values(
        "cluster_id",
        "phase",
        is_removed=Q(removed_at__isnull=False),
        is_current=Q(reported_digest=F("digest")),
        was_ready=Q(ready_ms__isnull=False),
    )
    for row in grouped.annotate(count=Count("pk"), since=Min("wanted_at"), heard=Max("reported_at")):
        bundles, group = found.setdefault(row["cluster_id"], Bundles()), _group_of(row)
        bundles.count[group] += row["count"]
        bundles.heard_at = max(filter(None, (bundles.heard_at, row["heard"])), default=None)
        if group not in (Bundle.Phase.READY, Bundle.Phase.FAILED, DRIFTED):
            bundles.waits_since = min(bundles.waits_since or row["since"], row["since"])
    return found


def _group_of(row: Mapping[str, Any]) -> str:
    if row["is_removed"]:
        return REMOVING
    if not row["is_current"]:
        return Bundle.Phase.PENDING
    on_the_way = row["phase"] in (Bundle.Phase.DELIVERING, Bundle.Phase.APPLIED)
    return DRIFTED if on_the_way and row["was_ready"] else str(row["phase"])
