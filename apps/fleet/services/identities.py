"""How an agent becomes known, stays known, and is known no more.

Locks are taken in this order: the cluster, its agent, its tokens.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from apps.audit.services import SYSTEM, NoPerson, record
from apps.core.clock import now
from apps.core.crypto import Secret, keyed_hash, keyed_hashes
from apps.core.events import publish
from apps.core.notify import notify
from apps.fleet import tokens
from apps.fleet.models import Agent, Cluster, Reach, RefreshToken, RegistrationToken
from apps.fleet.problems import (
    AnotherPlace,
    BadToken,
    Cloned,
    Outrun,
    Refused,
    Reused,
    Revoked,
    TokenExpired,
    TokenUsed,
)
from apps.fleet.services.bundles import CHANNEL
from apps.fleet.services.leading import pass_on_lead

REGISTERING, REFRESHING = "agent registration", "agent refresh"
LONGEST_MAKER = 200
REGISTER_AGAIN = "This agent was revoked: register it again with a new token."


@dataclass(frozen=True)
class Pair:
    access_token: str
    refresh_token: str


@dataclass(frozen=True)
class AgentInfo:
    version: str
    instance_id: str
    cluster_uid: str
    facts: dict[str, str]


def new_registration_token(cluster: Cluster, *, made_by: str) -> RegistrationToken:
    """Its text is in `secret`, this once."""
    text = tokens.new_token(tokens.REGISTRATION)
    token = RegistrationToken(
        cluster=cluster,
        token_hash=keyed_hash(text, purpose=REGISTERING),
        made_by=made_by[:LONGEST_MAKER],
        expires_at=now() + tokens.REGISTRATION_LASTS,
    )
    token.save(force_insert=True)
    token.secret = Secret(text)
    return token


def register_agent(
    *, token: str, info: AgentInfo, address: str = "", is_gone: Callable[[], bool] = lambda: False
) -> tuple[Agent, Pair]:
    """Of two that come with the same token, one gets in; also one whose answer got lost on its way.

    `is_gone` tells whether somebody still waits for the answer: one that was overtaken mustn't undo what came later.
    """
    tokens.require_shape(token, tokens.REGISTRATION)
    hashes = keyed_hashes(token, purpose=REGISTERING)
    with transaction.atomic():
        row = _locked_registration(hashes)
        if is_gone():
            raise Outrun("Nobody waits for the answer any more.")
        _forget_lost_answer(row, info)
        refusal = _refusal_of(row)
        if refusal is None:
            _require_place(row.cluster, info.cluster_uid)
            return _let_in(row, info, address)
        if isinstance(refusal, TokenUsed):
            _note_second_try(row, address)
    # After the commit, which must not be undone by the refusal
    raise refusal


def refresh_identity(*, token: str, cluster_uid: str = "") -> Pair:
    """The next pair, also for one whose last pair got lost on its way.

    A token that comes again after its pair arrived ends the identity: one of the two who had it isn't the agent.
    """
    tokens.require_shape(token, tokens.REFRESH)
    hashes = keyed_hashes(token, purpose=REFRESHING)
    with transaction.atomic():
        found = RefreshToken.objects.filter(token_hash__in=hashes).values_list("pk", "agent_id").first()
        agent = Agent.objects.select_for_update(no_key=True).filter(pk=found[1]).first() if found else None
        row = RefreshToken.objects.filter(pk=found[0]).first() if found else None
        if agent is not None and agent.revoked_at:
            raise Revoked(REGISTER_AGAIN)
        if agent is None or row is None:
            raise BadToken("This refresh token isn't known here: register the agent again.")
        _require_same_place(agent, cluster_uid)
        if row.expires_at <= now():
            raise TokenExpired("This refresh token has ended: register the agent again.")
        if not _was_used_up(row):
            RefreshToken.objects.filter(given_by=row.pk, void_at=None).update(void_at=now())
            row.used_at, row.arrived_at = row.used_at or now(), row.arrived_at or now()
            row.save(update_fields=["used_at", "arrived_at"])
            return _new_pair(agent, given_by=row.pk)
    with transaction.atomic():
        if end_agent(agent, because="Its refresh token came a second time."):
            record(actor=SYSTEM, verb="agent.token_reused", target=agent)
    raise Reused("This refresh token was used before, so the identity has ended: register the agent again.")


def can_refresh(cluster: Cluster, token: str) -> bool:
    """Whether an agent of that cluster can still come in with it."""
    try:
        tokens.require_shape(token, tokens.REFRESH)
    except Refused:
        return False
    rows = RefreshToken.objects.filter(agent__cluster=cluster, agent__revoked_at=None, expires_at__gt=now())
    row = rows.filter(token_hash__in=keyed_hashes(token, purpose=REFRESHING)).first()
    return row is not None and not _was_used_up(row)


@transaction.atomic
def identify(access_token: str, *, cluster_uid: str = "") -> tuple[Agent, datetime]:
    """Whose token this is, as long as they're known, and until when it counts."""
    identity = tokens.read_access_token(access_token)
    agent = Agent.objects.select_for_update(no_key=True).filter(pk=identity.agent_id).first()
    if agent is None or agent.cluster_id != identity.cluster_id:
        raise BadToken("The access token is for another cluster than its agent's.")
    if agent.revoked_at:
        raise Revoked(REGISTER_AGAIN)
    _require_same_place(agent, cluster_uid)
    pairs = RefreshToken.objects.filter(pk=identity.pair_id, agent=agent, void_at=None)
    if not pairs.exists():
        raise BadToken("The access token was replaced by another: refresh it.")
    pairs.filter(arrived_at=None).update(arrived_at=now())
    return agent, identity.expires_at


def end_agent(agent: Agent, *, because: str) -> bool:
    """Its tokens are worth nothing, its stream is cut off, and another leads. False: that was so already."""
    cluster = Cluster.objects.select_for_update(no_key=True).get(pk=agent.cluster_id)
    known = Agent.objects.filter(pk=agent.pk, revoked_at=None)
    if not known.update(
        revoked_at=now(), leads=False, session_id="", connected_at=None, disconnected_because=because[:200]
    ):
        return False
    RefreshToken.objects.filter(agent=agent).delete()
    pass_on_lead(cluster.pk)
    notify(CHANNEL, cluster.pk)
    publish("fleet", "revoked", agent.pk, tenant_id="")
    return True


def _locked_registration(hashes: list[str]) -> RegistrationToken:
    found = RegistrationToken.objects.filter(token_hash__in=hashes).values_list("pk", "cluster_id").first()
    unknown = BadToken("This registration token isn't known here: make another one for the cluster.")
    if found is None:
        raise unknown
    cluster = Cluster.objects.select_for_update(no_key=True).filter(pk=found[1]).first()
    row = RegistrationToken.objects.select_for_update(no_key=True).filter(pk=found[0]).first()
    if cluster is None or row is None:
        raise unknown
    row.cluster = cluster
    return row


def _forget_lost_answer(row: RegistrationToken, info: AgentInfo) -> None:
    """Somebody at the same place was let in with it and never came: the identity didn't arrive there."""
    agent = row.used_by
    if agent is None or agent.revoked_at or not info.cluster_uid or agent.cluster_uid != info.cluster_uid:
        return
    if not RefreshToken.objects.filter(agent=agent).exclude(arrived_at=None).exists():
        agent.delete()
        row.used_at = row.used_by = None


def _refusal_of(row: RegistrationToken) -> Refused | None:
    if row.revoked_at:
        return BadToken("This registration token was revoked: make another one for the cluster.")
    if row.used_at:
        return TokenUsed(
            f"This registration token was used already, by {row.used_by or 'an agent that is gone'}: "
            "make another one for the cluster. If that agent isn't yours, revoke it."
        )
    if row.expires_at <= now():
        return TokenExpired("This registration token has ended: make another one for the cluster.")
    return None


def _let_in(row: RegistrationToken, info: AgentInfo, address: str) -> tuple[Agent, Pair]:
    agent = Agent.objects.create(
        cluster=row.cluster,
        name=f"agent-{row.cluster.agents.count() + 1}",
        version=info.version,
        cluster_uid=info.cluster_uid,
        facts=info.facts,
        address=address,
    )
    row.used_at, row.used_by = now(), agent
    row.save(update_fields=["used_at", "used_by"])
    after = {"cluster": row.cluster.name, "address": address}
    record(actor=NoPerson(f"{row.cluster.name} {agent.name}"), verb="agent.registered", target=agent, after=after)
    publish("fleet", "registered", agent.pk, tenant_id="")
    return agent, _new_pair(agent)


def _note_second_try(row: RegistrationToken, address: str) -> None:
    """Once for each token, so that nobody fills the log with one."""
    if row.tried_again_at is None:
        row.tried_again_at = now()
        row.save(update_fields=["tried_again_at"])
        after = {"let_in": str(row.used_by or ""), "address": address}
        record(actor=SYSTEM, verb="agent.token_used_again", target=row.cluster, after=after)


def _require_place(cluster: Cluster, cluster_uid: str) -> None:
    """A cluster is one place, and a place one cluster; on this machine, every agent has a folder of its own."""
    known = Agent.objects.filter(revoked_at=None).exclude(cluster_uid="").select_related("cluster")
    if not cluster_uid or cluster.reach == Reach.LOCAL:
        return
    if known.filter(cluster=cluster).exclude(cluster_uid=cluster_uid).exists():
        raise AnotherPlace(
            f"{cluster} has agents at another place: revoke them, or register this place as a cluster of its own."
        )
    elsewhere = known.filter(cluster_uid=cluster_uid).exclude(cluster=cluster).first()
    if elsewhere:
        raise AnotherPlace(f"This place is the cluster {elsewhere.cluster} already: revoke its agents first.")


def _require_same_place(agent: Agent, cluster_uid: str) -> None:
    if cluster_uid and agent.cluster_uid and agent.cluster_uid != cluster_uid:
        raise Cloned("This identity belongs to an agent elsewhere: register this one with a token of its own.")


def _was_used_up(row: RefreshToken) -> bool:
    """Its pair was replaced, or has given one that arrived."""
    given = RefreshToken.objects.filter(given_by=row.pk, void_at=None)
    return row.void_at is not None or given.exclude(arrived_at=None).exists()


def _new_pair(agent: Agent, *, given_by: str = "") -> Pair:
    refresh = tokens.new_token(tokens.REFRESH)
    row = RefreshToken.objects.create(
        agent=agent,
        token_hash=keyed_hash(refresh, purpose=REFRESHING),
        given_by=given_by,
        expires_at=now() + tokens.REFRESH_LASTS,
    )
    # Used ones are kept for as long as they'd have counted, to know them again
    RefreshToken.objects.filter(agent=agent, expires_at__lte=now()).delete()
    return Pair(tokens.new_access_token(agent.pk, agent.cluster_id, row.pk), refresh)
