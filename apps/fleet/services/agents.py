"""What operators do with agents: let them in, and end them."""

from django.db import transaction
from django.utils.translation import gettext as _

from apps.audit.services import Actor, record
from apps.core.clock import now
from apps.core.errors import Conflict
from apps.core.events import publish
from apps.fleet.models import Agent, Cluster, RegistrationToken
from apps.fleet.selectors import list_registration_tokens
from apps.fleet.services.clusters import PERMISSION
from apps.fleet.services.identities import end_agent, new_registration_token
from apps.tenants.operators import require_operator

# Of one cluster, that would let somebody in
MOST_TOKENS = 20


@transaction.atomic
def make_registration_token(*, actor: Actor, cluster: Cluster) -> RegistrationToken:
    """Its text is in `secret`, this once."""
    require_operator(actor, PERMISSION)
    if list_registration_tokens(cluster.pk).count() >= MOST_TOKENS:
        text = _("%(cluster)s has %(count)d tokens that nobody has used yet. Use or revoke one of them first.")
        raise Conflict(text % {"cluster": cluster, "count": MOST_TOKENS})
    token = new_registration_token(cluster, made_by=str(actor))
    record(actor=actor, verb="agent.token_made", target=token, after={"ends": token.expires_at})
    publish("fleet", "changed", cluster.pk, tenant_id="")
    return token


@transaction.atomic
def revoke_registration_token(*, actor: Actor, token: RegistrationToken) -> RegistrationToken:
    """It lets nobody in any more."""
    require_operator(actor, PERMISSION)
    row = RegistrationToken.objects.select_for_update().get(pk=token.pk)
    if row.used_at:
        raise Conflict(_("It was used already. Revoke the agent that came in with it."))
    if row.revoked_at:
        return row
    row.revoked_at = now()
    row.save(update_fields=["revoked_at"])
    record(actor=actor, verb="agent.token_revoked", target=row)
    publish("fleet", "changed", row.cluster_id, tenant_id="")
    return row


@transaction.atomic
def revoke_agent(*, actor: Actor, agent: Agent) -> Agent:
    """It's cut off at once, and its tokens are worth nothing. What it brought about goes on."""
    require_operator(actor, PERMISSION)
    if end_agent(agent, because=f"Revoked by {actor}."):
        record(actor=actor, verb="agent.revoked", target=agent)
    agent.refresh_from_db()
    return agent
