"""How each cluster is, for people: its agents, what it holds, and how far behind it is."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, F, Q
from django.db.models.enums import TextChoices
from django.utils.translation import gettext_lazy as _

from apps.fleet.models import Agent, Bundle, Cluster
from apps.fleet.selectors import Delay, Presence, delay_of_fleet, list_clusters, presence_of

# Of a removed bundle, which isn't gone yet
REMOVING = "removing"


class Health(TextChoices):
    """Of a cluster, the first that is true of it."""

    WAITING = "waiting", _("waits for an agent")
    LOST = "lost", _("agent lost")
    MAINTENANCE = "maintenance", _("maintenance")
    FAILED = "failed", _("failed")
    DELIVERING = "delivering", _("delivering")
    IN_SYNC = "in-sync", _("in sync")


@dataclass(frozen=True)
class AgentState:
    agent: Agent
    presence: Presence
    # Revisions of the cluster that it hasn't taken yet
    behind: int


@dataclass(frozen=True)
class ClusterState:
    cluster: Cluster
    health: Health
    # Those that aren't revoked, the leader first
    agents: Sequence[AgentState]
    # Bundle.Phase → how many; REMOVING for those that are to go
    bundles: Mapping[str, int]

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
    def on_the_way(self) -> int:
        return sum(self.bundles.values()) - self.ready - self.failed


@dataclass(frozen=True)
class FleetState:
    """All of it in a few numbers."""

    clusters: int
    in_sync: int
    agents: int
    connected: int
    wanted: int
    ready: int
    delay: Delay


def cluster_states(clusters: Iterable[Cluster] | None = None) -> list[ClusterState]:
    """Of all clusters by region and name, unless some are given. As many queries for one as for all."""
    wanted = list(list_clusters().order_by("region", "name") if clusters is None else clusters)
    keys = [cluster.pk for cluster in wanted]
    agents: dict[str, list[Agent]] = {}
    for agent in Agent.objects.filter(cluster__in=keys, revoked_at=None).order_by("-leads", "created_at", "pk"):
        agents.setdefault(agent.cluster_id, []).append(agent)
    bundles = _bundles_of(keys)
    return [_state_of(each, agents.get(each.pk, []), bundles.get(each.pk, Counter())) for each in wanted]


def fleet_state(states: Sequence[ClusterState]) -> FleetState:
    return FleetState(
        clusters=len(states),
        in_sync=sum(each.health == Health.IN_SYNC for each in states),
        agents=sum(len(each.agents) for each in states),
        connected=sum(each.connected for each in states),
        wanted=sum(each.wanted for each in states),
        ready=sum(each.ready for each in states),
        delay=delay_of_fleet(),
    )


def _state_of(cluster: Cluster, agents: Sequence[Agent], bundles: Counter[str]) -> ClusterState:
    states = [AgentState(each, presence_of(each), max(0, cluster.revision - each.applied_revision)) for each in agents]
    return ClusterState(cluster, _health_of(cluster, states, bundles), states, bundles)


def _health_of(cluster: Cluster, agents: Sequence[AgentState], bundles: Counter[str]) -> Health:
    if not agents:
        return Health.MAINTENANCE if cluster.is_in_maintenance else Health.WAITING
    if not any(each.presence == Presence.LEADS for each in agents):
        return Health.LOST
    if cluster.is_in_maintenance:
        return Health.MAINTENANCE
    if bundles[Bundle.Phase.FAILED]:
        return Health.FAILED
    return Health.IN_SYNC if set(+bundles) <= {Bundle.Phase.READY} else Health.DELIVERING


def _bundles_of(keys: Sequence[str]) -> dict[str, Counter[str]]:
    """What an agent said of an older revision says nothing of this one: that is pending."""
    found: dict[str, Counter[str]] = {}
    rows = Bundle.objects.filter(cluster__in=keys).order_by()
    grouped = rows.values(
        "cluster_id", "phase", is_removed=Q(removed_at__isnull=False), is_current=Q(reported_digest=F("digest"))
    )
    for row in grouped.annotate(count=Count("pk")):
        phase = row["phase"] if row["is_current"] else Bundle.Phase.PENDING
        found.setdefault(row["cluster_id"], Counter())[REMOVING if row["is_removed"] else phase] += row["count"]
    return found
