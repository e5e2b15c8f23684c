from typing import Any

from django.db.models import QuerySet

from apps.tenants.member import Member
from apps.tenants.models import Invitation, Membership, Tenant


def memberships_of(person: Any) -> list[Membership]:
    """All of somebody's, with their workspaces, the one they were in last first. One query."""
    if not person.is_authenticated:
        return []
    rows = Membership.objects.filter(person=person).select_related("tenant")
    found = sorted(rows, key=lambda row: (row.last_seen_at or row.created_at, row.pk), reverse=True)
    for row in found:
        row.person = person
    return found


def list_members(*, actor: Member) -> QuerySet[Membership]:
    actor.require("workspace.see")
    return Membership.objects.of(actor.tenant).select_related("person")


def list_invitations(*, actor: Member) -> QuerySet[Invitation]:
    """Those that wait to be accepted, also the ones whose time is over."""
    actor.require("members.manage")
    return Invitation.objects.of(actor.tenant).filter(accepted_at=None, revoked_at=None).select_related("invited_by")


def can_listen(person: Any, ref: str) -> bool:
    """The topic `tenant:<id>` tells its members what happens in it."""
    if not (person.is_authenticated and ref):
        return False
    membership = Membership.objects.filter(person=person, tenant_id=ref).select_related("tenant").first()
    return membership is not None and Member.of(membership).may("workspace.see")


def find_tenant(reference: str) -> Tenant | None:
    """By the id or the address; for operators, who see them all."""
    return Tenant.objects.filter(pk=reference).first() or Tenant.objects.filter(slug=reference).first()
