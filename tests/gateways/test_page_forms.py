"""The forms of gateways as a client fills them in: making one, changing it, its variables; its timeline, finding it."""

import re

import pytest

from apps.accounts.models import User
from apps.core import clock
from apps.fleet.models import Cluster
from apps.gateways.models import FunctionGateway, Stage, Variable
from apps.gateways.services.variables import Setting, set_variables
from apps.tenants.models import Tenant
from apps.tenants.roles import Role
from tests.contracts.lists import PARTIAL
from tests.gateways.contract import some_cluster, some_gateway
from tests.gateways.pages import BELOW, GATEWAYS, IN_ROWS, IN_SHEET, put_up
from tests.people import make_person
from tests.tenants.pages import IN_DIALOG, as_
from tests.tenants.world import join, member

pytestmark = pytest.mark.django_db


@pytest.fixture
def gateway(tidewater: Tenant, alice: User) -> FunctionGateway:
    return put_up(some_gateway(tidewater, alice))


@pytest.fixture
def page(gateway: FunctionGateway) -> str:
    return f"{GATEWAYS}/{gateway.pk}"


# --- Making one ------------------------------------------------------------------------------------


def wanted(cluster: Cluster, **changed: object) -> dict[str, object]:
    fields = {"title": "Parcel returns", "name": "parcel-returns", "size": "standard", "layout": "shared"}
    return {**fields, "cluster": cluster.pk, **changed}


def test_one_is_made_with_variables_and_its_page_comes_next(alice: User, tidewater: Tenant) -> None:
    rows = {"variable": ["COUNTRY", "CARRIER_TOKEN", ""], "value": ["KR", "not-a-real-one", ""], "secret": ["1"]}
    answer = as_(alice).post(f"{GATEWAYS}/new", {**wanted(some_cluster()), **rows})
    made = FunctionGateway.objects.get()
    assert (answer.status_code, answer["Location"]) == (302, f"{GATEWAYS}/{made.pk}")
    assert (made.title, made.name, made.size, made.layout, made.owner) == (
        "Parcel returns", "parcel-returns", "standard", "shared", alice,
    )  # fmt: skip
    assert list(made.variables.order_by("name").values_list("name", "is_secret", "value")) == [
        ("CARRIER_TOKEN", True, ""),
        ("COUNTRY", False, "KR"),
    ]
    assert "not-a-real-one" not in as_(alice).get(f"{GATEWAYS}/{made.pk}/environment").content.decode()


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"name": "Parcel"}, "Use small letters"),
        ({"name": "taken"}, "has a gateway named taken already"),
        ({"name": "admin"}, "is kept for the platform"),
        ({"cluster": "clu_none"}, "Choose one of the clusters."),
        ({"size": "vast"}, "vast"),
        ({"variable": ["1ST"], "value": ["x"]}, "begin with no digit"),
    ],
)
def test_what_is_wrong_is_said_and_everything_is_kept(
    alice: User, tidewater: Tenant, changed: dict[str, object], says: str
) -> None:
    cluster = some_cluster()
    FunctionGateway.objects.create(tenant=tidewater, cluster=cluster, name="taken", title="Taken")
    rows = {"variable": ["COUNTRY"], "value": ["South Korea"], "env": "kept"}
    answer = as_(alice).post(f"{GATEWAYS}/new", {**wanted(cluster), **rows, **changed})
    text = answer.content.decode()
    assert answer.status_code == 422
    assert says in text
    assert 'value="Parcel returns"' in text
    assert "variable" in changed or 'value="South Korea"' in text
    assert FunctionGateway.objects.count() == 1


def test_a_cluster_in_maintenance_says_why_and_can_not_be_chosen(alice: User, tidewater: Tenant) -> None:
    cluster = some_cluster()
    Cluster.objects.filter(pk=cluster.pk).update(maintenance_at=clock.now(), maintenance_because="New disks.")
    text = as_(alice).get(f"{GATEWAYS}/new").content.decode()
    assert "In maintenance, takes nothing new. New disks." in text
    assert re.search(rf'value="{cluster.pk}" disabled', text)
    assert as_(alice).post(f"{GATEWAYS}/new", wanted(cluster)).status_code in (409, 422)
    assert not FunctionGateway.objects.exists()


def test_the_preview_says_whether_the_name_is_free_and_where_it_will_answer(
    alice: User, hanbit: Tenant, tidewater: Tenant
) -> None:
    cluster = some_cluster()
    FunctionGateway.objects.create(tenant=hanbit, cluster=cluster, name="taken", title="Taken")
    url = f"{GATEWAYS}/new/preview"
    free = as_(alice).post(url, wanted(cluster)).content.decode()
    for told in ("Free", "parcel-returns.staging.localhost", "1, each with 2 vCPU and 1 GiB", 'hx-swap-oob="true"'):
        assert told in free, told
    assert "has a gateway of this name already" in as_(alice).post(url, wanted(cluster, name="taken")).content.decode()
    assert "small letters" in as_(alice).post(url, wanted(cluster, name="Taken!")).content.decode()
    assert FunctionGateway.objects.count() == 1


def test_who_may_not_make_one_sees_no_form_and_no_preview(bob: User, tidewater: Tenant) -> None:
    cluster = some_cluster()
    assert as_(bob).get(f"{GATEWAYS}/new").status_code == 403
    for url in (f"{GATEWAYS}/new", f"{GATEWAYS}/new/preview"):
        assert as_(bob).post(url, wanted(cluster)).status_code == 403
    assert as_(bob).post(f"{GATEWAYS}/new", {**wanted(cluster), "add": "1"}).status_code == 403
    assert not FunctionGateway.objects.exists()


def test_rows_are_added_pasted_and_removed_with_and_without_script(alice: User, tidewater: Tenant) -> None:
    cluster, url = some_cluster(), f"{GATEWAYS}/new"
    typed = {**wanted(cluster), "variable": ["COUNTRY"], "value": ["KR"]}
    added = as_(alice).post(url, {**typed, "add": "1"}, headers=IN_ROWS).content.decode()
    assert added.count('name="variable"') == 2
    assert "<html" not in added
    text = "COUNTRY=DE\nexport API_TOKEN='x y'\nnonsense"
    pasted = as_(alice).post(url, {**typed, "paste": "1", "env": text}).content.decode()
    assert "<html" in pasted
    assert 'value="Parcel returns"' in pasted
    assert ('value="DE"' in pasted, 'value="KR"' in pasted) == (True, False)
    assert re.search(r'type="password" value="x y"', pasted)
    assert "Line 3" in pasted
    removed = as_(alice).post(url, {**typed, "remove": "0"}, headers=IN_ROWS).content.decode()
    assert 'name="variable"' not in removed
    assert not FunctionGateway.objects.exists()


# --- Changing one ----------------------------------------------------------------------------------


def test_a_bundle_shows_before_and_after_and_is_changed(alice: User, gateway: FunctionGateway, page: str) -> None:
    url = f"{page}/settings/bundle"
    shown = as_(alice).get(url, {"size": "large", "layout": "shared"}).content.decode()
    assert re.search(r"<td>256 MiB</td><td><b>4 GiB</b>", shown)
    body = {"size": "large", "layout": "shared", "version": gateway.version}
    assert as_(alice).post(url, body, headers=IN_SHEET).status_code == 204
    stale = as_(alice).post(url, body, headers=IN_SHEET)
    assert stale.status_code == 412
    gateway.refresh_from_db()
    assert (gateway.size, gateway.layout, gateway.generation) == ("large", "shared", 2)


def test_a_title_is_changed_and_an_empty_one_is_not(alice: User, gateway: FunctionGateway, page: str) -> None:
    url, body = f"{page}/settings/rename", {"version": gateway.version}
    assert as_(alice).post(url, {**body, "title": " "}).status_code == 422
    assert as_(alice).post(url, {**body, "title": "Parcels"}).status_code == 302
    gateway.refresh_from_db()
    assert gateway.title == "Parcels"


def test_it_is_given_to_somebody_whose_role_may_own_it(
    alice: User, bob: User, tidewater: Tenant, gateway: FunctionGateway, page: str
) -> None:
    heir = make_person("haneul")
    join(heir, tidewater, Role.GATEWAY_OWNER)
    url = f"{page}/settings/transfer"
    offered = as_(alice).get(url).content.decode()
    assert (heir.pk in offered, bob.pk in offered) == (True, False)
    assert as_(alice).post(url, {"owner": bob.pk}).status_code == 422
    assert as_(alice).post(url, {"owner": heir.pk}).status_code == 302
    gateway.refresh_from_db()
    assert gateway.owner == heir


def test_a_stage_is_switched_off_with_a_reason_and_on_again(alice: User, gateway: FunctionGateway, page: str) -> None:
    off, on = f"{page}/stages/dev/off", f"{page}/stages/dev/on"
    assert as_(alice).post(off, {"reason": " "}, headers=IN_DIALOG).status_code == 422
    assert as_(alice).post(off, {"reason": "We move house."}, headers=IN_DIALOG).status_code == 204
    stage = Stage.objects.get(gateway=gateway, name="dev")
    assert (stage.state, stage.inactive_because) == (Stage.State.INACTIVE, "We move house.")
    assert "We move house." in as_(alice).get(f"{page}/settings").content.decode()
    assert as_(alice).get(off).status_code == 409
    assert as_(alice).post(on, headers=IN_DIALOG).status_code == 204
    assert Stage.objects.get(gateway=gateway, name="dev").state == Stage.State.ACTIVE
    assert as_(alice).get(f"{page}/stages/canary/off").status_code == 404


# --- Variables and secrets -------------------------------------------------------------------------


def test_a_secret_goes_in_and_is_never_shown_again(alice: User, gateway: FunctionGateway, page: str) -> None:
    url, body = f"{page}/environment/set", {"variable": "TOKEN", "value": "not-a-real-one", "secret": "0"}
    answer = as_(alice).post(url, body, headers=IN_SHEET)
    assert (answer.status_code, "No call is dropped." in answer["HX-Trigger"]) == (204, True)
    row = Variable.objects.get()
    assert (row.is_secret, row.value) == (True, "")
    for tail in (*BELOW, "/environment/set", f"/environment/{row.pk}/replace", f"/environment/{row.pk}/remove"):
        assert "not-a-real-one" not in as_(alice).get(page + tail).content.decode(), tail
    replace = f"{page}/environment/{row.pk}/replace"
    assert as_(alice).post(replace, {"value": "another-one"}, headers=IN_DIALOG).status_code == 204
    row.refresh_from_db()
    assert row.secret.reveal() == "another-one"
    gateway.refresh_from_db()
    assert gateway.generation == 3


def test_a_variable_is_removed_and_one_of_another_gateway_is_not_there(
    alice: User, tidewater: Tenant, gateway: FunctionGateway, page: str
) -> None:
    other = put_up(some_gateway(tidewater, alice))
    actor = member(alice, tidewater)
    for each in (gateway, other):
        set_variables(actor=actor, gateway=each, settings=[Setting("COUNTRY", "KR")])
    own, elsewhere = gateway.variables.get(), other.variables.get()
    for way in ("replace", "remove"):
        assert as_(alice).post(f"{page}/environment/{elsewhere.pk}/{way}", {"value": "x"}).status_code == 404
    assert (
        "Those that read it find nothing there."
        in as_(alice).get(f"{page}/environment/{own.pk}/remove").content.decode()
    )
    assert as_(alice).post(f"{page}/environment/{own.pk}/remove").status_code == 302
    assert list(Variable.objects.all()) == [elsewhere]


def test_setting_nothing_says_so_and_a_wrong_row_keeps_the_right_ones(
    alice: User, gateway: FunctionGateway, page: str
) -> None:
    url = f"{page}/environment/set"
    assert "Write at least one variable" in as_(alice).post(url, {}).content.decode()
    body = {"variable": ["GOOD", "IMP_BAD"], "value": ["kept", "x"]}
    answer = as_(alice).post(url, body, headers=IN_SHEET)
    text = answer.content.decode()
    assert answer.status_code == 422
    assert "Names that begin with IMP_" in text
    assert 'value="kept"' in text
    assert not Variable.objects.exists()


# --- The timeline, and finding things --------------------------------------------------------------


def test_the_timeline_has_each_line_and_is_filtered(alice: User, gateway: FunctionGateway, page: str) -> None:
    as_(alice).post(f"{page}/stop")
    everything = as_(alice).get(f"{page}/history").content.decode()
    assert "Wanted stopped." in everything
    assert "Wanted stopped." in as_(alice).get(f"{page}/history", {"kind": "wishes"}).content.decode()
    assert "Nothing matches" in as_(alice).get(f"{page}/history", {"kind": "trouble"}).content.decode()
    part = as_(alice).get(f"{page}/history", headers=PARTIAL).content.decode()
    assert "<html" not in part
    assert "Wanted stopped." in part
    lines = b"".join(as_(alice).get(f"{page}/history", {"format": "csv"}).streaming_content).decode()  # type: ignore[attr-defined]
    assert "Wanted stopped." in lines


def test_the_palette_finds_them_and_offers_to_make_one(
    alice: User, bob: User, charlie: User, hanbit: Tenant, gateway: FunctionGateway, page: str
) -> None:
    for person in (alice, bob):
        assert page in as_(person).get("/t/tidewater/search", {"q": gateway.title[:6]}).content.decode()
    assert page not in as_(charlie).get("/t/hanbit/search", {"q": gateway.title[:6]}).content.decode()
    assert f"{GATEWAYS}/new" in as_(alice).get("/t/tidewater/search", {"q": "create"}).content.decode()
    assert f"{GATEWAYS}/new" not in as_(bob).get("/t/tidewater/search", {"q": "create"}).content.decode()


def test_the_first_step_is_a_gateway_for_those_who_may_make_one(alice: User, bob: User, tidewater: Tenant) -> None:
    assert f'href="{GATEWAYS}/new"' in as_(alice).get("/t/tidewater/").content.decode()
    assert f'href="{GATEWAYS}/new"' not in as_(bob).get("/t/tidewater/").content.decode()
