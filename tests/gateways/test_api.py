"""`/v1/api-gateways`: what its contract promises, and what is special about gateways."""

from typing import Any

import pytest

from apps.accounts.models import User
from apps.core.lifecycle.models import LifecycleEvent
from apps.fleet.models import Cluster
from apps.gateways.lifecycle.table import Phase, State
from apps.gateways.models import FunctionGateway, Variable
from apps.tenants.models import Tenant
from apps.tenants.roles import Role
from tests.access.tokens import TokenApi, make_token
from tests.contracts.api import ApiContract, assert_problem
from tests.gateways.contract import some_cluster, some_gateway
from tests.gateways.world import ObedientCluster, converge
from tests.people import Api
from tests.tenants.world import make_member, make_tenant

pytestmark = pytest.mark.django_db
URL = "/v1/api-gateways"
PIN = "s3cr3t-pin-of-the-carrier"


@pytest.fixture(autouse=True)
def local(tidewater: Tenant, hanbit: Tenant) -> Cluster:
    """Alice and Bob are in Tidewater, Charlie in Hanbit; each in one, so that nobody has to say which."""
    return some_cluster()


class TestGatewaysApi(ApiContract):
    url = URL
    model = FunctionGateway
    narrowing = {"state": "stopped"}
    creating = {"name": "labels", "cluster": "local", "variables": [{"name": "ZONE", "value": "KR"}]}
    changing = {"title": "Labels and stamps", "size": "large"}
    refused_bodies = [
        ({"size": "huge"}, "/size"),
        ({"title": "x" * 81}, "/title"),
        ({"layout": 1}, "/layout"),
    ]
    verbs = ("start", "stop", "restart")

    def make(self, alice: User, bob: User, count: int = 1) -> list[FunctionGateway]:
        tenant = Tenant.objects.get(slug="tidewater")
        states = (State.RUNNING, State.STOPPED)
        return [some_gateway(tenant, alice, state=states[number % 2]) for number in range(count)]

    def test_a_delete_deletes(self, alice: User, bob: User) -> None:
        """In the end: what it answers is that this is wanted."""
        row = self.one(alice, bob)
        response = Api(alice).delete(f"{URL}/{row.pk}", if_match=self._etag(alice, row))
        assert (response.status_code, response.content) == (204, b"")
        assert Api(alice).get(f"{URL}/{row.pk}").json()["state"] == "deleted"
        FunctionGateway.objects.filter(pk=row.pk).update(phase=Phase.DELETED)
        assert_problem(Api(alice).get(f"{URL}/{row.pk}"), "not-found")
        assert Api(alice).get(URL).json()["items"] == []


def made(tenant: Tenant, owner: User, **values: Any) -> FunctionGateway:
    return some_gateway(tenant, owner, **values)


# --- What is shown ---------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_it_shows_its_stages_where_they_answer_and_what_the_cluster_says(alice: User, local: Cluster) -> None:
    Cluster.objects.update(facts={"gateway_port": "8100"})
    answer = Api(alice).post(URL, {"name": "labels", "cluster": local.pk})
    assert answer.status_code == 201, answer.content
    gateway = answer.json()
    assert (gateway["phase"], gateway["stages"]) == ("creating", [])
    assert {each["phase"] for each in gateway["conditions"]} == {"absent"}
    converge(ObedientCluster())
    gateway = Api(alice).get(answer["Location"]).json()
    assert (gateway["phase"], gateway["waits_for"], gateway["next_try_at"]) == ("started", "", None)
    assert [each["name"] for each in gateway["stages"]] == ["dev", "staging", "prod"]
    assert gateway["stages"][0]["addresses"] == ["http://labels.dev.localhost:8100/"]
    told = [(each["part"], each["phase"], each["is_current"]) for each in gateway["conditions"]]
    assert told == [(part, "ready", True) for part in ("namespace", "configuration", "runtime", "routes")]


def test_it_says_what_it_waits_for_in_the_readers_language(alice: User, tidewater: Tenant) -> None:
    because = {"because": "Waits for %(cluster)s to get it ready.", "because_of": {"cluster": "seoul-a"}}
    gateway = made(tidewater, alice, attempts=3, **because)
    shown = Api(alice).get(f"{URL}/{gateway.pk}").json()
    assert (shown["waits_for"], shown["attempts"]) == ("Waits for seoul-a to get it ready.", 3)
    assert shown["next_try_at"]


def test_its_etag_tells_that_it_moved_and_a_change_asks_for_the_version_alone(alice: User, tidewater: Tenant) -> None:
    gateway = made(tidewater, alice)
    path = f"{URL}/{gateway.pk}"
    etag = Api(alice).get(path)["ETag"]
    assert Api(alice).get(path, if_none_match=etag).status_code == 304
    FunctionGateway.objects.filter(pk=gateway.pk).update(phase=Phase.STARTING)
    moved = Api(alice).get(path, if_none_match=etag)
    assert (moved.status_code, moved.json()["phase"]) == (200, "starting")
    assert Api(alice).patch(path, {"title": "A"}, if_match=etag).status_code == 200
    assert_problem(Api(alice).patch(path, {"title": "B"}, if_match=etag), "stale-version")


def test_found_by_what_people_know(alice: User, tidewater: Tenant) -> None:
    other = Cluster.objects.create(name="seoul-a", region="ap-northeast-2")
    one = made(tidewater, alice, phase=Phase.STARTED)
    FunctionGateway.objects.filter(pk=one.pk).update(title="Parcel labels", cluster=other)
    made(tidewater, make_member("grace", tidewater, Role.GATEWAY_OWNER).person)
    for query in ({"q": "label"}, {"q": one.name}, {"phase": "started"}, {"cluster": other.pk}, {"owner": alice.pk}):
        items = Api(alice).get(URL, query).json()["items"]
        assert [item["id"] for item in items] == [one.pk], query
    assert_problem(Api(alice).get(URL, {"owner": "usr_nobody"}), "invalid-input")


def test_nobody_of_another_workspace_is_a_filter(alice: User, charlie: User) -> None:
    document = assert_problem(Api(alice).get(URL, {"owner": charlie.pk}), "invalid-input")
    assert document["errors"][0]["path"] == "?owner"


# --- What is refused -------------------------------------------------------------------------------


def test_each_refusal_of_a_create_has_its_type(alice: User, hanbit: Tenant, local: Cluster) -> None:
    some_gateway(hanbit)
    taken = FunctionGateway.objects.get().name
    body = {"name": "labels", "cluster": "local"}
    for change, slug, path in (
        ({"name": taken}, "name-taken", "/name"),
        ({"name": "WWW"}, "invalid-input", "/name"),
        ({"cluster": "nowhere"}, "invalid-input", "/cluster"),
        ({"owner": "usr_nobody"}, "invalid-input", "/owner"),
        ({"variables": [{"name": "IMP_X", "value": "1"}]}, "invalid-input", "/variables/0/name"),
    ):
        document = assert_problem(Api(alice).post(URL, {**body, **change}), slug)
        assert document["errors"][0]["path"] == path
    Cluster.objects.update(maintenance_at="2026-11-21T09:00:00Z")
    assert_problem(Api(alice).post(URL, body), "cluster-in-maintenance")
    assert FunctionGateway.objects.count() == 1


def test_a_viewer_learns_which_roles_may(bob: User, alice: User, tidewater: Tenant) -> None:
    gateway = made(tidewater, alice)
    assert assert_problem(Api(bob).post(URL, {"name": "x", "cluster": "local"}), "not-allowed")["roles"] == [
        "owner",
        "admin",
        "gateway-owner",
    ]
    assert assert_problem(Api(bob).post(f"{URL}/{gateway.pk}/stop"), "not-allowed")["roles"] == ["owner", "admin"]


def test_a_customer_has_no_gateways(charlie: User) -> None:
    customer = make_tenant("Greenmarket", "customer")
    somebody = make_member("zoe", customer, Role.OWNER)
    assert_problem(Api(somebody.person).get(URL), "not-allowed")


def test_a_token_needs_the_scope_of_gateways(alice: User, tidewater: Tenant) -> None:
    gateway = made(tidewater, alice)
    reading, other = make_token(alice, "gateways:read"), make_token(alice, "functions:write")
    assert TokenApi(reading.secret.reveal()).get(URL).status_code == 200
    problem = assert_problem(TokenApi(reading.secret.reveal()).post(f"{URL}/{gateway.pk}/stop"), "token-too-narrow")
    assert problem["scope"] == "gateways:write"
    assert_problem(TokenApi(other.secret.reveal()).get(URL), "token-too-narrow")


def test_what_is_being_deleted_says_so(alice: User, tidewater: Tenant) -> None:
    gateway = made(tidewater, alice, state=State.DELETED)
    assert_problem(Api(alice).post(f"{URL}/{gateway.pk}/start"), "being-deleted")


# --- Owner, stages, variables ----------------------------------------------------------------------


def test_a_change_gives_it_away_too(alice: User, tidewater: Tenant) -> None:
    gateway = made(tidewater, alice)
    grace = make_member("grace", tidewater, Role.GATEWAY_OWNER)
    answer = Api(alice).patch(f"{URL}/{gateway.pk}", {"owner": grace.pk, "title": "Hers"}, if_match="*")
    assert answer.json().items() >= {"owner": grace.pk, "title": "Hers"}.items()


def test_a_stage_is_switched_off_by_its_name(alice: User, tidewater: Tenant) -> None:
    gateway = made(tidewater, alice)
    path = f"{URL}/{gateway.pk}/stages/staging"
    assert_problem(Api(alice).patch(path, {"state": "inactive", "reason": "x"}), "version-required")
    body = {"state": "inactive", "reason": "Load test until noon."}
    stages = Api(alice).patch(path, body, if_match='"1"').json()["stages"]
    assert [(each["state"], each["inactive_because"]) for each in stages] == [
        ("active", ""),
        ("inactive", "Load test until noon."),
        ("active", ""),
    ]
    assert_problem(Api(alice).patch(path, {"state": "active"}, if_match='"1"'), "stale-version")
    assert_problem(Api(alice).patch(f"{URL}/{gateway.pk}/stages/qa", body, if_match="*"), "invalid-input")


def test_variables_are_replaced_changed_and_pasted_and_secrets_never_shown(alice: User, tidewater: Tenant) -> None:
    gateway = made(tidewater, alice)
    path = f"{URL}/{gateway.pk}/variables"
    assert Api(alice).get(path).json() == {"items": []}
    secret = {"name": "PIN", "value": PIN, "is_secret": True}
    answer = Api(alice).client.put(
        path,
        {"variables": [{"name": "ZONE", "value": " KR "}, secret]},
        content_type="application/json",
        headers={"If-Match": '"1"'},
    )
    assert answer.status_code == 200, answer.content
    assert [(each["name"], each["value"]) for each in answer.json()["items"]] == [("PIN", None), ("ZONE", " KR ")]
    body = {"env": f"TOKEN='{PIN}'\nZONE=JP # moved", "remove": ["PIN"]}
    changed = Api(alice).patch(path, body, if_match=answer["ETag"])
    assert [(each["name"], each["is_secret"]) for each in changed.json()["items"]] == [("TOKEN", True), ("ZONE", True)]
    assert Variable.objects.get(name="TOKEN").secret.reveal() == PIN
    assert Api(alice).get(path).json() == changed.json()
    assert_problem(Api(alice).patch(path, {"remove": ["ZONE"]}, if_match=answer["ETag"]), "stale-version")
    document = assert_problem(Api(alice).patch(path, {"env": f"A=1\nB {PIN}"}, if_match="*"), "invalid-input")
    assert [(each["path"], each["message"][:6]) for each in document["errors"]] == [("/env", "Line 2")]
    everything = [answer, changed, Api(alice).get(f"{URL}/{gateway.pk}"), Api(alice).get(URL)]
    assert not [each for each in everything if PIN in each.content.decode()]


def test_a_viewer_sees_variables_and_sets_none(alice: User, bob: User, tidewater: Tenant) -> None:
    gateway = made(tidewater, alice)
    path = f"{URL}/{gateway.pk}/variables"
    assert Api(bob).get(path).status_code == 200
    assert_problem(Api(bob).patch(path, {"remove": ["A"]}, if_match="*"), "not-allowed")


# --- The timeline ----------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_the_timeline_is_walked_from_the_newest_line(alice: User, bob: User, charlie: User) -> None:
    where = Api(alice).post(URL, {"name": "labels", "cluster": "local"})["Location"]
    converge(ObedientCluster())
    lines, cursor = [], ""
    while cursor is not None:
        page = Api(bob).get(f"{where}/timeline", {"limit": 4, **({"cursor": cursor} if cursor else {})}).json()
        lines += page["items"]
        cursor = page["next_cursor"]
    assert len(lines) == LifecycleEvent.objects.count()
    assert lines[-1].items() >= {"kind": "wished", "actor": "Alice", "text": "Wanted created and running."}.items()
    assert {line["of"] for line in lines} == {"gateway", "domain"}
    assert all(line["text"] for line in lines)
    assert_problem(Api(charlie).get(f"{where}/timeline"), "not-found")
