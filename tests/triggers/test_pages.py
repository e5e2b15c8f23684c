"""The pages of triggers: lists, one trigger with its runs, and the form that says what a schedule means."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import User
from apps.core import clock
from apps.gateways.lifecycle.table import State
from apps.gateways.models import FunctionGateway
from apps.tenants.models import Tenant
from apps.triggers.demo import load
from apps.triggers.models import Trigger, TriggerRun
from tests.contracts.lists import ListContract
from tests.triggers.test_due import held, stage_off, stopped
from tests.triggers.world import answers_at, make_function, make_run, make_serving, make_trigger

pytestmark = pytest.mark.django_db
GATEWAY = "gw_01k9z3v8q4m7x2c5b1n6t0r3fd"
URL = f"/t/tidewater/gateways/{GATEWAY}/triggers"
FORM = {"expression": "0 9 * * mon-fri", "zone": "Asia/Seoul", "method": "POST", "overlap": "skip", "missed": "once"}
HTMX = {"HX-Request": "true"}


@pytest.fixture(autouse=True)
def gateway(tidewater: Tenant) -> FunctionGateway:
    gateway = make_serving(tidewater, pk=GATEWAY)
    for stage in ("dev", "prod"):
        make_function(gateway, stage=stage)
    return gateway


@pytest.fixture
def console(client: Client, alice: User, gateway: FunctionGateway) -> Client:
    client.force_login(alice)
    return client


class TestAllTriggers(ListContract):
    url = "/t/tidewater/triggers"
    narrowing = {"stage": "prod"}
    nonsense = {"stage": "nowhere"}

    def make(self, alice: User, bob: User, count: int) -> list[Any]:
        gateway = FunctionGateway.objects.get(pk=GATEWAY)
        stages = ("dev", "prod")
        return [make_trigger(gateway, "0 0 1 1 *", stage=stages[number % 2]) for number in range(count)]

    def test_owner_and_reader_see_it_and_others_do_not(
        self, client: Client, made: list[str], alice: User, bob: User, charlie: User
    ) -> None:
        for person, status in ((alice, 200), (bob, 200), (charlie, 404)):
            client.force_login(person)
            assert client.get(self.url).status_code == status

    def test_the_export_holds_every_row(self, client: Client, made: list[str], alice: User, charlie: User) -> None:
        client.force_login(alice)
        assert self._exported(client, {}) == set(made)
        client.force_login(charlie)
        assert client.get(self.url, {"format": "csv"}).status_code == 404

    def test_the_number_of_queries_is_pinned_and_not_per_row(self, client: Client, alice: User, bob: User) -> None:
        # The first visit of a while is written down
        client.force_login(alice)
        client.get(self.url)
        super().test_the_number_of_queries_is_pinned_and_not_per_row(client, alice, bob)


def test_a_trigger_is_set_on_its_gateway_s_page(console: Client) -> None:
    assert b"No trigger yet" in console.get(URL).content
    form = console.get(f"{URL}/new", headers={**HTMX, "HX-Target": "sheet"}).content.decode()
    assert "dev/sweep" in form
    assert "At 09:00, on Monday to Friday." in form
    answer = console.post(f"{URL}/new", {**FORM, "function": "dev/sweep", "payload": '{"days": 3}', "note": "Tidy up"})
    assert answer.status_code == 302, answer.content
    trigger = Trigger.objects.get()
    assert (trigger.payload, trigger.zone, trigger.missed) == ({"days": 3}, "Asia/Seoul", "once")
    page = console.get(URL).content.decode()
    for said in ("Tidy up", "0 9 * * mon-fri", "on Monday to Friday", "KST", "none yet"):
        assert said in page


@pytest.mark.parametrize(("own", "proposed"), [("Asia/Seoul", "Asia/Seoul"), ("UTC", "UTC"), ("Etc/GMT-9", "UTC")])
def test_the_clock_that_is_proposed_is_ones_own(console: Client, alice: User, own: str, proposed: str) -> None:
    User.objects.filter(pk=alice.pk).update(time_zone=own)
    form = console.get(f"{URL}/new", headers={**HTMX, "HX-Target": "sheet"}).content.decode()
    assert re.search(rf'name="zone" value="{proposed}"', form)
    assert f'<span class="muted">{proposed}</span>' in form


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("expression", {"expression": "0 9 * *"}),
        ("zone", {"zone": "Nowhere"}),
        ("payload", {"payload": "{nothing"}),
        ("payload", {"payload": "[NaN]"}),
        ("payload", {"payload": "[1e400]"}),
        ("payload", {"payload": "9" * 5_000}),
        ("payload", {"payload": '{"a": 1, "a": 2}'}),
        ("path", {"path": "/elsewhere"}),
    ],
)
def test_what_is_wrong_stands_at_its_field_and_nothing_typed_is_lost(
    console: Client, field: str, values: dict[str, str]
) -> None:
    answer = console.post(f"{URL}/new", {**FORM, "function": "dev/sweep", "note": "Tidy up", **values})
    assert answer.status_code == 422
    assert answer.context["form"].errors.get(field)
    assert "Tidy up" in answer.content.decode()
    assert next(iter(values.values())) in answer.content.decode().replace("&quot;", '"')
    assert not Trigger.objects.exists()


def test_a_form_without_its_fields_is_asked_for_them(console: Client) -> None:
    answer = console.post(f"{URL}/new", {"note": "x"})
    assert answer.status_code == 422
    assert {"expression", "function", "zone"} <= set(answer.context["form"].errors)


@pytest.mark.parametrize(
    ("expression", "zone", "said"),
    [
        ("*/10 * * * * *", "UTC", "Every 10 seconds."),
        ("0 9 * * *", "Asia/Seoul", "09:00:00 KST"),
        ("0 9 * *", "UTC", "4 fields"),
        ("0 0 30 2 *", "UTC", "never due"),
        ("0 9 * * *", "Nowhere", "time zone"),
        ("<script>", "UTC", "1 fields"),
    ],
)
def test_the_form_says_what_is_typed(console: Client, expression: str, zone: str, said: str) -> None:
    answer = console.post(f"{URL}/preview", {"expression": expression, "zone": zone}, headers=HTMX)
    assert said in answer.content.decode()
    assert b"<script>" not in answer.content


def test_one_trigger_shows_its_runs_and_what_can_be_done(console: Client, gateway: FunctionGateway) -> None:
    trigger = make_trigger(gateway, "0 9 * * *", zone="Asia/Seoul")
    make_run(trigger, outcome="failed", status=500, request_id="req_1", error="The function answered with an error.")
    make_run(trigger, outcome="missed", missed_count=7, error="The platform itself was down.")
    page = console.get(f"{URL}/{trigger.pk}").content.decode()
    for said in ("req_1", "500", "The function answered with an error.", "7 were missed.", "09:00:00 KST", "do-run"):
        assert said in page


@pytest.mark.parametrize("own", [False, True], ids=["a gateway's triggers", "a trigger's runs"])
def test_a_page_below_a_gateway_asks_nothing_per_row(console: Client, gateway: FunctionGateway, own: bool) -> None:
    trigger = make_trigger(gateway)
    url = f"{URL}/{trigger.pk}" if own else URL
    console.get(url)  # The first visit of a while is written down
    asked = []
    for more in (2, 20):
        for _ in range(more):
            make_run(make_trigger(gateway))
            make_run(trigger, outcome="succeeded", status=200)
        with CaptureQueriesContext(connection) as queries:
            rows = console.get(url).context["list"].rows
        assert len(rows) >= more
        asked.append(len(queries))
    assert asked[0] == asked[1]


@pytest.mark.parametrize("switch_off", [stopped, held, stage_off])
def test_one_whose_gateway_is_off_says_that_it_waits_also_before_it_is_due(
    console: Client, gateway: FunctionGateway, switch_off: Callable[[FunctionGateway], Callable[[], object]]
) -> None:
    trigger = make_trigger(gateway, "0 9 * * *", zone="Asia/Seoul")
    pages = (URL, "/t/tidewater/triggers", f"{URL}/{trigger.pk}")
    switch_on = switch_off(gateway)
    for path in pages:
        page = console.get(path).content.decode()
        assert "waits for the gateway" in page
        assert "09:00:00 KST" not in page
    assert "None until its gateway and its stage there are on." in page
    switch_on()
    for path in pages:
        page = console.get(path).content.decode()
        assert "waits for the gateway" not in page
        assert "09:00:00 KST" in page


@pytest.mark.parametrize(("verb", "enabled", "after"), [("pause", True, False), ("resume", False, True)])
def test_paused_and_resumed(console: Client, gateway: FunctionGateway, verb: str, enabled: bool, after: bool) -> None:
    trigger = make_trigger(gateway, is_enabled=enabled)
    assert console.get(f"{URL}/{trigger.pk}/{verb}", headers={**HTMX, "HX-Target": "dialog"}).status_code == 200
    assert console.post(f"{URL}/{trigger.pk}/{verb}").status_code == 302
    trigger.refresh_from_db()
    assert trigger.is_enabled is after


def test_changed_run_and_deleted(console: Client, gateway: FunctionGateway) -> None:
    answers_at(gateway, 9)
    trigger = make_trigger(gateway)
    stale = {**FORM, "version": 7, "note": "Mine"}
    answer = console.post(f"{URL}/{trigger.pk}/change", stale)
    assert (answer.status_code, "Mine" in answer.content.decode()) == (412, True)
    assert "Show the current version" in answer.content.decode()
    assert console.post(f"{URL}/{trigger.pk}/change", {**FORM, "version": 1, "note": "Ours"}).status_code == 302
    trigger.refresh_from_db()
    assert (trigger.note, trigger.expression) == ("Ours", FORM["expression"])
    assert console.post(f"{URL}/{trigger.pk}/run").status_code == 302
    assert TriggerRun.objects.get().kind == "manual"
    assert console.post(f"{URL}/{trigger.pk}/delete").status_code == 302
    assert not Trigger.objects.exists()


def test_what_keeps_it_from_being_run_is_said_with_what_to_do(console: Client, gateway: FunctionGateway) -> None:
    FunctionGateway.objects.filter(pk=gateway.pk).update(state=State.STOPPED)
    url = f"{URL}/{make_trigger(gateway).pk}/run"
    answer = console.post(url, headers={**HTMX, "HX-Target": "dialog"})
    assert answer.status_code == 409
    text = answer.content.decode()
    assert "The gateway is stopped" in text
    assert "Start it on its page" in text
    # Nothing was written that could be saved, nor is there another version of it
    assert "Not saved" not in text
    assert "Show the current version" not in text


def test_who_may_not_is_told_who_may(client: Client, bob: User, gateway: FunctionGateway) -> None:
    trigger = make_trigger(gateway)
    client.force_login(bob)
    for path in (
        "/new",
        f"/{trigger.pk}/change",
        f"/{trigger.pk}/pause",
        f"/{trigger.pk}/run",
        f"/{trigger.pk}/delete",
    ):
        answer = client.get(f"{URL}{path}")
        assert answer.status_code == 403, path
        assert b"gateway-owner" in answer.content
    page = client.get(f"{URL}/{trigger.pk}").content
    assert b"do-run" not in page
    assert b"do-delete" not in page


def test_a_paused_trigger_says_why(console: Client, gateway: FunctionGateway) -> None:
    trigger = make_trigger(gateway, is_enabled=False, paused_because="Its function was deleted.")
    held = make_trigger(gateway, held_at=clock.now(), next_at=None)
    page = console.get(URL).content.decode()
    assert "Its function was deleted." in page
    assert "waits for the gateway" in page
    assert trigger.pk in page
    assert held.pk in page


def test_the_demo_sets_each_once(alice: User, gateway: FunctionGateway) -> None:
    FunctionGateway.objects.update(owner=alice)
    make_function(gateway, "shipments/estimate")
    assert load() == "1 trigger made."
    assert load() == ""
    Trigger.objects.get().delete()
    assert load() == ""
