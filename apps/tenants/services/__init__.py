"""What people do with workspaces, their members and invitations. Page, API, admin and demo call these.

Inside a workspace the actor is a `Member`; who runs the platform, or has just arrived, acts as a `User`.
"""

from apps.tenants.services.groups import follow_groups
from apps.tenants.services.invitations import (
    accept_invitation,
    change_invitation_address,
    decline_invitation,
    invite_people,
    invite_person,
    join_by_invitation,
    resend_invitation,
    revoke_invitation,
)
from apps.tenants.services.members import change_role, hand_over_ownership, leave_tenant, remove_member
from apps.tenants.services.tenants import (
    change_tenant,
    create_customer,
    create_provider,
    delete_tenant,
    resume_tenant,
    suspend_tenant,
)

__all__ = [
    "accept_invitation",
    "change_invitation_address",
    "change_role",
    "change_tenant",
    "create_customer",
    "create_provider",
    "decline_invitation",
    "delete_tenant",
    "follow_groups",
    "hand_over_ownership",
    "invite_people",
    "invite_person",
    "join_by_invitation",
    "leave_tenant",
    "remove_member",
    "resend_invitation",
    "resume_tenant",
    "revoke_invitation",
    "suspend_tenant",
]
