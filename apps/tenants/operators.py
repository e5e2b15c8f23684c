"""Those who run the platform: in which role, and what that lets them do."""

from typing import Any

from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.accounts.rights import insist_on_second_factor
from apps.audit.services import Actor
from apps.core.errors import NotAllowed, NotFound
from apps.tenants import roles


def role_of_operator(person: Any) -> str:
    """Empty for everybody else, and for operators whose rights wait for a second factor."""
    if not (person.is_authenticated and person.is_operator):
        return ""
    return roles.SystemRole.SYSTEM_ADMIN if person.is_superuser else roles.SystemRole.SRE_OPERATOR


def is_allowed(person: Any, permission: str) -> bool:
    return roles.may(role_of_operator(person), permission)


def may_in_admin(person: Any, permission: str) -> bool:
    """What Django's admin asks, such as `accounts.change_user`. To look is one line of the table for all."""
    app, _dot, codename = permission.partition(".")
    action, _underline, model = codename.partition("_")
    needed = "platform.see" if action == "view" else roles.ADMIN_NEEDS.get(f"{app}.{model}", roles.ADMIN_NEEDS.get(app))
    return needed is not None and is_allowed(person, needed)


def require_operator(actor: Actor, permission: str, *, detail: str = "", is_hidden: bool = False) -> None:
    """Nothing for whoever runs the platform in a role that may, or for the platform itself; else the refusal.

    Where it `is_hidden`, nobody else learns that what it's about is there.
    """
    if not isinstance(actor, User) or is_allowed(actor, permission):
        return
    insist_on_second_factor(actor)
    own = role_of_operator(actor)
    if is_hidden and not own:
        raise NotFound
    able = roles.roles_that_may(permission)
    if not detail:
        words = {"what": roles.PERMISSIONS[permission].label}
        is_for_all = roles.SystemRole.SRE_OPERATOR in able
        detail = (
            _("%(what)s: that is for the platform's operators.") % words
            if is_for_all
            else _("%(what)s takes a system administrator.") % words
        )
    raise NotAllowed(detail, roles=able, own_role=own, permission=permission)
