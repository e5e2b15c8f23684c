"""What happens in workspaces when somebody deletes their account."""

from typing import Any

from django.db import connection
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.audit.services import record
from apps.core.errors import Text
from apps.tenants.endings import end_what_hung_on_it
from apps.tenants.models import Membership
from apps.tenants.roles import Role
from apps.tenants.selectors import memberships_of, owned_alone_by
from apps.tenants.services.owners import lock_tenant, tell_pages


def reasons_to_stay(person: User) -> list[Text]:
    """The last owner of a workspace stays. In a transaction, other owners can't go before it ends."""
    if connection.in_atomic_block:
        owned = Membership.objects.filter(person=person, role=Role.OWNER)
        for tenant_id in owned.order_by("tenant_id").values_list("tenant_id", flat=True):
            lock_tenant(tenant_id)
    text = _("You're the last owner of %(workspace)s. Make someone else an owner first, or delete the workspace.")
    return [text % {"workspace": tenant} for tenant in owned_alone_by(person)]


def leave_all(person: User) -> None:
    """In each workspace's log it says that they left."""
    for membership in memberships_of(person):
        record(actor=person, verb="member.left", target=membership, before={"role": membership.role})
        tell_pages(membership.tenant, "members", membership.pk)
        membership.delete()
        end_what_hung_on_it(person, person, membership.tenant)


def belongings_of(person: User) -> list[dict[str, Any]]:
    """For the copy of one's data."""
    return [
        {
            "workspace": membership.tenant.name,
            "address": membership.tenant.slug,
            "role": membership.role,
            "since": membership.created_at,
            "last_seen_at": membership.last_seen_at,
        }
        for membership in memberships_of(person)
    ]
