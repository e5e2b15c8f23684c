"""Roles that come with the groups of an SSO provider."""

from collections.abc import Collection, Mapping

from django.db import transaction

from apps.accounts.models import User
from apps.audit.services import Actor, record
from apps.core.versions import delete_version, save_version
from apps.tenants.endings import end_what_hung_on_it
from apps.tenants.models import Membership, Tenant
from apps.tenants.problems import LastOwner
from apps.tenants.roles import ROLES_OF
from apps.tenants.services.owners import keep_an_owner, lock_tenant, tell_pages


@transaction.atomic
def follow_groups(*, actor: Actor, person: User, roles: Mapping[str, str], within: Collection[str]) -> None:
    """Let a person's memberships be what their groups say: `roles` is a role by the tenant's id.

    `within` are the tenants that the provider's groups speak of; nothing else is touched, nor what a person gave by
    hand. The last owner of a tenant stays one, whatever the groups say.
    """
    # In one order, so that two sign-ins of the same person don't wait for each other
    for tenant_id in sorted({*within, *roles}):
        _follow(actor, person, lock_tenant(tenant_id), roles.get(tenant_id, ""))


def _follow(actor: Actor, person: User, tenant: Tenant, role: str) -> None:
    if role and role not in ROLES_OF[tenant.kind]:
        raise ValueError(f"{str(role)!r} is no role of a {tenant.kind} workspace.")
    membership = Membership.objects.of(tenant).filter(person=person).select_related("person", "tenant").first()
    if membership is None:
        if role:
            _join(actor, person, tenant, role)
        return
    if membership.given_by != Membership.GivenBy.SSO or membership.role == role:
        return
    try:
        keep_an_owner(membership)
    except LastOwner:
        return
    _change(actor, membership, role)


def _join(actor: Actor, person: User, tenant: Tenant, role: str) -> None:
    membership = Membership(tenant=tenant, person=person, role=role, given_by=Membership.GivenBy.SSO)
    membership.save(force_insert=True)
    record(actor=actor, verb="member.joined", target=membership, after=_by_sso(role))
    tell_pages(tenant, "members", membership.pk)


def _change(actor: Actor, membership: Membership, role: str) -> None:
    before, tenant = _by_sso(membership.role), membership.tenant
    if role:
        membership.role = role
        save_version(membership, "role")
        record(actor=actor, verb="member.role_changed", target=membership, before=before, after=_by_sso(role))
    else:
        record(actor=actor, verb="member.removed", target=membership, before=before)
        person = membership.person
        delete_version(membership)
        end_what_hung_on_it(actor, person, tenant)
    tell_pages(tenant, "members")


def _by_sso(role: str) -> dict[str, str]:
    return {"role": role, "given_by": Membership.GivenBy.SSO.value}
