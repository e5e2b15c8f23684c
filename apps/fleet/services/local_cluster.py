"""The cluster that this machine is, and how its own agent gets into it without anybody's help."""

from django.db import transaction

from apps.audit.services import SYSTEM, record
from apps.core.crypto import keyed_hashes
from apps.fleet import tokens
from apps.fleet.models import Agent, Cluster, Reach
from apps.fleet.problems import Refused
from apps.fleet.selectors import list_registration_tokens
from apps.fleet.services.identities import REGISTERING, can_refresh, end_agent, new_registration_token

# Browsers find every name below it on the machine they run on
NAME, DOMAIN = "local", "localhost"
REPLACED = "It can't come in any more and was registered anew."


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

    Whoever it was before ends, as nobody can be that one any more.
    """
    if can_refresh(cluster, refresh_token) or _can_register(cluster, registration_token):
        return ""
    before = Agent.objects.filter(cluster=cluster, pk=agent_id).first()
    if before and end_agent(before, because=REPLACED):
        record(actor=SYSTEM, verb="agent.revoked", target=before)
    token = new_registration_token(cluster, made_by=str(SYSTEM))
    assert token.secret
    record(actor=SYSTEM, verb="agent.admitted", target=cluster)
    return token.secret.reveal()


def _can_register(cluster: Cluster, token: str) -> bool:
    try:
        tokens.require_shape(token, tokens.REGISTRATION)
    except Refused:
        return False
    hashes = keyed_hashes(token, purpose=REGISTERING)
    return list_registration_tokens(cluster.pk).filter(token_hash__in=hashes).exists()
