"""What error pages say inside of a workspace: {% load workspaces %}."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django import template
from django.db.models import F

from apps.accounts.models import User
from apps.tenants.elsewhere import Elsewhere, find_elsewhere
from apps.tenants.member import Member
from apps.tenants.selectors import list_members

register = template.Library()


@dataclass(frozen=True)
class Able:
    """Somebody to ask, and how many others would do."""

    person: User
    others: int


@register.simple_tag
def who_has(member: Any, roles: Sequence[str]) -> Able | None:
    """`{% who_has request.member roles as able %}`: the active member with one of these roles who was here last."""
    if not isinstance(member, Member) or not member.may("workspace.see"):
        return None
    rows = list_members(actor=member).filter(role__in=roles, person__is_active=True)
    found = rows.order_by(F("last_seen_at").desc(nulls_last=True), "pk").first()
    return Able(found.person, rows.count() - 1) if found else None


@register.simple_tag
def elsewhere(request: Any) -> Elsewhere | None:
    """`{% elsewhere request as other %}`: the workspace of this person's that has what the address names."""
    return find_elsewhere(request)
