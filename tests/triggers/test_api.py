"""`/v1/api-gateways/{id}/triggers`: what its contract promises, and what is special about triggers."""

from typing import Any

import pytest

from apps.accounts.models import User
from apps.gateways.models import FunctionGateway
from apps.tenants.models import Tenant
from apps.triggers.models import Trigger, TriggerRun
from tests.access.tokens import TokenApi, make_token
from tests.contracts.api import ApiContract, ReadContract, assert_problem
from tests.people import Api
from tests.triggers.test_due import stopped
from tests.triggers.world import answers_at, make_function, make_run, make_serving, make_trigger

pytestmark = pytest.mark.django_db
GATEWAY = "gw_01k9z3v8q4m7x2c5b1n6t0r3fd"
TRIGGER = "trg_01k9z3v8q4m7x2c5b1n6t0r3fd"
URL = f"/v1/api-gateways/{GATEWAY}/triggers"


@pytest.fixture(autouse=True)
def gateway(alice: User, tidewater: Tenant, hanbit: Tenant) -> FunctionGateway:
    """Alice and Bob are in Tidewater, Charlie in Hanbit; each in one, so that nobody has to say which."""
    gateway = make_serving(tidewater, pk=GATEWAY)
    answers_at(gateway, 9)
    for stage in ("dev", "prod"):
        make_function(gateway, stage=stage)
    return gateway


def the_gateway() -> FunctionGateway:
    return FunctionGateway.objects.select_related("tenant").get(pk=GATEWAY)


class TestTriggersApi(ApiContract):
    url = URL
    model = Trigger
    narrowing = {"stage": "prod"}
    creating = {"function": "dev/sweep", "expression": "*/5 * * * *", "zone": "Asia/Seoul", "payload": {"days": 3}}
    changing = {"expression": "0 9 * * mon-fri", "note": "On weekdays"}
    refused_bodies = [
        ({"expression": "61 * * * *"}, "/expression"),
        ({"zone": "Mars/Olympus"}, "/zone"),
        ({"overlap": "never"}, "/overlap"),
        ({"note": 1}, "/note"),
    ]
    verbs = ("pause", "resume")

    def make(self, alice: User, bob: User, count: int = 1) -> list[Trigger]:
        stages = ("dev", "prod")
        return [make_trigger(the_gateway(), "0 0 1 1 *", stage=stages[number % 2]) for number in range(count)]

    def test_owner_and_reader_see_it_and_others_do_not(self, alice: User, bob: User, charlie: User) -> None:
        """For others, not even the gateway is there."""
        row = self.one(alice, bob)
        for person in (alice, bob):
            assert [each["id"] for each in Api(person).get(URL).json()["items"]] == [row.pk]
            assert Api(person).get(f"{URL}/{row.pk}").status_code == 200
        for path in (URL, f"{URL}/{row.pk}", f"{URL}/{row.pk}/runs"):
            assert_problem(Api(charlie).get(path), "not-found")


class TestRunsApi(ReadContract):
    url = f"{URL}/{TRIGGER}/runs"
    model = TriggerRun
    narrowing = {"outcome": "failed"}

    def make(self, alice: User, bob: User, count: int = 1) -> list[TriggerRun]:
        trigger = Trigger.objects.filter(pk=TRIGGER).first() or make_trigger(the_gateway(), pk=TRIGGER)
        outcomes = ("failed", "succeeded")
        return [make_run(trigger, outcome=outcomes[number % 2]) for number in range(count)]

    def test_owner_and_reader_see_it_and_others_do_not(self, alice: User, bob: User, charlie: User) -> None:
        row = self.one(alice, bob)
        for person in (alice, bob):
            assert [each["id"] for each in Api(person).get(self.url).json()["items"]] == [row.pk]
        assert_problem(Api(charlie).get(self.url), "not-found")


def test_it_says_in_words_what_it_does_and_when(alice: User) -> None:
    made = Api(alice).post(URL, {"function": "dev/sweep", "expression": "0 9 * * L5", "zone": "Asia/Seoul"}).json()
    assert made["words"] == "At 09:00, on the last Friday of the month."
    assert len(made["upcoming"]) == 5
    assert all(at.endswith("T00:00:00Z") for at in made["upcoming"])
    assert (made["method"], made["path"], made["payload"], made["is_waiting"]) == ("POST", "/sweep", None, False)


def test_one_whose_gateway_is_stopped_waits(alice: User) -> None:
    trigger = make_trigger(the_gateway())
    stopped(the_gateway())
    shown = Api(alice).get(f"{URL}/{trigger.pk}").json()
    assert (shown["is_enabled"], shown["is_waiting"], shown["upcoming"]) == (True, True, [])


def test_run_now_answers_with_the_run(alice: User) -> None:
    trigger = make_trigger(the_gateway(), is_enabled=False)
    answer = Api(alice).post(f"{URL}/{trigger.pk}/run")
    assert answer.status_code == 201, answer.content
    shown = answer.json()
    assert (shown["kind"], shown["outcome"], shown["trigger"]) == ("manual", "waiting", trigger.pk)
    assert answer["Location"] == f"{URL}/{trigger.pk}/runs/{shown['id']}"
    assert Api(alice).get(answer["Location"]).json()["id"] == shown["id"]


def test_a_trigger_is_found_below_its_own_gateway_alone(alice: User, tidewater: Tenant) -> None:
    trigger = make_trigger(the_gateway())
    other = make_serving(tidewater, name="billing-hooks")
    elsewhere = f"/v1/api-gateways/{other.pk}/triggers/{trigger.pk}"
    assert_problem(Api(alice).get(elsewhere), "not-found")
    assert_problem(Api(alice).get(f"{elsewhere}/runs"), "not-found")
    assert_problem(Api(alice).post(f"{elsewhere}/run"), "not-found")


def test_a_token_needs_the_scope(alice: User, tidewater: Tenant) -> None:
    make_trigger(the_gateway())
    reading = TokenApi(make_token(alice, "gateways:read", "functions:read"))
    assert reading.get(URL).status_code == 200
    body: dict[str, Any] = {"function": "dev/sweep", "expression": "* * * * *"}
    assert_problem(reading.post(URL, body), "token-too-narrow")
    assert Trigger.objects.count() == 1
