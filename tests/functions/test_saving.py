"""What a save keeps, what it refuses, and what somebody is told who saved second."""

from typing import Any

import pytest

from apps.audit.models import AuditEvent
from apps.core.errors import InvalidInput
from apps.core.walls import walled
from apps.functions.files import Unchanged, hash_of
from apps.functions.models import Artifact, Draft, Function, FunctionVersion
from apps.functions.problems import CompileError, FunctionNameTaken, StaleDraft, StaleSave, TooManyFunctions
from apps.functions.selectors import artifact_of, get_draft, get_function, head_of
from apps.functions.services import (
    building,
    copy_function,
    create_function,
    discard_draft,
    rename_function,
    restore_version,
    save_draft,
    save_function,
    saving,
)
from apps.functions.templates import TEMPLATES
from apps.gateways.models import FunctionGateway
from apps.tenants.member import Member
from apps.tenants.models import Tenant
from apps.tenants.roles import Role
from tests.functions.contract import FILES, HANDLER, says, some_function
from tests.gateways.contract import some_gateway
from tests.tenants.world import make_member

pytestmark = pytest.mark.django_db
ENTRY = 'import { lines } from "./lines";\nexport default async () => lines;\n'
LINES = "export const lines = [\n" + "".join(f"  {n},\n" for n in range(20)) + "];\n"


@pytest.fixture
def mateus(tidewater: Tenant) -> Member:
    return make_member("mateus", tidewater, Role.API_DEVELOPER)


@pytest.fixture
def gateway(owner: Member) -> FunctionGateway:
    return some_gateway(owner.tenant, owner.person)


def fresh(row: Function) -> Function:
    return Function.objects.select_related("head", "gateway").get(pk=row.pk)


# --- Creating --------------------------------------------------------------------------------------


def test_a_name_without_a_stage_is_in_dev(owner: Member, gateway: FunctionGateway) -> None:
    row = create_function(actor=owner, gateway=gateway, name="user/me", files=FILES)
    assert (row.name, row.version, head_of(row).kind) == ("dev/user/me", 1, "created")
    assert head_of(row).saved_by_name == "Alice"
    assert "hello" in artifact_of(row).code


@pytest.mark.parametrize("slug", TEMPLATES)
def test_every_template_compiles_as_it_is(owner: Member, gateway: FunctionGateway, slug: str) -> None:
    template = TEMPLATES[slug]
    row = create_function(actor=owner, gateway=gateway, name=template.name, template=slug)
    assert (head_of(row).files, head_of(row).entrypoint) == (dict(template.files), template.entrypoint)
    assert row.methods == list(template.methods)


def test_stages_do_not_share_anything(owner: Member, gateway: FunctionGateway) -> None:
    dev, prod = (
        create_function(actor=owner, gateway=gateway, name=f"{stage}/user/me", files=FILES) for stage in ("dev", "prod")
    )
    save_function(actor=owner, function=dev, files=says("new"), base_version=1)
    assert (fresh(dev).version, fresh(prod).version) == (2, 1)
    assert head_of(fresh(prod)).files == FILES


def test_the_same_code_is_kept_once(owner: Member, gateway: FunctionGateway) -> None:
    one, other = (create_function(actor=owner, gateway=gateway, name=name, files=FILES) for name in ("a", "b"))
    assert artifact_of(one) == artifact_of(other)
    assert Artifact.objects.count() == 1


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"name": "a//b"}, "name"),
        ({"files": {}}, "files"),
        ({"files": {"../a.ts": ""}}, "/files/..~1a.ts"),
        ({"entrypoint": "gone.ts"}, "entrypoint"),
        ({"methods": ["FETCH"]}, "methods"),
        ({"timeout_ms": 10}, "timeout_ms"),
        ({"timeout_ms": 60_001}, "timeout_ms"),
        ({"tags": ["x" * 41]}, "tags"),
        ({"tags": [f"t{n}" for n in range(21)]}, "tags"),
        ({"tags": ["a,b"]}, "tags"),
        ({"description": "x" * 501}, "description"),
        ({"note": "x" * 501}, "note"),
        ({"files": {"handler.ts": Unchanged("0" * 64)}}, "/files/handler.ts"),
        ({"template": "hello"}, "template"),
        ({"files": None, "template": "none"}, "template"),
    ],
)
def test_what_will_not_do_is_refused_at_its_place(
    owner: Member, gateway: FunctionGateway, values: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        create_function(actor=owner, gateway=gateway, **{"name": "user/me", "files": FILES, **values})
    assert set(refused.value.fields) == {field}
    assert not Function.objects.exists()


def test_all_that_is_wrong_is_told_at_once(owner: Member, gateway: FunctionGateway) -> None:
    with pytest.raises(InvalidInput) as refused:
        create_function(actor=owner, gateway=gateway, name="x", files={"a b.ts": ""}, methods=["NO"], timeout_ms=1)
    assert {"/files/a b.ts", "methods", "timeout_ms"} <= set(refused.value.fields)


@pytest.mark.parametrize(("there", "wanted"), [("user/:id", "user/:name"), ("user/me", "user/me"), ("a/*x", "a/*y")])
def test_two_that_answer_the_very_same_calls_are_refused(
    owner: Member, gateway: FunctionGateway, there: str, wanted: str
) -> None:
    row = create_function(actor=owner, gateway=gateway, name=there, files=FILES)
    other = create_function(actor=owner, gateway=gateway, name="elsewhere", files=FILES)
    for act in (
        lambda: create_function(actor=owner, gateway=gateway, name=wanted, files=FILES),
        lambda: copy_function(actor=owner, function=row, name=wanted),
        lambda: rename_function(actor=owner, function=other, name=wanted),
    ):
        with pytest.raises(FunctionNameTaken) as refused:
            act()
        assert refused.value.extra["taken_by"] == f"dev/{there}"
    # In another stage, nobody is in the way
    assert create_function(actor=owner, gateway=gateway, name=f"prod/{wanted}", files=FILES)


def test_a_gateway_has_room_for_so_many(owner: Member, gateway: FunctionGateway, settings: Any) -> None:
    settings.MOST_FUNCTIONS = 1
    row = create_function(actor=owner, gateway=gateway, name="a", files=FILES)
    with pytest.raises(TooManyFunctions):
        create_function(actor=owner, gateway=gateway, name="b", files=FILES)
    with pytest.raises(TooManyFunctions):
        copy_function(actor=owner, function=row, name="b")


# --- Saving ----------------------------------------------------------------------------------------


def test_a_save_is_a_version_with_what_it_was(owner: Member, mateus: Member) -> None:
    row = some_function(owner)
    save_function(actor=mateus, function=row, files=says("new"), methods=["post", "GET"], note=" Why ", base_version=1)
    row = fresh(row)
    assert (row.version, row.methods, row.live_version) == (2, ["GET", "POST"], 0)
    first, second = FunctionVersion.objects.order_by("number")
    assert (first.files, second.files) == (FILES, says("new"))
    assert (second.note, second.saved_by_name, second.kind) == ("Why", "Mateus", "saved")
    assert first.artifact != second.artifact
    assert row.publish_due_at is not None


def test_a_save_that_changes_nothing_makes_no_version(owner: Member) -> None:
    row = some_function(owner)
    events = AuditEvent.objects.count()
    same = save_function(
        actor=owner, function=row, files=dict(FILES), entrypoint="handler.ts", methods=[], tags=[], base_version=1
    )
    assert (same.version, FunctionVersion.objects.count(), AuditEvent.objects.count()) == (1, 1, events)


def test_all_methods_are_the_same_as_none_in_particular(owner: Member) -> None:
    row = some_function(owner)
    everything = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
    assert save_function(actor=owner, function=row, methods=everything, base_version=1).version == 1


def test_settings_alone_keep_the_artifact(owner: Member) -> None:
    row = some_function(owner)
    artifact = artifact_of(row)
    row = save_function(actor=owner, function=row, timeout_ms=500, description="Slow", base_version=1)
    assert artifact_of(row) == artifact
    assert head_of(row).files == FILES


def test_what_has_not_changed_may_be_named_by_its_hash(owner: Member) -> None:
    row = some_function(owner, files={"handler.ts": ENTRY, "lines.ts": LINES})
    given = {"handler.ts": Unchanged(hash_of(ENTRY)), "lines.ts": LINES.replace("19", "99")}
    row = save_function(actor=owner, function=row, files=given, base_version=1)
    assert head_of(row).files == {"handler.ts": ENTRY, "lines.ts": LINES.replace("19", "99")}


def test_files_that_are_not_named_are_gone(owner: Member) -> None:
    row = some_function(owner, files={"handler.ts": HANDLER % 1, "other.ts": "export {};\n"})
    row = save_function(actor=owner, function=row, files=says("alone"), base_version=1)
    assert list(head_of(row).files) == ["handler.ts"]
    assert list(head_of(row).hashes) == ["handler.ts"]


def test_what_does_not_compile_changes_nothing_and_says_where(owner: Member) -> None:
    row = some_function(owner)
    wrong = {"handler.ts": "export default async () => {\n  return { a: };\n};\n"}
    with pytest.raises(CompileError) as refused:
        save_function(actor=owner, function=row, files=wrong, base_version=1)
    (finding,) = refused.value.extra["findings"]
    assert (finding["file"], finding["line"], finding["column"]) == ("handler.ts", 2, 15)
    assert "Line 2, column 15" in refused.value.fields["/files/handler.ts"][0]
    row = fresh(row)
    assert (row.version, head_of(row).files, FunctionVersion.objects.count()) == (1, FILES, 1)
    with pytest.raises(CompileError):
        create_function(actor=owner, gateway=row.gateway, name="new", files=wrong)
    assert Function.objects.count() == 1


def test_the_log_says_which_files_changed_and_never_what_stands_in_them(owner: Member) -> None:
    row = some_function(owner, files={"handler.ts": ENTRY, "lines.ts": LINES})
    files = {"handler.ts": ENTRY, "lines.ts": f"{LINES}// password: hunter2\n"}
    save_function(actor=owner, function=row, files=files, base_version=1)
    event = AuditEvent.objects.get(verb="function.saved")
    assert set(event.after) == {"version", "file lines.ts"}
    assert "hunter2" not in str(event.after)


# --- Two people ------------------------------------------------------------------------------------


def stale(actor: Member, row: Function, **values: Any) -> StaleSave:
    with pytest.raises(StaleSave) as refused:
        save_function(actor=actor, function=row, **values)
    return refused.value


def test_whoever_saves_second_is_told_what_changed_and_offered_both_in_one(owner: Member, mateus: Member) -> None:
    row = some_function(owner, files={"handler.ts": ENTRY, "lines.ts": LINES})
    theirs = {"handler.ts": ENTRY, "lines.ts": LINES.replace("  2,\n", "  22,\n")}
    save_function(actor=mateus, function=row, files=theirs, methods=["GET"], base_version=1)
    mine = {"handler.ts": ENTRY, "lines.ts": LINES.replace("  18,\n", "  180,\n")}
    told = stale(owner, row, files=mine, base_version=1)
    assert str(told.detail) == "Mateus saved version 2 since."
    assert (told.extra["current_version"], told.extra["base_version"], told.extra["saved_by"]) == (2, 1, "Mateus")
    (change,) = told.extra["changes"]
    assert (change["file"], change["kind"]) == ("lines.ts", "changed")
    assert "-  2,\n+  22,\n" in change["diff"]
    assert told.extra["settings"] == {"methods": ["GET"]}
    merged = told.extra["merge"]
    assert merged["is_clean"]
    assert merged["files"]["lines.ts"] == LINES.replace("  2,\n", "  22,\n").replace("  18,\n", "  180,\n")
    assert head_of(fresh(row)).files == theirs
    # What was proposed can be saved as it is
    row = save_function(actor=owner, function=row, files=merged["files"], base_version=2)
    assert (row.version, row.methods) == (3, ["GET"])


def test_where_both_changed_the_same_lines_it_says_so(owner: Member, mateus: Member) -> None:
    row = some_function(owner)
    save_function(actor=mateus, function=row, files=says("theirs"), base_version=1)
    merged = stale(owner, row, files=says("mine"), base_version=1).extra["merge"]
    assert merged["conflicts"] == {"handler.ts": "both_changed"}
    assert merged["files"]["handler.ts"].count("<<<<<<<") == 1


def test_it_can_be_overridden_which_loses_nothing_of_the_history(owner: Member, mateus: Member) -> None:
    row = some_function(owner)
    save_function(actor=mateus, function=row, files=says("theirs"), base_version=1)
    row = save_function(actor=owner, function=row, files=says("mine"), base_version=1, override=True)
    assert (row.version, head_of(row).files) == (3, says("mine"))
    assert FunctionVersion.objects.get(function=row, number=2).files == says("theirs")


def test_what_was_compiled_of_files_that_are_no_more_is_not_kept(
    owner: Member, mateus: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the files nothing is said: they're those that somebody saves while this is compiled."""
    row = some_function(owner, files={"index.ts": HANDLER, "other.ts": HANDLER})

    def compile_slowly(*given: Any) -> Any:
        monkeypatch.undo()
        found = building.compiled(*given)
        theirs = {"index.ts": HANDLER, "other.ts": HANDLER % "theirs"}
        save_function(actor=mateus, function=row, files=theirs, base_version=1)
        return found

    monkeypatch.setattr(saving, "compiled", compile_slowly)
    row = save_function(actor=owner, function=row, entrypoint="other.ts", base_version=1, override=True)
    assert (row.version, head_of(row).entrypoint) == (3, "other.ts")
    assert "theirs" in artifact_of(row).code


def test_a_stale_save_is_refused_as_that_also_where_it_does_not_compile(owner: Member, mateus: Member) -> None:
    row = some_function(owner)
    save_function(actor=mateus, function=row, files=says("theirs"), base_version=1)
    stale(owner, row, files={"handler.ts": "export default ((("}, base_version=1)


def test_what_both_want_alike_is_no_conflict(owner: Member, mateus: Member) -> None:
    row = some_function(owner)
    save_function(actor=mateus, function=row, files=says("the same"), base_version=1)
    assert save_function(actor=owner, function=row, files=says("the same"), base_version=1).version == 2


def test_a_version_that_is_not_known_any_more_is_stale_without_a_merge(owner: Member, mateus: Member) -> None:
    row = some_function(owner)
    save_function(actor=mateus, function=row, files=says("theirs"), base_version=1)
    FunctionVersion.objects.filter(number=1).delete()
    row = Function.objects.select_related("head").get(pk=row.pk)
    told = stale(owner, row, files=says("mine"), base_version=1)
    assert "merge" not in told.extra
    assert told.extra["changes"][0]["kind"] == "added"


@pytest.mark.parametrize("number", [0, 2, 99, -1])
def test_a_version_that_never_was_is_refused(owner: Member, number: int) -> None:
    with pytest.raises(InvalidInput) as refused:
        save_function(actor=owner, function=some_function(owner), files=says("x"), base_version=number)
    assert set(refused.value.fields) == {"base_version"}


# --- Drafts ----------------------------------------------------------------------------------------


def test_a_draft_is_ones_own_needs_no_compiling_and_ends_with_the_save(owner: Member, mateus: Member) -> None:
    row = some_function(owner)
    broken = {"handler.ts": "export default ((("}
    draft = save_draft(actor=owner, function=row, files=broken, entrypoint="handler.ts", base_version=1)
    assert draft.revision == 1
    assert get_draft(actor=mateus, function=row) is None
    save_draft(actor=mateus, function=row, files=says("his"), entrypoint="handler.ts", base_version=1)
    save_function(actor=owner, function=row, files=says("saved"), base_version=1)
    assert [each.person_id for each in Draft.objects.all()] == [mateus.pk]
    discard_draft(actor=mateus, function=row)
    assert not Draft.objects.exists()


def test_of_two_windows_the_later_one_is_told_and_given_the_others_draft(owner: Member) -> None:
    row = some_function(owner)

    def keep(text: str, revision: int | None) -> Draft:
        return save_draft(
            actor=owner, function=row, files=says(text), entrypoint="handler.ts", base_version=1, revision=revision
        )

    assert keep("first window", 0).revision == 1
    with pytest.raises(StaleDraft) as refused:
        keep("second window", 0)
    assert refused.value.extra["draft"]["files"] == says("first window")
    assert keep("second window, on purpose", refused.value.extra["draft"]["revision"]).revision == 2
    assert keep("whatever there is", None).revision == 3


def test_a_refused_save_loses_no_draft(owner: Member) -> None:
    row = some_function(owner)
    save_draft(actor=owner, function=row, files=says("draft"), entrypoint="handler.ts", base_version=1)
    with pytest.raises(CompileError):
        save_function(actor=owner, function=row, files={"handler.ts": "((("}, base_version=1)
    assert Draft.objects.count() == 1


def test_other_settings_leave_drafts_which_go_on_from_there(owner: Member, mateus: Member) -> None:
    row = some_function(owner)
    for actor in (owner, mateus):
        save_draft(actor=actor, function=row, files=says("draft"), entrypoint="handler.ts", base_version=1)
    row = save_function(actor=owner, function=row, timeout_ms=5_000, base_version=1)
    assert row.version == 2
    assert [draft.base_version for draft in Draft.objects.all()] == [2, 2]
    save_function(actor=owner, function=row, timeout_ms=5_000, base_version=2)
    assert Draft.objects.count() == 2
    # One that was begun before somebody wrote is still of then
    save_function(actor=owner, function=row, files=says("saved"), base_version=2)
    row = save_function(actor=owner, function=row, timeout_ms=6_000, base_version=3)
    assert [(draft.person_id, draft.base_version) for draft in Draft.objects.all()] == [(mateus.pk, 2)]


# --- Names, copies, versions -----------------------------------------------------------------------


def test_a_renamed_one_stays_what_it_is(owner: Member) -> None:
    row = some_function(owner, name="user/me")
    artifact = artifact_of(row)
    row = rename_function(actor=owner, function=row, name="user/:id")
    assert (row.name, row.version, head_of(row).kind) == ("dev/user/:id", 2, "renamed")
    assert artifact_of(row) == artifact
    assert rename_function(actor=owner, function=row, name="dev/user/:id").version == 2
    with pytest.raises(InvalidInput):
        rename_function(actor=owner, function=row, name="prod/user/:id")
    # Its own pattern isn't in its way
    assert rename_function(actor=owner, function=row, name="user/:name").name == "dev/user/:name"


def test_a_copy_takes_the_very_same_artifact_along(owner: Member) -> None:
    row = some_function(owner, name="user/me", methods=["GET"], tags=["public"])
    copy = copy_function(actor=owner, function=row, name="prod/user/me")
    assert (copy.name, copy.version, copy.methods, copy.tags) == ("prod/user/me", 1, ["GET"], ["public"])
    assert artifact_of(copy) == artifact_of(row)
    assert head_of(copy).note == "Copied from dev/user/me, v1"


def test_going_back_points_at_the_artifact_that_ran_then(owner: Member) -> None:
    row = some_function(owner)
    first = artifact_of(row)
    save_function(actor=owner, function=row, files=says("new"), timeout_ms=500, base_version=1)
    row = restore_version(actor=owner, function=row, number=1)
    assert (row.version, row.timeout_ms, head_of(row).files) == (3, 10_000, FILES)
    assert artifact_of(row) == first
    assert Artifact.objects.count() == 2
    assert restore_version(actor=owner, function=row, number=3).version == 3


def test_inside_a_wall_it_works_the_same(owner: Member) -> None:
    with walled(owner.tenant_id):
        row = some_function(owner)
        save_function(actor=owner, function=row, files=says("new"), base_version=1)
        assert get_function(actor=owner, function_id=row.pk).version == 2
