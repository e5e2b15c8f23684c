"""Who may do what with a function, and that each of it is written down."""

from typing import Any, ClassVar

import pytest

from apps.accounts.models import User
from apps.core.errors import NotAllowed, NotFound
from apps.functions.models import Function
from apps.functions.services import (
    copy_function,
    create_function,
    delete_function,
    discard_draft,
    pin_version,
    rename_function,
    restore_function,
    restore_version,
    save_draft,
    save_function,
)
from apps.gateways.lifecycle.table import State
from apps.gateways.models import FunctionGateway
from apps.gateways.problems import BeingDeleted
from apps.tenants.member import Member
from apps.tenants.models import Tenant
from apps.tenants.problems import TenantSuspended, TokenTooNarrow
from apps.tenants.roles import Role
from tests.functions.contract import FILES, FunctionServiceContract, says, some_function
from tests.gateways.contract import some_gateway
from tests.tenants.world import make_member, member

pytestmark = pytest.mark.django_db


class TestCreate(FunctionServiceContract):
    verb = "function.created"

    def make(self, alice: User, bob: User) -> FunctionGateway:
        return some_gateway(self.tidewater, alice)

    def act(self, actor: Member, row: FunctionGateway) -> Any:
        return create_function(actor=actor, gateway=row, name="user/me", files=FILES)


class TestSave(FunctionServiceContract):
    verb = "function.saved"

    def act(self, actor: Member, row: Function) -> Any:
        return save_function(actor=actor, function=row, files=says("else"), base_version=row.version)


class TestRename(FunctionServiceContract):
    verb = "function.renamed"

    def act(self, actor: Member, row: Function) -> Any:
        return rename_function(actor=actor, function=row, name="somewhere/else")


class TestCopy(FunctionServiceContract):
    verb = "function.copied"

    def act(self, actor: Member, row: Function) -> Any:
        return copy_function(actor=actor, function=row, name="prod/somewhere/else")


class TestDelete(FunctionServiceContract):
    verb = "function.deleted"

    def act(self, actor: Member, row: Function) -> Any:
        return delete_function(actor=actor, function=row)


class TestRestore(FunctionServiceContract):
    verb = "function.restored"

    def make(self, alice: User, bob: User) -> Function:
        return some_function(member(alice, self.tidewater), deleted=True)

    def act(self, actor: Member, row: Function) -> Any:
        return restore_function(actor=actor, function=row)


class TestRestoreVersion(FunctionServiceContract):
    verb = "function.version_restored"

    def make(self, alice: User, bob: User) -> Function:
        actor = member(alice, self.tidewater)
        row = some_function(actor)
        return save_function(actor=actor, function=row, files=says("else"), base_version=1)

    def act(self, actor: Member, row: Function) -> Any:
        return restore_version(actor=actor, function=row, number=1)


class TestPin(FunctionServiceContract):
    verb = "function.version_pinned"

    def act(self, actor: Member, row: Function) -> Any:
        return pin_version(actor=actor, function=row, number=1, is_pinned=True)


class TestSaveDraft(FunctionServiceContract):
    """One's own, every few seconds: nothing that others see, so nothing for the log."""

    verb: ClassVar[str] = ""

    def act(self, actor: Member, row: Function) -> Any:
        return save_draft(actor=actor, function=row, files=says("?"), entrypoint="handler.ts", base_version=1)


class TestDiscardDraft(FunctionServiceContract):
    verb: ClassVar[str] = ""

    def make(self, alice: User, bob: User) -> Function:
        actor = member(alice, self.tidewater)
        row = some_function(actor)
        save_draft(actor=actor, function=row, files=says("?"), entrypoint="handler.ts", base_version=1)
        return row

    def act(self, actor: Member, row: Function) -> Any:
        return discard_draft(actor=actor, function=row)


# --- Stage access ----------------------------------------------------------------------------------

STAGES_OF = {
    Role.OWNER: {"dev", "staging", "prod"},
    Role.ADMIN: {"dev", "staging", "prod"},
    Role.GATEWAY_OWNER: {"dev", "staging", "prod"},
    Role.API_DEVELOPER: {"dev"},
    Role.QA: {"staging"},
    Role.BUSINESS_MANAGER: set(),
    Role.VIEWER: set(),
}


@pytest.mark.parametrize("role", STAGES_OF)
@pytest.mark.parametrize("stage", ["dev", "staging", "prod"])
def test_each_role_writes_in_its_stages_and_a_refusal_names_who_may(
    alice: User, tidewater: Tenant, role: str, stage: str
) -> None:
    owner = member(alice, tidewater)
    row = some_function(owner, name=f"{stage}/user/me")
    gone = some_function(owner, row.gateway, f"{stage}/user/gone", deleted=True)
    actor = make_member("somebody", tidewater, role)
    for number, act in enumerate(
        (
            lambda: save_function(actor=actor, function=row, files=says("new"), base_version=1),
            lambda: save_draft(actor=actor, function=row, files=says("?"), entrypoint="handler.ts", base_version=1),
            lambda: create_function(actor=actor, gateway=row.gateway, name=f"{stage}/user/other", files=FILES),
            lambda: copy_function(actor=actor, function=row, name=f"{stage}/user/copy"),
            lambda: restore_function(actor=actor, function=gone),
            lambda: rename_function(actor=actor, function=row, name="user/you"),
            lambda: delete_function(actor=actor, function=row),
        )
    ):
        if stage in STAGES_OF[role]:
            act()
            continue
        with pytest.raises(NotAllowed) as refused:
            act()
        if number != 3 or role != Role.BUSINESS_MANAGER:
            able = [each.value for each, stages in STAGES_OF.items() if stage in stages]
            assert set(refused.value.extra["roles"]) == set(able), number


def test_a_copy_takes_the_right_of_the_stage_that_it_goes_to(alice: User, tidewater: Tenant) -> None:
    row = some_function(member(alice, tidewater), name="dev/user/me")
    qa = make_member("quinn", tidewater, Role.QA)
    assert copy_function(actor=qa, function=row, name="staging/user/me").stage == "staging"
    for name in ("prod/user/me", "user/else"):
        with pytest.raises(NotAllowed):
            copy_function(actor=qa, function=row, name=name)


def test_a_token_needs_the_scope(alice: User, tidewater: Tenant) -> None:
    row = some_function(member(alice, tidewater))
    narrow = Member.of(tidewater.memberships.get(person=alice), scopes=frozenset({"functions:read"}))
    with pytest.raises(TokenTooNarrow):
        save_function(actor=narrow, function=row, files=says("new"), base_version=1)


def test_nothing_goes_on_in_a_suspended_workspace(alice: User, tidewater: Tenant) -> None:
    row = some_function(member(alice, tidewater))
    tidewater.suspended_because = "The invoice of May is open."
    tidewater.suspended_at = row.created_at
    tidewater.save()
    with pytest.raises(TenantSuspended):
        save_function(actor=member(alice, tidewater), function=row, files=says("new"), base_version=1)


def test_nothing_is_written_into_a_gateway_that_is_being_deleted(alice: User, tidewater: Tenant) -> None:
    owner = member(alice, tidewater)
    row = some_function(owner)
    FunctionGateway.objects.update(state=State.DELETED)
    with pytest.raises(BeingDeleted):
        save_function(actor=owner, function=row, files=says("new"), base_version=1)
    with pytest.raises(BeingDeleted):
        create_function(actor=owner, gateway=row.gateway, name="else", files=FILES)


def test_a_gateway_that_is_stopped_is_written_to_all_the_same(alice: User, tidewater: Tenant) -> None:
    owner = member(alice, tidewater)
    row = some_function(owner)
    FunctionGateway.objects.update(state=State.STOPPED)
    assert save_function(actor=owner, function=row, files=says("new"), base_version=1).publish_due_at


def test_the_function_of_another_workspace_is_not_there(
    alice: User, charlie: User, tidewater: Tenant, hanbit: Tenant
) -> None:
    row = some_function(member(alice, tidewater))
    for act in (
        lambda actor: save_function(actor=actor, function=row, files=says("mine"), base_version=1),
        lambda actor: copy_function(actor=actor, function=row, name="taken"),
        lambda actor: create_function(actor=actor, gateway=row.gateway, name="taken", files=FILES),
    ):
        with pytest.raises(NotFound):
            act(member(charlie, hanbit))
