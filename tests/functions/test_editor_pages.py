"""The editor's page and what its script asks: for those who may, those who may not, and those from elsewhere."""

import json
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client

from apps.accounts.models import User
from apps.core.clock import now
from apps.fleet.models import Cluster
from apps.functions.models import Dependencies, Draft, Function, FunctionVersion, Lock
from apps.functions.presence import LASTS, names_of_editors
from apps.functions.services import create_function, save_draft, save_function
from apps.functions.views.running import pretty
from apps.gateways.models import FunctionGateway
from apps.tenants.member import Member
from apps.tenants.models import Tenant
from apps.tenants.roles import Role
from tests.gateways.world import make_cluster, make_gateway
from tests.tenants.world import make_member, member

HANDLER = 'export default () => ({ text: "Hello" });\n'
FILES = {"handler.ts": HANDLER, "lib/words.ts": "export const word = 1;\n"}
CHANGED = {**FILES, "handler.ts": HANDLER.replace("Hello", "Ahoy")}


@pytest.fixture
def cluster(db: None) -> Cluster:
    return make_cluster(facts={"gateway_port": "9"})


@pytest.fixture
def gateway(tidewater: Tenant, cluster: Cluster) -> FunctionGateway:
    return make_gateway(tidewater, cluster)


@pytest.fixture
def actor(alice: User, tidewater: Tenant) -> Member:
    return member(alice, tidewater)


@pytest.fixture
def function(actor: Member, gateway: FunctionGateway) -> Function:
    return create_function(actor=actor, gateway=gateway, name="dev/user/:id", files=FILES, entrypoint="handler.ts")


def page_of(function: Function, stage: str = "") -> str:
    return f"/t/tidewater/gateways/{function.gateway_id}/functions/{stage or function.stage}/{function.base_name}"


def url(function: Function, name: str) -> str:
    return f"/t/tidewater/gateways/{function.gateway_id}/functions/{function.pk}/{name}"


def browser(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client


def send(client: Client, path: str, content: dict[str, Any]) -> HttpResponse:
    response: HttpResponse = client.post(
        path, json.dumps(content), content_type="application/json", headers={"Accept": "application/json"}
    )
    return response


def saved(**values: Any) -> dict[str, Any]:
    return {"files": CHANGED, "entrypoint": "handler.ts", "base_version": 1, **values}


# --- The page ---


def test_only_its_own_policy_gives_way_and_for_styles_alone(alice: User, function: Function) -> None:
    policies = [browser(alice).get(page_of(function))["Content-Security-Policy"] for _ in range(2)]
    rules = dict(rule.split(" ", 1) for rule in policies[0].split("; "))
    assert rules["script-src"] == "'self'"
    assert rules["style-src-attr"] == "'unsafe-inline'"
    assert "unsafe-inline" not in rules["style-src"]
    assert "'nonce-" in rules["style-src"]
    # A nonce counts for one answer
    assert policies[0] != policies[1]
    other = browser(alice).get(f"/t/tidewater/gateways/{function.gateway_id}/functions")
    assert "style-src-attr" not in other["Content-Security-Policy"]
    assert "nonce" not in other["Content-Security-Policy"]


def test_a_function_may_be_called_as_what_is_done_with_one(actor: Member, gateway: FunctionGateway) -> None:
    for name in ("dev/save", "dev/user/draft", "staging/run", "prod/types"):
        made = create_function(actor=actor, gateway=gateway, name=name, files={"handler.ts": HANDLER})
        response = browser(actor.person).get(page_of(made))
        assert response.status_code == 200
        assert f"<h1>{made.base_name}</h1>" in response.content.decode()


def test_a_stage_without_it_offers_a_copy_to_those_who_may(
    actor: Member, function: Function, tidewater: Tenant
) -> None:
    client = browser(actor.person)
    assert "in staging yet" in client.get(page_of(function, "staging")).content.decode()
    response = client.post(page_of(function, "staging"), {"copy": function.pk})
    assert response.status_code == 302
    copy = Function.objects.get(stage="staging")
    assert copy.head is not None
    assert copy.head.files == FILES
    developer = make_member("mateus", tidewater, Role.API_DEVELOPER)
    refused = browser(developer.person).post(page_of(function, "prod"), {"copy": function.pk})
    assert refused.status_code == 403
    assert not Function.objects.filter(stage="prod").exists()
    assert client.get(page_of(function, "prod").replace("user", "nobody")).status_code == 404


def test_those_from_elsewhere_find_nothing(charlie: User, hanbit: Tenant, function: Function) -> None:
    client = browser(charlie)
    for path in (page_of(function), url(function, "standing"), url(function, "run"), url(function, "conflict")):
        assert client.get(path).status_code == 404
    inside = url(function, "standing").replace("tidewater", "hanbit")
    assert client.get(inside).status_code == 404


def test_a_function_is_found_below_its_own_gateway_only(
    actor: Member, function: Function, tidewater: Tenant, cluster: Cluster
) -> None:
    other = make_gateway(tidewater, cluster, name="billing-hooks")
    wrong = url(function, "standing").replace(str(function.gateway_id), str(other.pk))
    assert browser(actor.person).get(wrong).status_code == 404


def test_without_script_a_form_saves_renames_adds_and_removes(alice: User, function: Function) -> None:
    form = {
        "base_version": "1", "entrypoint": "main.ts",
        "file:handler.ts": HANDLER.replace("\n", "\r\n"), "path:handler.ts": "main.ts",
        "file:lib/words.ts": "export const word = 1;", "path:lib/words.ts": "",
        "new_path": "lib/dates.ts", "new_text": "export const day = 2;",
    }  # fmt: skip
    assert browser(alice).post(page_of(function), form).status_code == 302
    function.refresh_from_db()
    assert function.head is not None
    assert function.head.files == {"main.ts": HANDLER, "lib/dates.ts": "export const day = 2;"}
    assert function.head.entrypoint == "main.ts"


def test_without_script_an_error_keeps_what_was_written(alice: User, function: Function) -> None:
    form = {"base_version": "1", "entrypoint": "handler.ts", "file:handler.ts": "const = 5;\n"}
    response = browser(alice).post(page_of(function), form)
    assert response.status_code == 422
    text = response.content.decode()
    assert "const = 5;" in text
    assert "handler.ts, line 1" in text
    assert FunctionVersion.objects.filter(function=function).count() == 1


def test_without_script_a_late_save_leads_to_both_changes(actor: Member, function: Function) -> None:
    save_function(actor=actor, function=function, files=CHANGED, base_version=1)
    form = {"base_version": "1", "entrypoint": "handler.ts", "file:handler.ts": HANDLER + "// mine\n"}
    response = browser(actor.person).post(page_of(function), form)
    assert response["Location"] == url(function, "conflict")
    assert "// mine" in Draft.objects.get().files["handler.ts"]


# --- Saving ---


def test_a_save_answers_with_the_version_and_the_bar(alice: User, function: Function) -> None:
    response = send(browser(alice), url(function, "save"), saved())
    assert response.status_code == 200
    told = json.loads(response.content)
    assert told["version"] == 2
    assert told["saved_by"] == "Alice"
    assert told["bar"]["title"].startswith("v2 ")
    function.refresh_from_db()
    assert function.head is not None
    assert function.head.files == CHANGED


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (saved(files={"handler.ts": "const = 5"}), 422),
        (saved(files="no"), 422),
        (saved(files={"handler.ts": 5}), 422),
        (saved(base_version="1"), 422),
        (saved(base_version=True), 422),
        (saved(entrypoint=5), 422),
        (saved(base_version=7), 422),
    ],
)
def test_what_cannot_be_saved_changes_nothing(
    alice: User, function: Function, content: dict[str, Any], status: int
) -> None:
    response = send(browser(alice), url(function, "save"), content)
    assert response.status_code == status
    assert response["Content-Type"] == "application/problem+json"
    assert FunctionVersion.objects.filter(function=function).count() == 1


@pytest.mark.parametrize("name", ["save", "draft", "run"])
def test_a_form_or_a_broken_body_is_refused(alice: User, function: Function, name: str) -> None:
    client = browser(alice)
    assert client.post(url(function, name), {"files": "x"}).status_code == 415
    for body in ("{", "[]", "5"):
        response = client.post(url(function, name), body, content_type="application/json")
        assert response.status_code == 400


def test_an_error_says_where_it_is(alice: User, function: Function) -> None:
    response = send(browser(alice), url(function, "save"), saved(files={"handler.ts": "const = 5;\n"}))
    [finding] = json.loads(response.content)["findings"]
    assert (finding["file"], finding["line"]) == ("handler.ts", 1)


def test_a_late_save_is_refused_unless_it_is_meant_to(actor: Member, function: Function) -> None:
    save_function(actor=actor, function=function, files=CHANGED, base_version=1)
    client, mine = browser(actor.person), {**FILES, "lib/words.ts": "export const word = 3;\n"}
    response = send(client, url(function, "save"), saved(files=mine))
    assert response.status_code == 409
    assert json.loads(response.content)["type"].endswith("/stale-save")
    assert send(client, url(function, "save"), saved(files=mine, override=True)).status_code == 200
    function.refresh_from_db()
    assert function.head is not None
    assert (function.head.number, function.head.files) == (3, mine)


def test_a_role_that_may_not_save_in_the_stage_is_named_what_may(bob: User, function: Function) -> None:
    client = browser(bob)
    assert "owner, admin, gateway-owner, api-developer" in client.get(page_of(function)).content.decode()
    for name in ("save", "draft"):
        response = send(client, url(function, name), saved())
        assert response.status_code == 403
        assert "api-developer" in json.loads(response.content)["roles"]
    assert client.get(url(function, "conflict")).status_code == 403
    assert not Draft.objects.exists()
    assert FunctionVersion.objects.filter(function=function).count() == 1


# --- Drafts, and who else is there ---


def test_a_draft_comes_with_the_page_and_goes_when_it_is_discarded(alice: User, function: Function) -> None:
    client = browser(alice)
    assert json.loads(send(client, url(function, "draft"), saved(revision=0)).content)["revision"] == 1
    assert "Ahoy" in client.get(page_of(function)).content.decode()
    # Another window that knows nothing of it
    stale = send(client, url(function, "draft"), saved(revision=0))
    assert stale.status_code == 409
    assert json.loads(stale.content)["draft"]["revision"] == 1
    assert client.delete(url(function, "draft")).status_code == 200
    assert not Draft.objects.exists()


def test_others_are_named_while_they_write_and_their_text_is_not_shown(
    actor: Member, function: Function, tidewater: Tenant
) -> None:
    mateus = make_member("mateus", tidewater, Role.API_DEVELOPER)
    save_draft(actor=mateus, function=function, files=CHANGED, entrypoint="handler.ts", base_version=1)
    told = json.loads(browser(actor.person).get(url(function, "standing")).content)
    assert told["editors"] == ["Mateus"]
    assert "files" not in told
    assert "Ahoy" not in browser(actor.person).get(page_of(function)).content.decode()
    assert names_of_editors(actor=mateus, function=function) == []
    Draft.objects.update(updated_at=now() - LASTS)
    assert names_of_editors(actor=actor, function=function) == []


def test_who_has_changed_nothing_gets_the_files_too(actor: Member, function: Function) -> None:
    save_function(actor=actor, function=function, files=CHANGED, base_version=1)
    told = json.loads(browser(actor.person).get(url(function, "standing") + "?files").content)
    assert (told["version"], told["files"], told["entrypoint"]) == (2, CHANGED, "handler.ts")


def test_who_has_changed_something_is_told_whether_anybody_else_wrote(actor: Member, function: Function) -> None:
    def is_same(since: str) -> bool:
        told = json.loads(browser(actor.person).get(url(function, "standing") + f"?since={since}").content)
        assert "files" not in told
        found: bool = told["is_same"]
        return found

    save_function(actor=actor, function=function, methods=["GET"], base_version=1)
    assert is_same("1")
    save_function(actor=actor, function=function, files=CHANGED, base_version=2)
    assert [is_same(each) for each in ("1", "2", "3", "4", "", "x")] == [False, False, True, False, False, False]


# --- Two changes ---


@pytest.fixture
def clash(actor: Member, function: Function, tidewater: Tenant) -> Function:
    """Alice has a draft; Mateus has saved since, another file."""
    save_draft(actor=actor, function=function, files=CHANGED, entrypoint="handler.ts", base_version=1)
    mateus = make_member("mateus", tidewater, Role.API_DEVELOPER)
    theirs = {**FILES, "lib/words.ts": "export const word = 7;\n"}
    return save_function(actor=mateus, function=function, files=theirs, base_version=1)


def settle(person: User, function: Function, how: str, head: int = 2) -> HttpResponse:
    response: HttpResponse = browser(person).post(url(function, "conflict"), {"how": how, "head": head})
    return response


def test_changes_that_do_not_meet_are_saved_as_one(alice: User, clash: Function) -> None:
    assert "The two changes fit together." in browser(alice).get(url(clash, "conflict")).content.decode()
    assert settle(alice, clash, "merged").status_code == 302
    clash.refresh_from_db()
    assert clash.head is not None
    assert clash.head.files == {**CHANGED, "lib/words.ts": "export const word = 7;\n"}
    assert not Draft.objects.filter(person=alice).exists()


def test_theirs_drops_the_draft_and_changes_nothing(alice: User, clash: Function) -> None:
    assert settle(alice, clash, "theirs").status_code == 302
    assert not Draft.objects.filter(person=alice).exists()
    assert FunctionVersion.objects.filter(function=clash).count() == 2


def test_mine_is_saved_over_theirs(alice: User, clash: Function) -> None:
    assert settle(alice, clash, "mine").status_code == 302
    clash.refresh_from_db()
    assert clash.head is not None
    assert (clash.head.number, clash.head.files) == (3, CHANGED)


def test_what_met_is_marked_in_the_draft_and_not_saved(actor: Member, clash: Function, tidewater: Tenant) -> None:
    lise = make_member("lise", tidewater, Role.API_DEVELOPER)
    theirs = {**FILES, "handler.ts": HANDLER.replace("Hello", "Moin")}
    save_function(actor=lise, function=clash, files=theirs, base_version=2)
    assert settle(actor.person, clash, "merged", head=3).status_code == 302
    draft = Draft.objects.get(person=actor.person)
    assert draft.base_version == 3
    assert "<<<<<<<" in draft.files["handler.ts"]
    assert "Moin" in draft.files["handler.ts"]
    assert "Ahoy" in draft.files["handler.ts"]
    assert FunctionVersion.objects.filter(function=clash).count() == 3


def test_where_what_both_began_from_is_forgotten_all_that_differs_is_settled(alice: User, clash: Function) -> None:
    FunctionVersion.objects.filter(function=clash, number=1).delete()
    assert "Both of you changed the same places." in browser(alice).get(url(clash, "conflict")).content.decode()
    assert settle(alice, clash, "merged").status_code == 302
    draft = Draft.objects.get(person=alice)
    assert (draft.base_version, draft.files["lib/words.ts"].count("export")) == (2, 2)
    assert all(text in draft.files["handler.ts"] for text in ("<<<<<<<", "Hello", "Ahoy"))


def test_a_decision_about_what_is_there_no_more_is_asked_again(alice: User, clash: Function) -> None:
    for how, head in (("mine", 1), ("else", 2)):
        assert settle(alice, clash, how, head).status_code in (409, 422)
    assert FunctionVersion.objects.filter(function=clash).count() == 2
    assert Draft.objects.filter(person=alice).exists()


def test_without_a_clash_it_leads_back(alice: User, function: Function) -> None:
    assert browser(alice).get(url(function, "conflict"))["Location"] == page_of(function)


# --- Types, and what a call answers ---


def test_types_are_those_of_functions_and_of_the_gateways_packages(actor: Member, gateway: FunctionGateway) -> None:
    lock = Lock.objects.create(
        tenant=actor.tenant, gateway=gateway, digest="d" * 64, types={"zod/index.d.ts": "export const z: 1;"}
    )
    Dependencies.objects.create(tenant=actor.tenant, gateway=gateway, lock=lock)
    client, path = browser(actor.person), f"/t/tidewater/gateways/{gateway.pk}/functions/types"
    response = client.get(path)
    files = json.loads(response.content)["files"]
    assert files["node_modules/zod/index.d.ts"] == "export const z: 1;"
    assert "interface ImpRequest" in files["imp.d.ts"]
    assert client.get(path, headers={"If-None-Match": response["ETag"]}).status_code == 304


def test_json_is_shown_line_by_line_and_never_as_markup() -> None:
    shown = pretty('{"a<b>": "<script>", "n": 1.5, "t": [true, null]}', "application/json; charset=utf-8")
    assert '<span class="nt">&quot;a&lt;b&gt;&quot;</span>: <span class="s2">&quot;&lt;script&gt;&quot;</span>' in shown
    assert '<span class="mi">1.5</span>' in shown
    assert '<span class="kc">null</span>' in shown
    assert pretty("{broken <b>", "application/json") == "{broken &lt;b&gt;"
    assert pretty('{"a": 1}', "text/plain") == "{&quot;a&quot;: 1}"
