"""The table of roles.py, laid out for pages: a column for each role, a cell for what the role may."""

from dataclasses import dataclass
from functools import cache

from django.utils.translation import gettext_lazy as _

from apps.core.errors import Text
from apps.tenants.roles import GROUPS, ROLES_OF, Grant, Group, Kind, Permission, Role, SystemRole, groups_of, may

STAGES = ("dev", "staging", "prod")
# What somebody with the role does, for those who give it
SUMMARIES: dict[str, Text] = {
    Role.OWNER: _("Everything, also the owners and the workspace itself"),
    Role.ADMIN: _("Everything but owners and the workspace itself"),
    Role.GATEWAY_OWNER: _("Creates gateways, releases to any stage, publishes"),
    Role.API_DEVELOPER: _("Writes functions in dev, API services, routes and policies"),
    Role.QA: _("Releases into staging and writes there"),
    Role.BUSINESS_MANAGER: _("Products, plans, customers, invoices"),
    Role.CONSUMER: _("Makes client apps and credentials, calls APIs"),
    Role.VIEWER: _("Reads everything but secrets, changes nothing"),
}
# The group that everyone works in; what lies in the others is what somebody writes to
COMMON = "workspace"


@dataclass(frozen=True)
class Cell:
    """`grant` is None where the role may not."""

    grant: Grant | None
    is_mine: bool

    @property
    def stages(self) -> list[str]:
        return _in_order(self.grant)


@dataclass(frozen=True)
class Line:
    permission: Permission
    cells: list[Cell]


@dataclass(frozen=True)
class Part:
    label: Text
    lines: list[Line]


@dataclass(frozen=True)
class Table:
    roles: list[str]
    parts: list[Part]
    own_role: str = ""

    @property
    def columns(self) -> int:
        return len(self.roles) + 1


def table_of(kind: str, *, own_role: str = "") -> Table:
    """For one kind of workspace; for an empty kind the platform's."""
    roles = [str(role) for role in (ROLES_OF[kind] if kind else SystemRole.values)]
    parts = [
        Part(group.label, [_line(each, roles, own_role) for each in group.permissions]) for group in groups_of(kind)
    ]
    return Table(roles, parts, own_role)


def _line(permission: Permission, roles: list[str], own_role: str) -> Line:
    return Line(permission, [Cell(permission.grants.get(role), role == own_role) for role in roles])


@dataclass(frozen=True)
class Reach:
    """Where a role writes: stages, all or some of them, or else the parts of the product."""

    stages: tuple[str, ...] = ()
    parts: tuple[Text, ...] = ()
    is_everything: bool = False

    @property
    def is_any_stage(self) -> bool:
        return self.stages == STAGES


@cache
def reach_of(role: str, kind: str) -> Reach:
    saving = next(each for group in GROUPS for each in group.permissions if each.key == "functions.save")
    groups = [group for group in groups_of(kind) if group.slug != COMMON]
    if kind == Kind.PROVIDER and role in saving.grants:
        return Reach(stages=tuple(_in_order(saving.grants[role])) or STAGES)
    written = tuple(group.label for group in groups if _writes(role, group, kind))
    return Reach(parts=written, is_everything=all(_may_all(role, group, kind) for group in groups))


def _writes(role: str, group: Group, kind: str) -> bool:
    return any(may(role, each.key, kind=kind) for each in group.permissions if not each.reads)


def _may_all(role: str, group: Group, kind: str) -> bool:
    return all(may(role, each.key, kind=kind) for each in group.permissions)


def _in_order(grant: Grant | None) -> list[str]:
    return [stage for stage in STAGES if grant and stage in grant.stages]
