"""How an agent becomes known, stays known, and is known no more."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from apps.audit.services import SYSTEM, NoPerson, record
from apps.core.clock import now
from apps.core.crypto import keyed_hash, keyed_hashes
from apps.core.notify import notify
from apps.fleet import tokens
from apps.fleet.models import Agent, Cluster, RefreshToken, RegistrationToken
from apps.fleet.problems import BadToken, Cloned, Reused, Revoked, TokenExpired, TokenUsed
from apps.fleet.services.bundles import CHANNEL

REGISTERING, REFRESHING = "agent registration", "agent refresh"


@dataclass(frozen=True)
class Pair:
    access_token: str
    access_expires_at: datetime
    refresh_token: str
    refresh_expires_at: datetime


@dataclass(frozen=True)
class AgentInfo:
    version: str
    instance_id: str
    cluster_uid: str
    facts: dict[str, str]


@transaction.atomic
def make_registration_token(*, cluster: Cluster, made_by: str = "") -> str:
    """Shown once, to whoever asked for it."""
    token = tokens.new_token(tokens.REGISTRATION)
    RegistrationToken.objects.create(
        cluster=cluster,
        token_hash=keyed_hash(token, purpose=REGISTERING),
        made_by=made_by,
        expires_at=now() + tokens.REGISTRATION_LASTS,
    )
    return token


@transaction.atomic
def register_agent(*, token: str, info: AgentInfo) -> tuple[Agent, Pair]:
    """Of two that come with the same token at once, one gets in."""
    tokens.require_shape(token, tokens.REGISTRATION)
    hashes = keyed_hashes(token, purpose=REGISTERING)
    row = RegistrationToken.objects.select_for_update().select_related("cluster").filter(token_hash__in=hashes).first()
    if row is None or row.revoked_at:
        raise BadToken("This registration token isn't known here: make another one for the cluster.")
    if row.used_at:
        raise TokenUsed("This registration token was used already: make another one for the cluster.")
    if row.expires_at <= now():
        raise TokenExpired("This registration token has ended: make another one for the cluster.")
    agent = Agent.objects.create(
        cluster=row.cluster,
        name=f"agent-{row.cluster.agents.count() + 1}",
        version=info.version,
        cluster_uid=info.cluster_uid,
        facts=info.facts,
    )
    row.used_at, row.used_by = now(), agent
    row.save(update_fields=["used_at", "used_by"])
    record(actor=_itself(agent), verb="agent.registered", target=agent, after={"cluster": row.cluster.name})
    return agent, _new_pair(agent)


def refresh_identity(*, token: str) -> Pair:
    """The next pair. A token that comes twice ends the identity: one of the two who had it isn't the agent."""
    tokens.require_shape(token, tokens.REFRESH)
    with transaction.atomic():
        hashes = keyed_hashes(token, purpose=REFRESHING)
        rows = RefreshToken.objects.select_for_update(of=("self",)).select_related("agent")
        row = rows.filter(token_hash__in=hashes).first()
        if row is None:
            raise BadToken("This refresh token isn't known here: register the agent again.")
        if row.agent.revoked_at:
            raise Revoked("This agent was revoked: register it again with a new token.")
        if row.expires_at <= now():
            raise TokenExpired("This refresh token has ended: register the agent again.")
        if not row.used_at:
            row.used_at = now()
            row.save(update_fields=["used_at"])
            return _new_pair(row.agent)
        _end(row.agent)
        record(actor=SYSTEM, verb="agent.token_reused", target=row.agent)
    # After the commit, which must not be undone by the refusal
    raise Reused("This refresh token was used before, so the identity has ended: register the agent again.")


@transaction.atomic
def revoke_agent(*, actor: Any, agent: Agent) -> None:
    """It's cut off at once, and its tokens are worth nothing."""
    if agent.revoked_at:
        return
    _end(agent)
    record(actor=actor, verb="agent.revoked", target=agent)


def identify(access_token: str, *, cluster_uid: str = "") -> Agent:
    """Whose token this is, as long as they're known."""
    identity = tokens.read_access_token(access_token)
    agent = Agent.objects.select_related("cluster").filter(pk=identity.agent_id).first()
    if agent is None or agent.cluster_id != identity.cluster_id:
        raise BadToken("The access token is for another cluster than its agent's.")
    if agent.revoked_at:
        raise Revoked("This agent was revoked: register it again with a new token.")
    if cluster_uid and agent.cluster_uid and agent.cluster_uid != cluster_uid:
        raise Cloned("This identity belongs to an agent elsewhere: register this one with a token of its own.")
    return agent


def _end(agent: Agent) -> None:
    Agent.objects.filter(pk=agent.pk).update(revoked_at=now(), leads=False, session_id="")
    RefreshToken.objects.filter(agent=agent).delete()
    notify(CHANNEL, agent.cluster_id)


def _new_pair(agent: Agent) -> Pair:
    access, access_expires_at = tokens.new_access_token(agent.pk, agent.cluster_id)
    refresh = tokens.new_token(tokens.REFRESH)
    row = RefreshToken.objects.create(
        agent=agent,
        token_hash=keyed_hash(refresh, purpose=REFRESHING),
        expires_at=now() + tokens.REFRESH_LASTS,
    )
    # Used ones are kept for as long as they'd have counted, to know them again
    RefreshToken.objects.filter(agent=agent, expires_at__lte=now()).delete()
    return Pair(access, access_expires_at, refresh, row.expires_at)


def _itself(agent: Agent) -> NoPerson:
    return NoPerson(f"{agent.cluster.name} {agent.name}")
