"""The cluster that this machine is, and how its own agent gets into it without anybody's help."""

from django.db import transaction

from apps.audit.services import SYSTEM, record
from apps.core.clock import now
from apps.core.crypto import keyed_hashes
from apps.fleet import tokens
from apps.fleet.models import Agent, Cluster, Reach, RefreshToken, RegistrationToken
from apps.fleet.problems import Refused
from apps.fleet.services.identities import REFRESHING, REGISTERING, make_registration_token, revoke_agent

# Browsers find every name below it on the machine they run on
NAME, DOMAIN = "local", "localhost"


@transaction.atomic
def make_local_cluster() -> Cluster:
    """Whoever asks first makes it; afterwards it's as an operator left it."""
    values = {"title": "This machine", "region": "local", "domain": DOMAIN, "reach": Reach.LOCAL}
    cluster, is_new = Cluster.objects.get_or_create(name=NAME, defaults=values)
    if is_new:
        record(actor=SYSTEM, verb="cluster.created", target=cluster, after={"name": NAME, **values})
    return cluster


@transaction.atomic
def admit_agent(*, cluster: Cluster, agent_id: str, refresh_token: str, registration_token: str) -> str:
    """A new registration token for an agent that can't come in with what it has; empty where it can.

    Whoever it was before is revoked, as nobody can be that one any more.
    """
    if _refreshes(cluster, refresh_token) or _registers(cluster, registration_token):
        return ""
    before = Agent.objects.filter(cluster=cluster, pk=agent_id).first()
    if before:
        revoke_agent(actor=SYSTEM, agent=before)
    return make_registration_token(cluster=cluster, made_by=str(SYSTEM))


def _refreshes(cluster: Cluster, token: str) -> bool:
    if not _has_shape(token, tokens.REFRESH):
        return False
    rows = RefreshToken.objects.filter(agent__cluster=cluster, agent__revoked_at=None, used_at=None)
    return rows.filter(token_hash__in=keyed_hashes(token, purpose=REFRESHING), expires_at__gt=now()).exists()


def _registers(cluster: Cluster, token: str) -> bool:
    if not _has_shape(token, tokens.REGISTRATION):
        return False
    rows = RegistrationToken.objects.filter(cluster=cluster, used_at=None, revoked_at=None)
    return rows.filter(token_hash__in=keyed_hashes(token, purpose=REGISTERING), expires_at__gt=now()).exists()


def _has_shape(token: str, prefix: str) -> bool:
    try:
        tokens.require_shape(token, prefix)
    except Refused:
        return False
    return True
