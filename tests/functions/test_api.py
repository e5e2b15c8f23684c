"""`/v1/api-gateways/{id}/functions`: what its contract promises, and what is special about functions."""

import hashlib
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import User
from apps.functions.calling import Answered, Asked
from apps.functions.calling.history import keep_call
from apps.functions.models import Artifact, Draft, Function, FunctionVersion
from apps.functions.services import delete_function, save_function
from apps.gateways.models import FunctionGateway
from apps.tenants.member import Member
from apps.tenants.models import Tenant
from apps.tenants.roles import Role
from tests.access.tokens import TokenApi, make_token
from tests.contracts.api import ApiContract, assert_problem
from tests.functions.contract import FILES, HANDLER, says, some_function
from tests.gateways.contract import some_gateway
from tests.people import Api
from tests.tenants.world import make_member, member

pytestmark = pytest.mark.django_db
GATEWAY = "gw_01k9z3v8q4m7x2c5b1n6t0r3fd"
URL = f"/v1/api-gateways/{GATEWAY}/functions"


@pytest.fixture(autouse=True)
def gateway(alice: User, tidewater: Tenant, hanbit: Tenant) -> FunctionGateway:
    """Alice and Bob are in Tidewater, Charlie in Hanbit; each in one, so that nobody has to say which."""
    return some_gateway(tidewater, alice, pk=GATEWAY)


def of(text: str) -> dict[str, dict[str, str]]:
    return {path: {"content": content} for path, content in says(text).items()}


class TestFunctionsApi(ApiContract):
    url = URL
    model = Function
    narrowing = {"stage": "prod"}
    creating = {"name": "user/:id", "files": of("hello"), "methods": ["GET"], "tags": ["public"]}
    changing = {"description": "Says hello", "timeout_ms": 500}
    refused_bodies = [
        ({"timeout_ms": 1}, "/timeout_ms"),
        ({"methods": "GET"}, "/methods"),
        ({"description": 1}, "/description"),
        ({"files": {"a.ts": {}}}, "/files/a.ts"),
        ({"files": {"a.ts": {"content": "", "sha256": "0" * 64}}}, "/files/a.ts"),
        ({"files": {"a.ts": {"sha256": "nothing"}}}, "/files/a.ts/sha256"),
    ]

    def make(self, alice: User, bob: User, count: int = 1) -> list[Function]:
        owner = member(alice, Tenant.objects.get(slug="tidewater"))
        gateway = FunctionGateway.objects.get(pk=GATEWAY)
        stages = ("dev", "prod")
        start = Function.objects.count()
        return [
            some_function(owner, gateway, f"{stages[number % 2]}/number/{start + number}") for number in range(count)
        ]

    def test_owner_and_reader_see_it_and_others_do_not(self, alice: User, bob: User, charlie: User) -> None:
        """For others, not even the gateway is there."""
        row = self.one(alice, bob)
        for person in (alice, bob):
            assert [each["id"] for each in Api(person).get(URL).json()["items"]] == [row.pk]
            assert Api(person).get(f"{URL}/{row.pk}").status_code == 200
        for path in (URL, f"{URL}/{row.pk}", f"{URL}/{row.pk}/source", f"{URL}/{row.pk}/history"):
            assert_problem(Api(charlie).get(path), "not-found")

    def test_a_delete_deletes(self, alice: User, bob: User) -> None:
        """Into the recycle bin."""
        row = self.one(alice, bob)
        path = f"{URL}/{row.pk}"
        response = Api(alice).delete(path, if_match=self._etag(alice, row))
        assert (response.status_code, response.content) == (204, b"")
        assert_problem(Api(alice).get(path), "not-found")
        (gone,) = Api(alice).get(f"/v1/api-gateways/{GATEWAY}/deleted-functions").json()["items"]
        assert (gone["id"], gone["name"], gone["deleted_by"]) == (row.pk, row.name, "Alice")


# --- Names in addresses ----------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["dev/user/me", "prod/user/:id", "dev/files/*rest", "dev/v1.2/a-b_c~d"])
def test_it_is_reached_by_its_name_percent_encoded_and_by_its_id(
    alice: User, owner: Member, gateway: Any, name: str
) -> None:
    row = some_function(owner, gateway, name)
    for spelling in (name.replace("/", "%2F"), name.replace("/", "%2F").replace(":", "%3A"), name, row.pk):
        shown = Api(alice).get(f"{URL}/{spelling}")
        assert shown.status_code == 200, spelling
        assert (shown.json()["id"], shown.json()["name"]) == (row.pk, name)
    assert_problem(Api(alice).get(f"{URL}/dev%2Fnone"), "not-found")


@pytest.mark.parametrize("word", ["history", "source", "draft", "run", "calls", "rename", "copy", "restore"])
def test_one_whose_name_ends_like_an_address_is_reached_by_its_id(
    alice: User, owner: Member, gateway: Any, word: str
) -> None:
    row = some_function(owner, gateway, f"dev/user/{word}")
    assert Api(alice).get(f"{URL}/{row.pk}").json()["name"] == f"dev/user/{word}"
    (found,) = Api(alice).get(URL, {"name": f"user/{word}"}).json()["items"]
    assert found["id"] == row.pk
    assert Api(alice).get(f"{URL}/{row.pk}/source").json()["files"] == FILES


def test_what_is_created_says_where_it_is(alice: User) -> None:
    created = Api(alice).post(URL, {"name": "user/:id", "template": "hello"})
    assert created["Location"] == f"{URL}/dev%2Fuser%2F:id"
    assert Api(alice).get(created["Location"]).json()["id"] == created.json()["id"]
    body = created.json()
    assert (body["name"], body["version"], body["entrypoint"]) == ("dev/user/:id", 1, "handler.ts")
    assert body["url"].endswith(".dev.localhost/user/:id")
    assert body["live"]["state"] == "waiting"
    assert body["live"]["version"] is None


def test_index_is_called_at_the_address_alone(alice: User) -> None:
    assert Api(alice).post(URL, {"name": "index"}).json()["url"].endswith(".dev.localhost/")


def test_the_function_of_another_gateway_is_not_here(alice: User, owner: Member, tidewater: Tenant) -> None:
    row = some_function(owner, some_gateway(tidewater, alice))
    assert_problem(Api(alice).get(f"{URL}/{row.pk}"), "not-found")


# --- Saving ----------------------------------------------------------------------------------------


def test_only_what_changed_is_sent(alice: User, owner: Member, gateway: Any) -> None:
    files = {"handler.ts": HANDLER % 1, "zones.ts": "export const zones = 1;\n"}
    row = some_function(owner, gateway, "dev/x", files=files)
    shown = Api(alice).get(f"{URL}/dev%2Fx").json()
    known = hashlib.sha256(files["zones.ts"].encode()).hexdigest()
    assert shown["files"]["zones.ts"] == {"sha256": known, "size": len(files["zones.ts"])}
    body = {"base_version": 1, "files": {**of("new"), "zones.ts": {"sha256": known}}}
    saved = Api(alice).patch(f"{URL}/dev%2Fx", body)
    assert (saved.status_code, saved.json()["version"]) == (200, 2)
    assert saved["ETag"].startswith('"2.')
    source = Api(alice).get(f"{URL}/dev%2Fx/source").json()
    assert source == {"version": 2, "entrypoint": "handler.ts", "files": {**says("new"), "zones.ts": files["zones.ts"]}}
    body["files"]["zones.ts"] = {"sha256": "0" * 64}
    refused = assert_problem(Api(alice).patch(f"{URL}/dev%2Fx", {**body, "base_version": 2}), "invalid-input")
    assert [each["path"] for each in refused["errors"]] == ["/files/zones.ts"]
    assert Function.objects.get(pk=row.pk).version == 2


def test_a_stale_save_is_told_what_changed_with_a_merge_and_may_override(
    alice: User, owner: Member, gateway: Any, tidewater: Tenant
) -> None:
    row = some_function(owner, gateway, "dev/x")
    mateus = make_member("mateus", tidewater, Role.API_DEVELOPER)
    save_function(actor=mateus, function=row, files=says("theirs"), base_version=1)
    body = {"base_version": 1, "files": of("mine")}
    told = assert_problem(Api(alice).patch(f"{URL}/dev%2Fx", body), "stale-save")
    assert (told["status"], told["current_version"], told["saved_by"]) == (409, 2, "Mateus")
    assert told["changes"][0]["diff"].startswith("--- a/handler.ts\n+++ b/handler.ts\n@@ ")
    assert told["merge"]["conflicts"] == {"handler.ts": "both_changed"}
    assert Function.objects.get(pk=row.pk).version == 2
    # With If-Match, it's as everywhere
    assert_problem(Api(alice).patch(f"{URL}/dev%2Fx", {"files": of("mine")}, if_match='"1"'), "stale-version")
    assert Api(alice).patch(f"{URL}/dev%2Fx", {"files": of("mine")}, if_match='"2"').json()["version"] == 3
    assert Api(alice).patch(f"{URL}/dev%2Fx", {**body, "files": of("over"), "override": True}).json()["version"] == 4


def test_compile_errors_come_with_their_places_and_nothing_is_changed(alice: User, owner: Member, gateway: Any) -> None:
    row = some_function(owner, gateway, "dev/x")
    wrong = {"lib/a.ts": {"content": "export const a = ;\n"}, "handler.ts": {"content": "import './lib/a';\nlet x = {"}}
    before = Artifact.objects.count()
    for told in (
        Api(alice).patch(f"{URL}/dev%2Fx", {"base_version": 1, "files": wrong}),
        Api(alice).post(URL, {"name": "new", "files": wrong, "entrypoint": "handler.ts"}),
    ):
        document = assert_problem(told, "compile-error")
        assert document["status"] == 422
        assert document["findings"]
        assert {error["path"] for error in document["errors"]} <= {"/files/lib~1a.ts", "/files/handler.ts"}
        first = document["findings"][0]
        assert {"file", "line", "column", "length", "text", "line_text", "notes"} == set(first)
        assert first["line"] >= 1
    assert (Function.objects.get().pk, Function.objects.get().version, Artifact.objects.count()) == (row.pk, 1, before)


def test_a_refusal_for_the_stage_names_the_roles(alice: User, owner: Member, gateway: Any, tidewater: Tenant) -> None:
    some_function(owner, gateway, "prod/x")
    developer = make_member("devi", tidewater, Role.API_DEVELOPER).person
    told = assert_problem(
        Api(developer).patch(f"{URL}/prod%2Fx", {"base_version": 1, "files": of("no")}), "not-allowed"
    )
    assert (told["roles"], told["own_role"]) == (["owner", "admin", "gateway-owner"], "api-developer")


def test_tokens_need_their_scope(alice: User, owner: Member, gateway: Any, tidewater: Tenant) -> None:
    some_function(owner, gateway, "dev/x")
    scopes = ["functions:read", "gateways:read"]
    reader = TokenApi(make_token(alice, *scopes))
    assert reader.get(f"{URL}/dev%2Fx").status_code == 200
    assert_problem(reader.patch(f"{URL}/dev%2Fx", {"base_version": 1, "files": of("no")}), "token-too-narrow")
    writer = TokenApi(make_token(alice, *scopes, "functions:write"))
    assert writer.patch(f"{URL}/dev%2Fx", {"base_version": 1, "files": of("yes")}).status_code == 200


# --- Verbs -----------------------------------------------------------------------------------------


def test_it_is_renamed_and_copied(alice: User, owner: Member, gateway: Any) -> None:
    row = some_function(owner, gateway, "dev/x")
    renamed = Api(alice).post(f"{URL}/dev%2Fx/rename", {"name": "y/:id"})
    assert (renamed.status_code, renamed.json()["name"], renamed.json()["id"]) == (200, "dev/y/:id", row.pk)
    copied = Api(alice).post(f"{URL}/dev%2Fy%2F:id/copy", {"name": "staging/y/:id"}, idempotency_key="k")
    assert (copied.status_code, copied["Location"]) == (201, f"{URL}/staging%2Fy%2F:id")
    again = Api(alice).post(f"{URL}/dev%2Fy%2F:id/copy", {"name": "staging/y/:id"}, idempotency_key="k")
    assert again.json()["id"] == copied.json()["id"]
    taken = assert_problem(
        Api(alice).post(f"{URL}/dev%2Fy%2F:id/copy", {"name": "staging/y/:x"}), "function-name-taken"
    )
    assert taken["taken_by"] == "staging/y/:id"
    assert taken["errors"][0]["path"] == "/name"


def test_it_is_restored_by_its_name_and_by_its_id(alice: User, owner: Member, gateway: Any) -> None:
    first, second = (some_function(owner, gateway, "dev/x", deleted=True) for _ in range(2))
    assert_problem(Api(alice).post(f"{URL}/dev%2Fnone/restore"), "not-found")
    back = Api(alice).post(f"{URL}/dev%2Fx/restore", {})
    assert (back.status_code, back.json()["id"]) == (200, second.pk)
    assert_problem(Api(alice).post(f"{URL}/{first.pk}/restore", {}), "function-name-taken")
    assert Api(alice).post(f"{URL}/{first.pk}/restore", {"name": "z"}).json()["name"] == "dev/z"
    assert Api(alice).get(f"/v1/api-gateways/{GATEWAY}/deleted-functions").json()["items"] == []


def test_drafts_are_ones_own(alice: User, bob: User, owner: Member, gateway: Any, tidewater: Tenant) -> None:
    some_function(owner, gateway, "dev/x")
    path = f"{URL}/dev%2Fx/draft"
    assert_problem(Api(alice).get(path), "not-found")
    body = {"files": {"handler.ts": {"content": "((("}}, "entrypoint": "handler.ts", "base_version": 1, "revision": 0}
    assert Api(alice).put(path, body).json()["revision"] == 1
    stale = assert_problem(Api(alice).put(path, body), "stale-draft")
    assert stale["draft"]["files"] == {"handler.ts": "((("}
    assert Api(alice).put(path, {**body, "revision": 1}).json()["revision"] == 2
    assert_problem(Api(bob).get(path), "not-found")
    assert_problem(Api(bob).put(path, {**body, "revision": None}), "not-allowed")
    assert Api(alice).delete(path).status_code == 204
    assert not Draft.objects.exists()


# --- History ---------------------------------------------------------------------------------------


def test_its_history_is_read_and_gone_back_in(alice: User, bob: User, owner: Member, gateway: Any) -> None:
    row = some_function(owner, gateway, "dev/x")
    artifact = row.head.artifact.digest
    save_function(actor=owner, function=row, files=says("new"), note="Newer", base_version=1)
    path = f"{URL}/dev%2Fx/history"
    items = Api(bob).get(path).json()["items"]
    assert [(each["number"], each["kind"], each["note"]) for each in items] == [
        (2, "saved", "Newer"),
        (1, "created", ""),
    ]
    assert Api(bob).get(path, {"limit": 1}).json()["next_cursor"]
    assert Api(bob).get(f"{path}/1").json() == items[1]
    assert items[1]["artifact"] == artifact
    assert Api(bob).get(f"{path}/1/source").json() == {"version": 1, "entrypoint": "handler.ts", "files": FILES}
    assert_problem(Api(bob).post(f"{path}/1/restore"), "not-allowed")
    assert_problem(Api(alice).post(f"{path}/9/restore"), "not-found")
    assert Api(alice).post(f"{path}/1/restore").json()["version"] == 3
    assert Api(alice).get(f"{path}/3").json()["artifact"] == artifact
    assert Api(alice).post(f"{path}/1/pin", {"is_pinned": True}).json()["is_pinned"]
    assert FunctionVersion.objects.get(number=1).is_pinned


def test_its_history_is_filtered_as_on_its_page(alice: User, owner: Member, gateway: Any) -> None:
    row = some_function(owner, gateway, "dev/x")
    save_function(actor=owner, function=row, files=says("new"), note="Newer", base_version=1)

    def found(**query: str) -> list[int]:
        return [each["number"] for each in Api(alice).get(f"{URL}/dev%2Fx/history", query).json()["items"]]

    assert (found(kind="created"), found(q="newer")) == ([1], [2])
    assert_problem(Api(alice).get(f"{URL}/dev%2Fx/history", {"kind": "none"}), "invalid-input")


def test_ones_calls_are_told_as_they_were_made(alice: User, bob: User, owner: Member, gateway: Any) -> None:
    row = some_function(owner, gateway, "dev/x")
    keep(owner, row)
    [call] = Api(alice).get(f"{URL}/dev%2Fx/calls").json()["items"]
    assert call["request"]["headers"] == [
        {"name": "x-b", "value": "2"},
        {"name": "Authorization", "value": "•••"},
    ]
    assert (call["request"]["path"], call["request"]["query"], call["request"]["body"]) == ("/x", "a=1", "{}")
    assert call["answer"]["headers"] == [{"name": "content-type", "value": "text/plain"}]
    assert (call["answer"]["status"], call["answer"]["body"], call["error"]) == (200, "hi", "")
    assert Api(bob).get(f"{URL}/dev%2Fx/calls").json()["items"] == []


def keep(actor: Member, function: Function) -> None:
    asked = Asked("POST", "/x", "a=1", (("x-b", "2"), ("Authorization", "Bearer secret")), b"{}")
    answered = Answered("req_1", 12.3, 200, (("content-type", "text/plain"),), b"hi")
    keep_call(actor=actor, function=function, asked=asked, answered=answered, is_draft=False)


def test_no_list_asks_for_each_of_its_rows(alice: User, owner: Member, gateway: Any) -> None:
    """Those that no contract of a list looks after."""
    row = some_function(owner, gateway, "dev/x")
    lists = (f"{URL}/dev%2Fx/history", f"{URL}/dev%2Fx/calls", f"/v1/api-gateways/{GATEWAY}/deleted-functions")
    counts = []
    for round_number in range(2):
        for number in range(1 + round_number):
            row = save_function(
                actor=owner, function=row, files=says(f"{round_number} {number}"), base_version=row.version
            )
            some_function(owner, gateway, f"dev/gone/{round_number}/{number}", deleted=True)
            keep(owner, row)
        asked = []
        for url in lists:
            with CaptureQueriesContext(connection) as queries:
                assert len(Api(alice).get(url).json()["items"]) >= 1 + round_number
            asked.append(len(queries))
        counts.append(asked)
    assert counts[0] == counts[1], dict(zip(lists, zip(*counts, strict=True), strict=True))


def test_filters_find_by_method_tag_and_text(alice: User, owner: Member, gateway: Any) -> None:
    some_function(owner, gateway, "dev/a", methods=["GET"], tags=["public"], description="Estimates")
    some_function(owner, gateway, "dev/b", methods=["POST"])
    some_function(owner, gateway, "dev/c")

    def found(**query: str) -> list[str]:
        return [each["base_name"] for each in Api(alice).get(URL, {"sort": "base_name", **query}).json()["items"]]

    assert found(method="GET") == ["a", "c"]
    assert found(tag="public") == ["a"]
    assert found(q="estim") == ["a"]
    assert found(q="public") == ["a"]
    assert_problem(Api(alice).get(URL, {"method": "FETCH"}), "invalid-input")


def test_a_deleted_one_can_not_be_changed(alice: User, owner: Member, gateway: Any) -> None:
    row = some_function(owner, gateway, "dev/x")
    delete_function(actor=owner, function=row)
    for response in (
        Api(alice).patch(f"{URL}/dev%2Fx", {"base_version": 1, "files": of("no")}),
        Api(alice).post(f"{URL}/dev%2Fx/rename", {"name": "y"}),
        Api(alice).get(f"{URL}/dev%2Fx/history"),
        Api(alice).get(f"{URL}/{row.pk}/source"),
    ):
        assert_problem(response, "not-found")
