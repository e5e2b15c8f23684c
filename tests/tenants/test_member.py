"""What somebody may in a workspace, and how they are refused."""

from dataclasses import replace

import pytest

from apps.accounts.models import User
from apps.core import clock
from apps.core.errors import NotAllowed, NotFound
from apps.tenants.member import Member
from apps.tenants.models import Membership, Tenant
from apps.tenants.problems import TenantSuspended, TokenTooNarrow
from apps.tenants.roles import Kind, Role
from tests.tenants.world import make_member, make_tenant, member


def test_whoever_has_the_role_may(alice: User, tidewater: Tenant) -> None:
    owner = member(alice, tidewater)
    assert owner.may("members.manage")
    owner.require("members.manage")


def test_a_missing_role_is_named_with_those_that_would_do(bob: User, tidewater: Tenant) -> None:
    viewer = member(bob, tidewater)
    assert not viewer.may("members.manage")
    with pytest.raises(NotAllowed) as refusal:
        viewer.require("members.manage")
    assert refusal.value.extra["roles"] == ["owner", "admin"]
    assert refusal.value.extra["own_role"] == Role.VIEWER
    assert "Tidewater" in str(refusal.value.detail)


def test_a_stage_is_refused_by_naming_the_roles_that_write_to_it(tidewater: Tenant) -> None:
    developer = make_member("dana", tidewater, Role.API_DEVELOPER)
    developer.require("releases.create", stage="dev")
    with pytest.raises(NotAllowed) as refusal:
        developer.require("releases.create", stage="staging")
    assert refusal.value.extra["roles"] == ["owner", "admin", "gateway-owner", "qa"]


def test_what_belongs_to_another_tenant_isnt_there_whatever_the_role(
    alice: User, charlie: User, tidewater: Tenant, hanbit: Tenant
) -> None:
    theirs = Membership.objects.get(person=charlie)
    with pytest.raises(NotFound):
        member(alice, tidewater).require("members.manage", row=theirs)


def test_in_a_suspended_workspace_nobody_may_anything_and_the_reason_is_told(alice: User, tidewater: Tenant) -> None:
    Tenant.objects.update(suspended_at=clock.now(), suspended_because="Unpaid since May.")
    owner = member(alice, tidewater)
    assert not owner.may("workspace.see")
    with pytest.raises(TenantSuspended, match="Unpaid since May"):
        owner.require("workspace.see")


def test_a_token_may_no_more_than_its_scopes_and_no_more_than_the_role(
    alice: User, bob: User, tidewater: Tenant
) -> None:
    narrow = replace(member(alice, tidewater), scopes=frozenset({"workspace:read"}))
    narrow.require("workspace.see")
    with pytest.raises(TokenTooNarrow) as refusal:
        narrow.require("members.manage")
    assert refusal.value.extra["scope"] == "workspace:write"
    wide = replace(member(bob, tidewater), scopes=frozenset({"workspace:read", "workspace:write"}))
    with pytest.raises(NotAllowed):
        wide.require("members.manage")


def test_an_operator_does_what_the_platform_lets_them_also_while_it_is_suspended(
    operator: User, tidewater: Tenant
) -> None:
    Tenant.objects.update(suspended_at=clock.now(), suspended_because="Unpaid.")
    tidewater.refresh_from_db()
    sre = Member.of_operator(operator, tidewater)
    sre.require("workspace.see")
    with pytest.raises(NotAllowed) as refusal:
        sre.require("members.manage")
    assert refusal.value.extra["roles"] == ["system-admin"]
    operator.is_superuser = True
    Member.of_operator(operator, tidewater).require("members.manage")
    with pytest.raises(NotAllowed):
        Member.of_operator(operator, tidewater).require("functions.save", stage="dev")


def test_whoever_runs_no_platform_is_nobody_in_a_workspace_that_isnt_theirs(charlie: User, tidewater: Tenant) -> None:
    with pytest.raises(NotAllowed):
        Member.of_operator(charlie, tidewater).require("workspace.see")


def test_a_customers_owner_has_no_gateways(alice: User) -> None:
    owner = make_member("henrike", make_tenant("Greenmarket", Kind.CUSTOMER), Role.OWNER)
    with pytest.raises(NotAllowed):
        owner.require("gateways.create")
    owner.require("credentials.change")
