"""An agent's stream, as rows: who is connected, who leads, and how far they are.

Of an agent that isn't in the session any more, nothing counts.
"""

from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction
from django.db.models import F
from django.db.models.functions import Greatest

from apps.core.clock import now
from apps.core.events import publish
from apps.core.ids import new_id
from apps.core.notify import notify
from apps.fleet.models import Agent, Cluster
from apps.fleet.problems import Outrun
from apps.fleet.services.bundles import CHANNEL
from apps.fleet.services.identities import AgentInfo, identify
from apps.fleet.services.leading import close_silent, pass_on_lead
from apps.fleet.tokens import cluster_in

# Of a bigint. What an agent says may be anything
LARGEST_REVISION = 2**63 - 1
# Agents say everything when they come back
WITHOUT_WAITING = "SET LOCAL synchronous_commit = off"


@dataclass(frozen=True)
class Session:
    id: str
    agent_id: str
    cluster_id: str
    leads: bool
    # Of its cluster, when it began
    resyncs: int


@dataclass(frozen=True)
class Standing:
    """How a session stands, looked up again after each notification."""

    is_revoked: bool
    is_superseded: bool
    # It counted as lost meanwhile, and its stream as closed
    is_closed: bool
    leads: bool
    resyncs: int


def new_session_id() -> str:
    """Sorts by the moment of its stream's hello, which may be written down after that of a newer one."""
    return new_id("ses")


@transaction.atomic
def open_session(
    session_id: str, access_token: str, info: AgentInfo, *, applied_revision: int, digest: str, address: str
) -> Session:
    """The newest stream of an agent is its own; whoever had one before is told to go."""
    cluster = Cluster.objects.select_for_update(no_key=True).filter(pk=cluster_in(access_token)).first()
    agent, _expires_at = identify(access_token, cluster_uid=info.cluster_uid)
    assert cluster, "An agent has a cluster."
    # One that began in a time to come began before this clock was set back
    if agent.session_id > session_id and (agent.connected_at is None or agent.connected_at <= now()):
        raise Outrun("A newer stream of this agent has begun.")
    close_silent(cluster.pk, besides=agent.pk)
    others = Agent.objects.filter(cluster=cluster, leads=True).exclude(pk=agent.pk)
    leads = not others.exists()
    moment = now()
    Agent.objects.filter(pk=agent.pk).update(
        session_id=session_id,
        version=info.version,
        instance_id=info.instance_id,
        cluster_uid=info.cluster_uid or agent.cluster_uid,
        facts=info.facts,
        address=address,
        leads=leads,
        connected_at=moment,
        seen_at=moment,
        disconnected_because="",
        applied_revision=applied_revision,
        state_digest=digest,
    )
    if leads:
        _learn(cluster.pk, info.facts)
    notify(CHANNEL, cluster.pk)
    publish("fleet", "connected", agent.pk, tenant_id="")
    return Session(session_id, agent.pk, cluster.pk, leads, cluster.resyncs)


@transaction.atomic
def close_session(session: Session, because: str) -> None:
    """The next of the cluster's agents leads."""
    Cluster.objects.select_for_update(no_key=True).filter(pk=session.cluster_id).first()
    if _mine(session).update(session_id="", leads=False, connected_at=None, disconnected_because=because[:200]):
        pass_on_lead(session.cluster_id)
        publish("fleet", "disconnected", session.agent_id, tenant_id="")


@transaction.atomic
def close_lost(cluster_id: str) -> None:
    """After a silence, whoever is still there leads."""
    Cluster.objects.select_for_update(no_key=True).filter(pk=cluster_id).first()
    if close_silent(cluster_id):
        pass_on_lead(cluster_id)


def standing_of(session: Session) -> Standing:
    columns = ("revoked_at", "session_id", "leads", "cluster__resyncs")
    agent = Agent.objects.filter(pk=session.agent_id).values_list(*columns).first()
    if agent is None:
        return Standing(is_revoked=True, is_superseded=False, is_closed=True, leads=False, resyncs=0)
    revoked_at, session_id, leads, resyncs = agent
    is_mine = session_id == session.id
    return Standing(
        is_revoked=revoked_at is not None,
        is_superseded=bool(session_id) and not is_mine,
        is_closed=not session_id,
        leads=leads and is_mine,
        resyncs=resyncs,
    )


@transaction.atomic
def hear_heartbeat(
    session: Session, *, applied_revision: int, digest: str, facts: dict[str, str], is_in_sync: bool
) -> bool:
    """False: the stream isn't the agent's any more."""
    without_waiting()
    values: dict[str, Any] = {"seen_at": now(), "applied_revision": applied_revision, "state_digest": digest}
    if is_in_sync:
        values["synced_at"] = values["seen_at"]
    if facts:
        values["facts"] = facts
    # The cluster before its agent, as everywhere
    if facts and _mine(session).filter(leads=True).exists():
        _learn(session.cluster_id, facts)
    return bool(_mine(session).update(**values))


def hear_applied(session: Session, *, revision: int, is_all: bool) -> None:
    moment = now()
    values: dict[str, Any] = {"seen_at": moment, "applied_revision": Greatest(F("applied_revision"), revision)}
    if is_all:
        values["synced_at"] = moment
    _mine(session).update(**values)


def is_leading(session: Session) -> bool:
    return bool(_mine(session).filter(leads=True).exists())


def _mine(session: Session) -> Any:
    return Agent.objects.filter(pk=session.agent_id, session_id=session.id)


def _learn(cluster_id: str, facts: dict[str, str]) -> None:
    Cluster.objects.filter(pk=cluster_id).exclude(facts=facts).update(facts=facts)


def without_waiting() -> None:
    """In a transaction: its commit doesn't wait for the disk. Lost with the database, it's said again."""
    with connection.cursor() as cursor:
        cursor.execute(WITHOUT_WAITING)
