"""The table of roles: whole, and as the pages, services and tokens rely on it."""

import pytest

from apps.tenants import roles
from apps.tenants.roles import GROUPS, PERMISSIONS, Kind, Role, SystemRole, may, roles_that_may, scope_of


def test_no_permission_is_declared_twice() -> None:
    declared = [permission.key for group in GROUPS for permission in group.permissions]
    assert len(declared) == len(set(declared)) == len(PERMISSIONS)


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group.slug)
def test_a_permission_is_granted_only_to_roles_that_exist_where_it_applies(group: roles.Group) -> None:
    there = {str(role) for kind in group.kinds for role in roles.ROLES_OF[kind]} or set(SystemRole.values)
    for permission in group.permissions:
        assert permission.grants, f"{permission.key}: nobody may"
        assert set(permission.grants) <= there, permission.key


@pytest.mark.parametrize("kind", Kind.values)
def test_every_role_sees_its_workspace_and_an_owner_may_everything(kind: str) -> None:
    assert set(roles_that_may("workspace.see", kind=kind)) == {str(role) for role in roles.ROLES_OF[kind]}
    for group in roles.groups_of(kind):
        for permission in group.permissions:
            assert may(Role.OWNER, permission.key, kind=kind, stage="prod"), permission.key


@pytest.mark.parametrize(
    ("role", "writes"),
    [
        (Role.API_DEVELOPER, {"dev"}),
        (Role.QA, {"staging"}),
        (Role.GATEWAY_OWNER, {"dev", "staging", "prod"}),
        (Role.ADMIN, {"dev", "staging", "prod"}),
        (Role.OWNER, {"dev", "staging", "prod"}),
        (Role.VIEWER, set()),
        (Role.BUSINESS_MANAGER, set()),
    ],
)
@pytest.mark.parametrize("permission", ["functions.save", "releases.create", "releases.roll_back", "plugins.change"])
def test_stages_that_a_role_writes_to(role: str, writes: set[str], permission: str) -> None:
    stages = {"dev", "staging", "prod"}
    assert {stage for stage in stages if may(role, permission, kind=Kind.PROVIDER, stage=stage)} == writes


def test_the_refusal_of_a_stage_names_the_roles_of_that_stage() -> None:
    assert roles_that_may("releases.create", kind=Kind.PROVIDER, stage="staging") == [
        "owner",
        "admin",
        "gateway-owner",
        "qa",
    ]


def test_a_gateway_owner_runs_their_own_gateways_only() -> None:
    assert may(Role.GATEWAY_OWNER, "gateways.operate", kind=Kind.PROVIDER, is_own=True)
    assert not may(Role.GATEWAY_OWNER, "gateways.operate", kind=Kind.PROVIDER)


def test_an_owner_of_a_customer_runs_no_gateways_and_nobody_in_a_workspace_runs_the_platform() -> None:
    assert not may(Role.OWNER, "gateways.create", kind=Kind.CUSTOMER)
    assert not may(Role.OWNER, "tenants.suspend", kind=Kind.PROVIDER)
    assert not may(Role.OWNER, "tenants.suspend")


def test_each_permission_has_a_scope_that_tokens_can_have_and_reading_never_needs_the_writing_one() -> None:
    for group in GROUPS:
        for permission in group.permissions:
            scope = scope_of(permission.key)
            assert scope == f"{group.slug}:{'read' if permission.reads else 'write'}"
            assert not group.kinds or scope in roles.SCOPES


def test_what_operators_do_in_a_workspace_takes_permissions_of_the_platform() -> None:
    for permission, needed in roles.OPERATORS_NEED.items():
        assert any(permission in {each.key for each in group.permissions} for group in GROUPS if group.kinds)
        assert any(may(role, needed) for role in SystemRole.values)
