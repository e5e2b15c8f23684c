"""The recycle bin, what is forgotten after a while, and what goes with a gateway or a workspace."""

from datetime import timedelta
from typing import Any

import pytest

from apps.audit.models import AuditEvent
from apps.core import clock
from apps.core.errors import InvalidInput, NotFound
from apps.functions.ending import remove_functions
from apps.functions.models import Artifact, Call, Draft, Function, FunctionVersion
from apps.functions.problems import FunctionNameTaken, NothingToRestore
from apps.functions.selectors import artifact_of, get_function, head_of, list_deleted, list_functions
from apps.functions.services import delete_function, pin_version, restore_function, save_draft, save_function
from apps.functions.sweeping import empty_bin, ends_at, forget_old_versions, forget_unused_artifacts
from apps.tenants.member import Member
from tests.functions.contract import FILES, says, some_function

pytestmark = pytest.mark.django_db


def saved_often(owner: Member, times: int) -> Function:
    row = some_function(owner)
    for number in range(1, times):
        save_function(actor=owner, function=row, files=says(str(number)), base_version=number)
    return Function.objects.get(pk=row.pk)


# --- The recycle bin -------------------------------------------------------------------------------


def test_what_is_deleted_answers_no_more_and_lies_in_the_bin(owner: Member) -> None:
    row = some_function(owner)
    delete_function(actor=owner, function=row)
    assert not list_functions(actor=owner, gateway=row.gateway)
    (gone,) = list_deleted(actor=owner, gateway=row.gateway)
    assert (gone.pk, gone.deleted_by) == (row.pk, "Alice")
    assert gone.publish_due_at is not None
    with pytest.raises(NotFound):
        get_function(actor=owner, function_id=row.pk)
    with pytest.raises(NotFound):
        save_function(actor=owner, function=row, files=says("new"), base_version=1)
    with pytest.raises(NotFound):
        delete_function(actor=owner, function=row)


def test_it_comes_back_as_it_was(owner: Member) -> None:
    row = some_function(owner, methods=["GET"])
    artifact = artifact_of(row)
    delete_function(actor=owner, function=row)
    back = restore_function(actor=owner, function=row)
    assert (back.name, back.methods, back.deleted_at, back.deleted_by) == (row.name, ["GET"], None, "")
    assert (head_of(back).files, head_of(back).kind, artifact_of(back)) == (FILES, "restored", artifact)
    assert back.version == head_of(back).number
    # Saves go on from there
    assert save_function(actor=owner, function=back, files=says("on"), base_version=back.version).version > back.version
    with pytest.raises(NothingToRestore):
        restore_function(actor=owner, function=back)


@pytest.mark.parametrize(("before", "by_now"), [("user/me", "user/me"), ("user/:id", "user/:name")])
def test_where_its_name_is_taken_it_says_so_and_takes_another(owner: Member, before: str, by_now: str) -> None:
    row = some_function(owner, name=before)
    delete_function(actor=owner, function=row)
    some_function(owner, row.gateway, by_now)
    with pytest.raises(FunctionNameTaken) as refused:
        restore_function(actor=owner, function=row)
    assert f"dev/{by_now}" in refused.value.fields["name"][0]
    assert "another name" in refused.value.fields["name"][0]
    with pytest.raises(InvalidInput):
        restore_function(actor=owner, function=row, name="prod/user/me")
    assert restore_function(actor=owner, function=row, name="user/again").name == "dev/user/again"


def test_a_base_name_that_begins_like_a_stage_comes_back_too(owner: Member) -> None:
    row = some_function(owner, name="dev/prod/report")
    assert (row.stage, row.base_name) == ("dev", "prod/report")
    delete_function(actor=owner, function=row)
    assert restore_function(actor=owner, function=row).name == "dev/prod/report"


def test_after_thirty_days_it_is_gone_for_good(owner: Member) -> None:
    row, kept = some_function(owner), some_function(owner)
    for each in (row, kept):
        delete_function(actor=owner, function=each)
    Function.objects.update(publish_due_at=None)
    assert empty_bin() == 0
    Function.objects.filter(pk=row.pk).update(deleted_at=clock.now() - timedelta(days=30, seconds=1))
    assert ends_at(Function.objects.get(pk=row.pk)) < clock.now()
    assert empty_bin() == 1
    assert list(Function.objects.values_list("pk", flat=True)) == [kept.pk]
    assert not FunctionVersion.objects.filter(function_id=row.pk).exists()
    event = AuditEvent.objects.get(verb="function.ended")
    assert (event.target_id, event.tenant_id, event.actor_label) == (row.pk, owner.tenant_id, "The system")


def test_what_its_database_has_not_been_told_yet_stays(owner: Member) -> None:
    row = some_function(owner, deleted=True)
    Function.objects.update(deleted_at=clock.now() - timedelta(days=31))
    assert row.publish_due_at is not None
    assert empty_bin() == 0
    assert Function.objects.filter(pk=row.pk).exists()


# --- Old versions ----------------------------------------------------------------------------------


def test_the_newest_versions_are_kept_and_what_is_in_use(owner: Member, settings: Any) -> None:
    settings.VERSIONS_KEPT = 3
    row, other = saved_often(owner, 10), saved_often(owner, 2)
    Function.objects.filter(pk=row.pk).update(live_version=2, published_version=3)
    pin_version(actor=owner, function=row, number=1, is_pinned=True)
    save_draft(actor=owner, function=row, files=FILES, entrypoint="handler.ts", base_version=4)
    assert forget_old_versions() == 3
    numbers = FunctionVersion.objects.filter(function=row).order_by("number").values_list("number", flat=True)
    assert list(numbers) == [1, 2, 3, 4, 8, 9, 10]
    assert FunctionVersion.objects.filter(function=other).count() == 2
    pin_version(actor=owner, function=row, number=1, is_pinned=False)
    assert forget_old_versions() == 1


def test_artifacts_that_nothing_points_at_are_forgotten_after_a_day(owner: Member) -> None:
    row = saved_often(owner, 3)
    FunctionVersion.objects.filter(function=row, number=2).delete()
    assert forget_unused_artifacts() == 0
    Artifact.objects.update(made_at=clock.now() - timedelta(days=2))
    assert forget_unused_artifacts() == 1
    assert {each.pk for each in Artifact.objects.all()} == {
        each.artifact_id for each in FunctionVersion.objects.filter(function=row)
    }


# --- With what it's in -----------------------------------------------------------------------------


def everything(owner: Member) -> Function:
    row = saved_often(owner, 3)
    save_draft(actor=owner, function=row, files=FILES, entrypoint="handler.ts", base_version=3)
    Call.objects.create(tenant=owner.tenant, function=row, person=owner.person, request_id="req_1")
    some_function(owner, row.gateway, deleted=True)
    return row


def test_a_gateways_functions_go_with_it_and_no_others(owner: Member) -> None:
    row, kept = everything(owner), some_function(owner)
    remove_functions(row.gateway)
    remove_functions(row.gateway)
    assert [each.pk for each in Function.objects.all()] == [kept.pk]
    assert {each.gateway_id for each in Artifact.objects.all()} == {kept.gateway_id}
    assert not Draft.objects.exists()
    assert not Call.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_workspace_can_be_deleted_with_all_of_it(owner: Member) -> None:
    row = everything(owner)
    row.gateway.delete()
    for kind in (Function, FunctionVersion, Artifact):
        assert not kind.objects.exists()
