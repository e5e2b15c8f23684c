"""What all of these share: one after the other in a workspace, with the role of this moment, and an owner stays."""

from dataclasses import replace

from django.utils.translation import gettext as _

from apps.core.errors import InvalidInput, NotFound
from apps.core.events import publish
from apps.tenants.member import Member
from apps.tenants.models import Membership, Tenant
from apps.tenants.problems import LastOwner
from apps.tenants.roles import ROLES_OF
from apps.tenants.selectors import is_last_owner


def lock_tenant(tenant_id: str) -> Tenant:
    """As it is now, and nobody else changes its people until this transaction ends."""
    # Without the key, so that rows which merely point at it can still be added
    tenant = Tenant.objects.select_for_update(no_key=True).filter(pk=tenant_id).first()
    if tenant is None:
        raise NotFound
    return tenant


def renewed(actor: Member) -> Member:
    """The actor with the role they have now, in the locked workspace: two owners can't demote each other at once."""
    tenant = lock_tenant(actor.tenant_id)
    if not actor.membership_id:
        return replace(actor, tenant=tenant)
    role = Membership.objects.of(tenant).filter(pk=actor.membership_id).values_list("role", flat=True).first()
    if role is None:
        raise NotFound
    return replace(actor, tenant=tenant, role=role)


def keep_an_owner(membership: Membership) -> None:
    """Refuse where this is the last one. Call it in a locked workspace only."""
    if is_last_owner(membership):
        raise LastOwner(
            _("%(person)s is the last owner of %(workspace)s. Make someone else an owner first.")
            % {"person": membership.person, "workspace": membership.tenant}
        )


def require_role_of(tenant: Tenant, role: str) -> None:
    if role not in ROLES_OF[tenant.kind]:
        raise InvalidInput(
            fields={
                "role": [
                    _("%(role)s is no role here. Choose one of these: %(roles)s.")
                    % {"role": role, "roles": ", ".join(ROLES_OF[tenant.kind])}
                ]
            }
        )


def tell_pages(tenant: Tenant, kind: str, ref: str = "") -> None:
    publish(f"tenant:{tenant.pk}", kind, ref)
