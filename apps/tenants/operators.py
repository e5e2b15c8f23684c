"""Those who run the platform: in which role, and what that lets them do."""

from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.audit.services import Actor
from apps.core.errors import NotAllowed
from apps.tenants import roles


def role_of_operator(person: User) -> str:
    """Empty for everybody else."""
    if not (person.is_active and person.is_staff):
        return ""
    return roles.SystemRole.SYSTEM_ADMIN if person.is_superuser else roles.SystemRole.SRE_OPERATOR


def is_allowed(person: User, permission: str) -> bool:
    return roles.may(role_of_operator(person), permission)


def require_operator(actor: Actor, permission: str, *, detail: str = "") -> None:
    """Nothing for whoever runs the platform in a role that may, or for the platform itself; else the refusal."""
    if not isinstance(actor, User) or is_allowed(actor, permission):
        return
    detail = detail or _("%(what)s takes a system administrator.") % {"what": roles.PERMISSIONS[permission].label}
    own = role_of_operator(actor)
    raise NotAllowed(detail, roles=roles.roles_that_may(permission), own_role=own, permission=permission)
