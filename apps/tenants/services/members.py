from django.db import transaction
from django.utils.translation import gettext as _

from apps.audit.services import record
from apps.core.errors import Conflict, NotFound
from apps.core.versions import delete_version, save_version
from apps.tenants import mails
from apps.tenants.endings import end_what_hung_on_it
from apps.tenants.member import Member
from apps.tenants.models import Membership
from apps.tenants.problems import TenantSuspended
from apps.tenants.roles import Role
from apps.tenants.services.owners import keep_an_owner, renewed, require_role_of, tell_pages


@transaction.atomic
def change_role(*, actor: Member, membership: Membership, role: str) -> Membership:
    """Counts from their next request on. An owner is made and changed by an owner."""
    actor = renewed(actor)
    actor.require("members.manage", row=membership)
    require_role_of(actor.tenant, role)
    if Role.OWNER in (role, membership.role):
        actor.require("workspace.hand_over")
    if role == membership.role:
        return membership
    keep_an_owner(membership)
    before = {"role": membership.role}
    _set(membership, role)
    record(actor=actor, verb="member.role_changed", target=membership, before=before, after={"role": role})
    tell_pages(actor.tenant, "members", membership.pk)
    return membership


@transaction.atomic
def remove_member(*, actor: Member, membership: Membership) -> None:
    """They keep their account and lose what is in this workspace."""
    actor = renewed(actor)
    actor.require("members.manage", row=membership)
    if membership.role == Role.OWNER:
        actor.require("workspace.hand_over")
    if membership.person_id == actor.pk:
        raise Conflict(_("This is you. Leave the workspace instead."))
    keep_an_owner(membership)
    record(actor=actor, verb="member.removed", target=membership, before={"role": membership.role})
    _end(membership, actor=actor)
    mails.tell_removed(person=membership.person, tenant=actor.tenant, actor=actor)


@transaction.atomic
def leave_tenant(*, actor: Member) -> None:
    """Anyone may, except the last owner."""
    actor = renewed(actor)
    if actor.tenant.is_suspended:
        raise TenantSuspended(actor.tenant.suspended_because)
    membership = _own(actor)
    keep_an_owner(membership)
    record(actor=actor, verb="member.left", target=membership, before={"role": membership.role})
    _end(membership, actor=actor)


@transaction.atomic
def hand_over_ownership(*, actor: Member, membership: Membership) -> Membership:
    """The member becomes an owner, and the actor an admin: both, or neither."""
    actor = renewed(actor)
    actor.require("workspace.hand_over", row=membership)
    if membership.person_id == actor.pk:
        raise Conflict(_("You are an owner already. Choose another member."))
    own = _own(actor)
    before = {"role": membership.role}
    after = {"role": Role.OWNER, "former_owner": actor.pk, "former_owner_role": Role.ADMIN}
    _set(membership, Role.OWNER)
    # Refuses where the new owner can't sign in
    keep_an_owner(own)
    _set(own, Role.ADMIN)
    record(actor=actor, verb="tenant.handed_over", target=membership, before=before, after=after)
    tell_pages(actor.tenant, "members", membership.pk)
    mails.tell_new_owner(person=membership.person, tenant=actor.tenant, actor=actor)
    return membership


def _own(actor: Member) -> Membership:
    """The actor's place here, which those who run the platform don't have."""
    rows = Membership.objects.of(actor.tenant).select_related("person", "tenant")
    membership: Membership | None = rows.filter(person_id=actor.pk).first()
    if membership is None:
        raise NotFound(_("You aren't a member of %(workspace)s.") % {"workspace": actor.tenant})
    return membership


def _set(membership: Membership, role: str) -> None:
    """By hand: from now on no group of an SSO provider changes it."""
    membership.role = role
    membership.given_by = Membership.GivenBy.PERSON
    save_version(membership, "role", "given_by")


def _end(membership: Membership, *, actor: Member) -> None:
    tenant, person, ref = membership.tenant, membership.person, membership.pk
    delete_version(membership)
    end_what_hung_on_it(actor, person, tenant)
    tell_pages(tenant, "members", ref)
