"""An agent's stream, as rows: who is connected, who leads, what was delivered, and what came back."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Greatest

from apps.core.clock import now
from apps.core.ids import new_id
from apps.core.notify import notify
from apps.fleet.models import Agent, Bundle, Cluster
from apps.fleet.services.bundles import CHANNEL, tell_owner
from apps.fleet.services.identities import AgentInfo, identify

MESSAGES_KEPT = 2_000


@dataclass(frozen=True)
class Session:
    id: str
    agent_id: str
    cluster_id: str
    leads: bool


@dataclass(frozen=True)
class Delivery:
    """What brings an agent from one revision to another. Whole: all there is, so the rest may go."""

    revision: int
    bundles: Sequence[Bundle]
    removed: Sequence[str] = ()
    base: int = 0
    whole: bool = False

    @property
    def is_empty(self) -> bool:
        return not (self.whole or self.bundles or self.removed)


@dataclass(frozen=True)
class Report:
    """What an agent says of a bundle."""

    key: str
    digest: str
    phase: str
    message: str
    statuses: list[dict[str, Any]]


@transaction.atomic
def open_session(*, access_token: str, info: AgentInfo, applied_revision: int, state_digest: str) -> Session:
    """The newest stream of an agent is its own; whoever had one before is told to go."""
    agent = identify(access_token, cluster_uid=info.cluster_uid)
    cluster = Cluster.objects.select_for_update().get(pk=agent.cluster_id)
    leads = not _others(agent).filter(leads=True).exists()
    Agent.objects.filter(pk=agent.pk).update(
        session_id=(session_id := new_id("ses")),
        version=info.version,
        instance_id=info.instance_id,
        cluster_uid=info.cluster_uid,
        facts=info.facts,
        leads=leads,
        connected_at=now(),
        seen_at=now(),
        disconnected_because="",
    )
    if leads:
        _learn(cluster, info.facts)
    notify(CHANNEL, cluster.pk)
    return Session(session_id, agent.pk, cluster.pk, leads)


@transaction.atomic
def close_session(*, session: Session, because: str) -> None:
    """The next of the cluster's agents leads."""
    Cluster.objects.select_for_update().get(pk=session.cluster_id)
    closed = Agent.objects.filter(pk=session.agent_id, session_id=session.id)
    if not closed.update(session_id="", leads=False, connected_at=None, disconnected_because=because[:200]):
        return
    others = Agent.objects.filter(cluster_id=session.cluster_id, revoked_at=None).exclude(session_id="")
    if session.leads and not others.filter(leads=True).exists():
        heir = others.order_by("connected_at").first()
        if heir:
            Agent.objects.filter(pk=heir.pk).update(leads=True)
    notify(CHANNEL, session.cluster_id)


def what_to_deliver(session: Session, since: int | None) -> Delivery:
    """From a revision on; None: everything. Nothing new goes to a cluster in maintenance."""
    cluster = Cluster.objects.get(pk=session.cluster_id)
    rows = Bundle.objects.filter(cluster=cluster).order_by("revision")
    if since is None or since < cluster.forgotten_revision:
        # What is to go is named too: the agent may have removed it before and not been heard
        there = list(rows.filter(revision__lte=cluster.revision))
        removed = [bundle.key for bundle in there if bundle.removed_at is not None]
        return Delivery(
            cluster.revision,
            [bundle for bundle in there if bundle.removed_at is None],
            removed,
            base=cluster.revision,
            whole=True,
        )
    if cluster.is_in_maintenance:
        return Delivery(since, ())
    changed = list(rows.filter(revision__gt=since))
    upto = changed[-1].revision if changed else since
    return Delivery(
        upto,
        [bundle for bundle in changed if bundle.removed_at is None],
        [bundle.key for bundle in changed if bundle.removed_at is not None],
        base=since,
    )


def hear_heartbeat(*, session: Session, applied_revision: int, state_digest: str, facts: dict[str, str]) -> None:
    Agent.objects.filter(pk=session.agent_id, session_id=session.id).update(
        seen_at=now(), applied_revision=applied_revision, state_digest=state_digest
    )


def hear_applied(*, session: Session, revision: int) -> None:
    Agent.objects.filter(pk=session.agent_id, session_id=session.id).update(seen_at=now(), applied_revision=revision)


@transaction.atomic
def hear_of_bundle(*, session: Session, report: Report) -> None:
    """Counts only from the agent that leads, and only about what is wanted now or about its being gone."""
    if not Agent.objects.filter(pk=session.agent_id, session_id=session.id, leads=True).exists():
        return
    rows = Bundle.objects.select_for_update().filter(cluster_id=session.cluster_id, key=report.key)
    bundle = rows.first()
    if bundle is None:
        return
    if report.phase == Bundle.Phase.PRUNED:
        if bundle.removed_at is None:
            return
        # Agents that stand before this revision can't be told by a delta any more
        clusters = Cluster.objects.filter(pk=session.cluster_id)
        clusters.update(forgotten_revision=Greatest(F("forgotten_revision"), bundle.revision))
        bundle.delete()
        tell_owner(bundle)
        return
    bundle.phase, bundle.reported_digest = report.phase, report.digest
    bundle.message, bundle.statuses, bundle.reported_at = report.message[:MESSAGES_KEPT], report.statuses, now()
    bundle.save(update_fields=["phase", "reported_digest", "message", "statuses", "reported_at"])
    tell_owner(bundle)


@dataclass(frozen=True)
class Standing:
    """How a session stands, looked up again after each notification."""

    is_revoked: bool
    is_superseded: bool
    leads: bool


def standing_of(session: Session) -> Standing:
    agent = Agent.objects.filter(pk=session.agent_id).values_list("revoked_at", "session_id", "leads").first()
    if agent is None:
        return Standing(is_revoked=True, is_superseded=False, leads=False)
    revoked_at, session_id, leads = agent
    return Standing(revoked_at is not None, session_id != session.id, leads)


def _others(agent: Agent) -> Any:
    connected = Agent.objects.filter(cluster_id=agent.cluster_id, revoked_at=None).exclude(session_id="")
    return connected.exclude(pk=agent.pk)


def _learn(cluster: Cluster, facts: dict[str, str]) -> None:
    if cluster.facts != facts:
        Cluster.objects.filter(pk=cluster.pk).update(facts=facts)
