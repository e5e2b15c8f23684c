"""The pages of functions as a client sees them: the list, new ones, changes, the recycle bin, versions."""

import re
from typing import Any, ClassVar

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import User
from apps.functions.models import Function
from apps.functions.services import delete_function, save_function
from apps.functions.templates import TEMPLATES
from apps.gateways.lifecycle.table import Phase, State
from apps.gateways.models import FunctionGateway
from apps.tenants.member import Member
from apps.tenants.models import Tenant
from apps.tenants.roles import Role
from tests.contracts.lists import DetailContract
from tests.functions.contract import FILES, function_row, says, some_function
from tests.gateways.contract import some_gateway
from tests.gateways.pages import ASKING, GATEWAYS, IN_SHEET, put_up
from tests.tenants.pages import IN_DIALOG, as_
from tests.tenants.test_pages_members import OfTidewater
from tests.tenants.world import make_member, member

pytestmark = pytest.mark.django_db
PK = "gw_01k9z3v8q4m7x2c5b1n6t0r3fd"
PAGE = f"{GATEWAYS}/{PK}"
FUNCTIONS, BIN = f"{PAGE}/functions", f"{PAGE}/recycle-bin"


@pytest.fixture
def gateway(tidewater: Tenant, alice: User) -> FunctionGateway:
    return put_up(some_gateway(tidewater, alice, pk=PK))


class _OfGateway(OfTidewater):
    rows = 52

    def gateway_of(self, tenant: Tenant) -> FunctionGateway:
        there = FunctionGateway.objects.filter(pk=PK).first()
        return there or put_up(some_gateway(tenant, pk=PK))

    def workspace(self, alice: User, bob: User) -> Tenant:
        tenant = super().workspace(alice, bob)
        self.gateway_of(tenant)
        return tenant

    def made_in(self, alice: User, bob: User, count: int) -> list[Function]:
        tenant = self.workspace(alice, bob)
        start, stages = Function.objects.count(), ("dev", "prod")
        made = member(alice, tenant)
        return [
            some_function(made, self.gateway_of(tenant), f"{stages[n % 2]}/number/{start + n}") for n in range(count)
        ]


class TestFunctionsPage(_OfGateway):
    url = FUNCTIONS
    narrowing: ClassVar[dict[str, str]] = {"stage": "prod"}
    nonsense: ClassVar[dict[str, str]] = {"stage": "test"}

    def make(self, alice: User, bob: User, count: int) -> list[Any]:
        return self.made_in(alice, bob, count)


class TestRecycleBin(_OfGateway):
    url = BIN
    narrowing: ClassVar[dict[str, str]] = {"stage": "prod"}
    nonsense: ClassVar[dict[str, str]] = {"stage": "test"}

    def make(self, alice: User, bob: User, count: int) -> list[Any]:
        rows = self.made_in(alice, bob, count)
        for row in rows:
            delete_function(actor=member(alice, row.tenant), function=row)
        return rows


class TestVersionsPage(DetailContract):
    def make(self, alice: User, bob: User) -> Function:
        tenant = _Versions().workspace(alice, bob)
        as_(alice).get("/t/tidewater/members")
        return some_function(member(alice, tenant), FunctionGateway.objects.get(pk=PK))

    def url(self, row: Any) -> str:
        return f"{FUNCTIONS}/{row.pk}/versions"


class _Versions(_OfGateway):
    __test__ = False

    def make(self, alice: User, bob: User, count: int) -> list[Any]:
        return []


# --- The list --------------------------------------------------------------------------------------


def test_an_empty_list_teaches_what_a_function_is(alice: User, bob: User, gateway: FunctionGateway) -> None:
    text = as_(alice).get(FUNCTIONS).content.decode()
    assert "No function yet" in text
    assert f'href="{FUNCTIONS}/new"' in text
    text = as_(bob).get(FUNCTIONS).content.decode()
    assert f'href="{FUNCTIONS}/new"' not in text
    assert "an API developer of this workspace" in text


def test_a_row_says_what_it_is_and_offers_what_one_may(
    alice: User, owner: Member, gateway: Any, tidewater: Tenant
) -> None:
    dev = some_function(owner, gateway, "dev/user/:id", methods=["GET"], description="A user by id", tags=["public"])
    prod = some_function(owner, gateway, "prod/user/:id")
    text = as_(alice).get(FUNCTIONS).content.decode()
    for said in ("user/:id", "A user by id", "public", "being published", 'data-method="GET"', "Functions <span"):
        assert said in text, said
    assert f'href="{FUNCTIONS}/dev/user/:id"' in text
    developer = make_member("devi", tidewater, Role.API_DEVELOPER).person
    text = as_(developer).get(FUNCTIONS).content.decode()
    assert f"{FUNCTIONS}/{dev.pk}/delete" in text
    assert f"{FUNCTIONS}/{prod.pk}/delete" not in text
    assert f"{FUNCTIONS}/{prod.pk}/versions" in text


def test_the_tab_says_how_many_and_whoever_reads_no_functions_has_none(
    alice: User, owner: Member, gateway: Any, tidewater: Tenant
) -> None:
    some_function(owner, gateway)
    tab = re.compile(rf'href="{FUNCTIONS}">Functions <span class="count">1</span>')
    assert tab.search(as_(alice).get(PAGE).content.decode())
    manager = make_member("manu", tidewater, Role.BUSINESS_MANAGER).person
    assert "/functions" not in as_(manager).get(PAGE).content.decode()
    assert as_(manager).get(FUNCTIONS).status_code == 403


def test_the_first_page_calls_what_is_the_easiest_to_call(
    alice: User, owner: Member, gateway: Any, tidewater: Tenant
) -> None:
    def command() -> str:
        found = re.search(r'<code id="try">(.*?)</code>', as_(alice).get(PAGE).content.decode())
        return found[1] if found else ""

    assert command() == ""
    assert "Call it" not in as_(alice).get(PAGE).content.decode()
    expected = (
        ("prod/first", ["GET"], r"curl -i http://\S+prod\S+/first"),
        ("dev/hooks", ["POST", "PUT"], r"curl -i -X POST http://\S+dev\S+/hooks"),
        ("dev/user/:id", [], r"curl -i http://\S+dev\S+/user/7"),
        ("dev/zones", ["GET", "POST"], r"curl -i http://\S+dev\S+/zones"),
        ("dev/index", [], r"curl -i http://[^/]+/"),
    )
    for name, methods, wanted in expected:
        some_function(owner, gateway, name, methods=methods)
        assert re.fullmatch(wanted, command()), (name, command())
    manager = make_member("manu", tidewater, Role.BUSINESS_MANAGER).person
    assert "curl" not in as_(manager).get(PAGE).content.decode()


# --- On the gateway's first page -------------------------------------------------------------------

CARD = re.compile(r'<section class="card" id="functions-by-stage".*?</section>', re.DOTALL)


def card(person: User) -> str:
    found = CARD.search(as_(person).get(PAGE).content.decode())
    return found[0] if found else ""


def row_of(text: str, name: str) -> str:
    (found,) = [row for row in re.findall(r"<tr>.*?</tr>", text, re.DOTALL) if f">{name}<" in row]
    return str(found)


def test_without_functions_the_card_offers_the_first_one_to_those_who_may_make_it(
    alice: User, bob: User, gateway: FunctionGateway
) -> None:
    assert "No function yet" in card(alice)
    assert f'href="{FUNCTIONS}/new"' in card(alice)
    assert "an API developer of this workspace" in card(bob)
    assert f'href="{FUNCTIONS}/new"' not in card(bob)
    FunctionGateway.objects.filter(pk=gateway.pk).update(state=State.DELETED)
    assert f'href="{FUNCTIONS}/new"' not in card(alice)


def test_the_card_says_of_each_function_how_it_stands_in_each_stage(
    alice: User, owner: Member, gateway: FunctionGateway
) -> None:
    dev = some_function(owner, gateway, "dev/user/:id", description="A user by id")
    some_function(owner, gateway, "prod/user/:id")
    some_function(owner, gateway, "staging/labels")
    Function.objects.filter(pk=dev.pk).update(publish_due_at=None, live_version=1)
    text = card(alice)
    for stage in ("dev", "staging", "prod"):
        assert f'href="{FUNCTIONS}?stage={stage}"' in text
    user = row_of(text, "user/:id")
    _, in_dev, in_staging, in_prod, _ = re.split(r"<td|</tr>", user)
    assert "A user by id" in user
    for said in (f'href="{FUNCTIONS}/dev/user/:id"', ">v1<", ">live<", "</time>, Alice"):
        assert said in in_dev, said
    assert "Not in this stage" in in_staging
    for said in (f'href="{FUNCTIONS}/prod/user/:id"', "being published"):
        assert said in in_prod, said
    # Where it isn't in dev, its name leads to the first stage that it's in
    assert f'<a class="mono wrap" href="{FUNCTIONS}/staging/labels">' in row_of(text, "labels")
    put_up(gateway, phase=Phase.STOPPED)
    assert "waits for the gateway" in card(alice)


def test_the_card_has_what_does_not_load_first_and_then_what_was_saved_last(
    alice: User, owner: Member, gateway: FunctionGateway
) -> None:
    def names() -> list[str]:
        return re.findall(r'<a class="mono wrap" href="[^"]*">(.*?)</a>', card(alice))

    first = some_function(owner, gateway, "dev/first")
    some_function(owner, gateway, "dev/second")
    deleted = some_function(owner, gateway, "dev/third")
    delete_function(actor=owner, function=deleted)
    assert names() == ["second", "first"]
    assert "Last saved first" in card(alice)
    error = {"message": "zones is not defined", "version": first.version}
    Function.objects.filter(pk=first.pk).update(publish_due_at=None, load_error=error)
    assert names() == ["first", "second"]
    assert "zones is not defined" in row_of(card(alice), "first")
    assert "Not live first" in card(alice)
    save_function(actor=owner, function=first, files=says("mended"), base_version=1)
    some_function(owner, gateway, "dev/fourth")
    assert names() == ["fourth", "first", "second"]
    assert "Last saved first" in card(alice)


def test_however_many_functions_there_are_the_card_asks_as_often_and_stays_short(
    alice: User, gateway: FunctionGateway
) -> None:
    console = as_(alice)

    def asked() -> int:
        with CaptureQueriesContext(connection) as queries:
            console.get(PAGE)
        return len(queries)

    function_row(gateway, "dev/number/0")
    console.get(PAGE)
    before = asked()
    for number in range(1, 12):
        function_row(gateway, f"dev/number/{number}")
        function_row(gateway, f"prod/number/{number}")
    assert asked() == before
    assert card(alice).count("<tr>") == 1 + 8


def test_a_save_brings_the_card_anew_to_those_who_look_on(alice: User, owner: Member, gateway: FunctionGateway) -> None:
    function = some_function(owner, gateway)

    def news(seen: str) -> str:
        return as_(alice).get(PAGE, {"seen": seen}, headers=ASKING).content.decode()

    seen = re.findall(r'"seen": "([^"]*)"', as_(alice).get(PAGE).content.decode())[-1]
    assert "<section" not in news(seen)
    save_function(actor=owner, function=function, files=says("more"), base_version=1)
    assert re.findall(r'<section class="card" id="([\w-]+)" hx-swap-oob', news(seen)) == ["functions-by-stage"]


def test_who_reads_no_functions_sees_no_card_of_them(
    alice: User, owner: Member, gateway: FunctionGateway, tidewater: Tenant
) -> None:
    some_function(owner, gateway)
    manager = make_member("manu", tidewater, Role.BUSINESS_MANAGER).person
    assert card(alice)
    text = as_(manager).get(PAGE).content.decode()
    for hidden in ("functions-by-stage", "warned", "curl"):
        assert hidden not in text
    assert "Runtime" in text


def test_the_head_is_asked_for_by_itself(alice: User, gateway: Any) -> None:
    answer = as_(alice).get(FUNCTIONS, {"seen": ""}, headers=ASKING)
    assert "hx-swap-oob" in answer.content.decode()
    assert "<table" not in answer.content.decode()


# --- A new one -------------------------------------------------------------------------------------


def test_each_template_makes_one_and_the_editor_comes_next(alice: User, gateway: Any) -> None:
    text = as_(alice).get(f"{FUNCTIONS}/new", headers=IN_SHEET).content.decode()
    assert "<html" not in text
    for template in TEMPLATES.values():
        assert str(template.title) in text
        wanted = {"name": "", "stage": "dev", "template": template.slug, "description": "Mine"}
        answer = as_(alice).post(f"{FUNCTIONS}/new", wanted, headers=IN_SHEET)
        assert answer["HX-Redirect"] == f"{FUNCTIONS}/dev/{template.name}"
        row = Function.objects.get(base_name=template.name)
        assert (row.description, row.head.files) == ("Mine", dict(template.files))


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"name": "user//me"}, "nor two in a row"),
        ({"name": "_imp/x"}, "kept for the platform"),
        ({"name": "taken"}, "has a function taken already"),
        ({"name": "prod/x"}, "Leave the stage out of the name"),
        ({"template": "none"}, "Select a valid choice"),
        ({"stage": "test"}, "Select a valid choice"),
    ],
)
def test_what_is_wrong_is_said_and_everything_is_kept(
    alice: User, owner: Member, gateway: Any, changed: dict[str, str], says: str
) -> None:
    some_function(owner, gateway, "taken")
    wanted = {"name": "user/me", "stage": "dev", "template": "documents", "description": "Kept", **changed}
    answer = as_(alice).post(f"{FUNCTIONS}/new", wanted)
    text = answer.content.decode()
    assert answer.status_code == 422
    assert says in text
    assert 'value="Kept"' in text
    assert "template" in changed or re.search(r'value="documents" checked', text)
    assert Function.objects.count() == 1


def test_only_the_stages_that_one_writes_in_are_offered(gateway: Any, tidewater: Tenant, bob: User) -> None:
    for role, stages in ((Role.API_DEVELOPER, ["dev"]), (Role.QA, ["staging"])):
        person = make_member(f"some-{role}", tidewater, role).person
        text = as_(person).get(f"{FUNCTIONS}/new").content.decode()
        assert re.findall(r'<option value="(\w+)"', text) == stages
    answer = as_(bob).get(f"{FUNCTIONS}/new")
    assert answer.status_code == 403
    assert "api-developer" in answer.content.decode()


# --- Changes ---------------------------------------------------------------------------------------


def test_settings_are_changed_and_two_windows_do_not_overwrite_each_other(
    alice: User, owner: Member, gateway: Any
) -> None:
    row = some_function(owner, gateway, "dev/x", methods=["GET"], tags=["a"])
    url = f"{FUNCTIONS}/{row.pk}/settings"
    text = as_(alice).get(url, headers=IN_SHEET).content.decode()
    assert re.search(r'value="GET"[^>]*checked', text)
    wanted = {"base_version": 1, "description": "New", "methods": ["GET", "POST"], "timeout_ms": 500, "tags": "a, b"}
    assert as_(alice).post(url, wanted, headers=IN_SHEET).status_code == 204
    row = Function.objects.get()
    assert (row.version, row.description, row.methods, row.timeout_ms, row.tags) == (
        2, "New", ["GET", "POST"], 500, ["a", "b"],
    )  # fmt: skip
    stale = as_(alice).post(url, {**wanted, "description": "Older"}, headers=IN_SHEET)
    assert stale.status_code == 409
    assert "Alice saved version 2 since." in stale.content.decode()
    wrong = as_(alice).post(url, {**wanted, "base_version": 2, "timeout_ms": 1, "methods": ["FETCH"]})
    assert wrong.status_code == 422
    assert Function.objects.get().version == 2


def test_it_is_renamed_copied_and_deleted_in_dialogs(alice: User, owner: Member, gateway: Any) -> None:
    row = some_function(owner, gateway, "dev/x")
    url = f"{FUNCTIONS}/{row.pk}"
    assert 'value="x"' in as_(alice).get(f"{url}/rename", headers=IN_DIALOG).content.decode()
    assert as_(alice).post(f"{url}/rename", {"name": "y"}, headers=IN_DIALOG).status_code == 204
    copied = as_(alice).post(f"{url}/copy", {"name": "y", "stage": "prod"}, headers=IN_DIALOG)
    assert copied.status_code == 204
    assert sorted(map(str, Function.objects.all())) == ["dev/y", "prod/y"]
    taken = as_(alice).post(f"{url}/copy", {"name": "y", "stage": "prod"}, headers=IN_DIALOG)
    assert (taken.status_code, "has a function y already" in taken.content.decode()) == (422, True)
    asked = as_(alice).get(f"{url}/delete", headers=IN_DIALOG).content.decode()
    for said in ("Delete dev/y?", ".dev.localhost/y", "prod/y", "The recycle bin"):
        assert said in asked, said
    assert as_(alice).post(f"{url}/delete", headers=IN_DIALOG).status_code == 204
    assert Function.objects.get(pk=row.pk).deleted_at
    assert as_(alice).get(f"{url}/delete").status_code == 404


def test_it_comes_back_from_the_bin_also_under_another_name(
    alice: User, bob: User, owner: Member, gateway: Any
) -> None:
    row = some_function(owner, gateway, "dev/x", deleted=True)
    some_function(owner, gateway, "dev/x")
    url = f"{BIN}/{row.pk}/restore"
    assert url in as_(alice).get(BIN).content.decode()
    assert re.search(r"gone for good on \d{1,2} [A-Z][a-z]{2} \d{4}\.", as_(alice).get(url).content.decode())
    assert url not in as_(bob).get(BIN).content.decode()
    assert as_(bob).get(url).status_code == 403
    refused = as_(alice).post(url, {"name": "x"}, headers=IN_DIALOG)
    assert (refused.status_code, "another name" in refused.content.decode()) == (422, True)
    assert as_(alice).post(url, {"name": "z"}, headers=IN_DIALOG).status_code == 204
    assert Function.objects.get(pk=row.pk).name == "dev/z"
    assert as_(alice).get(url).status_code == 404


def test_versions_are_gone_back_to_with_the_difference_before_ones_eyes(
    alice: User, bob: User, owner: Member, gateway: Any
) -> None:
    row = some_function(owner, gateway, "dev/x")
    save_function(actor=owner, function=row, files=says("newer"), note="Say newer", base_version=1)
    url = f"{FUNCTIONS}/{row.pk}/versions"
    text = as_(alice).get(url).content.decode()
    assert "Say newer" in text
    assert f"{url}/1/restore" in text
    assert f"{url}/2/restore" not in text
    assert f"{url}/1/restore" not in as_(bob).get(url).content.decode()
    asked = as_(alice).get(f"{url}/1/restore", headers=IN_SHEET).content.decode()
    assert "<del>newer</del>" in asked
    assert as_(alice).post(f"{url}/1/restore", headers=IN_SHEET).status_code == 204
    row = Function.objects.get()
    assert (row.version, row.head.files) == (3, FILES)
    for is_pinned in (True, False):
        assert as_(alice).post(f"{url}/1/pin", headers=IN_DIALOG).status_code == 204
        assert row.versions.get(number=1).is_pinned is is_pinned
    assert as_(alice).get(f"{url}/99/pin").status_code == 404
    assert as_(alice).get(f"{url}/99999999999/pin").status_code == 404


def test_nothing_is_offered_in_a_gateway_that_is_being_deleted(alice: User, owner: Member, gateway: Any) -> None:
    row = some_function(owner, gateway, "dev/x", deleted=True)
    FunctionGateway.objects.update(state=State.DELETED)
    assert f'href="{FUNCTIONS}/new"' not in as_(alice).get(FUNCTIONS).content.decode()
    assert f"{row.pk}/restore" not in as_(alice).get(BIN).content.decode()
    answer = as_(alice).post(f"{FUNCTIONS}/new", {"name": "y", "stage": "dev", "template": "hello"})
    assert (answer.status_code, "is being deleted" in answer.content.decode()) == (409, True)


def test_the_function_of_another_gateway_is_not_here(
    alice: User, owner: Member, gateway: Any, tidewater: Tenant
) -> None:
    row = some_function(owner, some_gateway(tidewater, alice))
    for below in ("settings", "rename", "copy", "delete", "versions", "versions/1/restore"):
        assert as_(alice).get(f"{FUNCTIONS}/{row.pk}/{below}").status_code == 404, below
