"""What those who run the platform may. The table that says it is another app's, which registers itself here."""

from collections.abc import Callable
from typing import Any

from apps.accounts.problems import SecondFactorFirst
from apps.audit.services import Actor
from apps.core.errors import NotAllowed

Require = Callable[[Actor, str], None]
MayInAdmin = Callable[[Any, str], bool]


def insist_on_second_factor(person: Any) -> None:
    """Before somebody is told that something isn't there, or isn't for them, which it would be with one."""
    if person.needs_second_factor:
        raise SecondFactorFirst


def _nobody_may(actor: Actor, permission: str) -> None:
    raise NotAllowed


_require: Require = _nobody_may
_may_in_admin: MayInAdmin = lambda person, permission: False  # noqa: E731


def register_rights(*, require: Require, may_in_admin: MayInAdmin) -> None:
    """Say who may; until then nobody. `may_in_admin` is asked as Django's admin asks: `accounts.change_user`."""
    global _require, _may_in_admin
    _require, _may_in_admin = require, may_in_admin


def require_right(actor: Actor, permission: str) -> None:
    """Nothing for whoever runs the platform in a role that may, or for the platform itself; else the refusal."""
    _require(actor, permission)


def may_in_admin(person: Any, permission: str) -> bool:
    return _may_in_admin(person, permission)
