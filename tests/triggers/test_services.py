"""What is wanted of triggers: set, changed, paused, run, deleted; and what they do when their function goes."""

from datetime import timedelta
from typing import Any

import pytest

from apps.accounts.models import User
from apps.audit.models import AuditEvent
from apps.core import clock
from apps.core.errors import InvalidInput, NotAllowed, StaleVersion
from apps.functions.following import tell_deleted, tell_renamed
from apps.functions.models import Function
from apps.gateways.lifecycle.belongings import remove_belongings
from apps.gateways.models import FunctionGateway
from apps.tenants.member import Member
from apps.tenants.models import Tenant
from apps.tenants.roles import Role
from apps.triggers.following import RENAMED
from apps.triggers.models import Trigger, TriggerRun
from apps.triggers.problems import FunctionGone, TooManyTriggers, TooManyWaiting
from apps.triggers.services import (
    change_trigger,
    create_trigger,
    delete_trigger,
    pause_trigger,
    resume_trigger,
    run_trigger,
)
from apps.triggers.services.checking import matches
from apps.triggers.sweeps import KEPT, forget_old_runs
from tests.tenants.world import make_member, member
from tests.triggers.contract import TriggerServiceContract
from tests.triggers.world import make_function, make_run, make_trigger, outcomes

pytestmark = pytest.mark.django_db
NOON = "0 12 * * *"


class TestCreateTrigger(TriggerServiceContract):
    verb = "trigger.created"

    def act(self, actor: Member, row: Trigger) -> Any:
        return create_trigger(actor=actor, gateway=row.gateway, function_name=row.function_name, expression=NOON)


class TestChangeTrigger(TriggerServiceContract):
    verb = "trigger.changed"

    def act(self, actor: Member, row: Trigger) -> Any:
        return change_trigger(actor=actor, trigger=row, expression=NOON)


class TestPauseTrigger(TriggerServiceContract):
    verb = "trigger.paused"

    def act(self, actor: Member, row: Trigger) -> Any:
        return pause_trigger(actor=actor, trigger=row)


class TestResumeTrigger(TriggerServiceContract):
    verb = "trigger.resumed"
    is_enabled = False

    def act(self, actor: Member, row: Trigger) -> Any:
        return resume_trigger(actor=actor, trigger=row)


class TestRunTrigger(TriggerServiceContract):
    verb = "trigger.run"

    def make(self, alice: User, bob: User) -> Trigger:
        row = super().make(alice, bob)
        row.gateway.cluster.facts = {"gateway_port": "9"}
        row.gateway.cluster.save()
        return row

    def act(self, actor: Member, row: Trigger) -> Any:
        return run_trigger(actor=actor, trigger=row)


class TestDeleteTrigger(TriggerServiceContract):
    verb = "trigger.deleted"

    def act(self, actor: Member, row: Trigger) -> Any:
        return delete_trigger(actor=actor, trigger=row)


@pytest.fixture
def owner(alice: User, tidewater: Tenant) -> Member:
    return member(alice, tidewater)


def create(actor: Member, gateway: FunctionGateway, **values: Any) -> Trigger:
    return create_trigger(actor=actor, gateway=gateway, **{"function_name": "dev/sweep", "expression": NOON, **values})


def test_it_is_due_from_now_on_by_the_clock_of_its_zone(owner: Member, gateway: FunctionGateway) -> None:
    make_function(gateway)
    trigger = create(owner, gateway, zone="Asia/Seoul", payload={"days": 3}, note=" by  hand ")
    assert trigger.next_at is not None
    assert trigger.next_at > clock.now()
    assert (trigger.next_at.hour, trigger.next_at.minute) == (3, 0)
    assert (trigger.path, trigger.note, trigger.payload) == ("/sweep", "by hand", {"days": 3})


def test_one_that_is_set_paused_is_not_due(owner: Member, gateway: FunctionGateway) -> None:
    make_function(gateway)
    assert create(owner, gateway, is_enabled=False).next_at is None


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("expression", {"expression": "61 * * * *"}),
        ("expression", {"expression": "0 0 30 2 *"}),
        ("zone", {"zone": "Mars/Olympus"}),
        ("zone", {"zone": "../../etc/passwd"}),
        ("method", {"method": "DELETE"}),
        ("method", {"method": "GET\r\nx: y"}),
        ("path", {"path": "/elsewhere"}),
        ("path", {"path": "/sweep/../admin"}),
        ("query", {"query": "a#b"}),
        ("query", {"query": "a" * 1001}),
        ("payload", {"payload": {"text": "x" * 70_000}}),
        ("payload", {"payload": {"text": "\0"}}),
        ("payload", {"payload": ["\ud800"]}),
        ("payload", {"payload": {"number": float("nan")}}),
        ("payload", {"payload": [float("inf")]}),
        ("payload", {"method": "GET", "payload": {}}),
        ("overlap", {"overlap": "never"}),
        ("missed", {"missed": "all"}),
        ("note", {"note": "x" * 201}),
        ("function", {"function_name": "dev/nothing"}),
        ("function", {"function_name": "staging/sweep"}),
    ],
)
def test_what_is_wrong_is_said_at_its_field_and_nothing_is_made(
    owner: Member, gateway: FunctionGateway, field: str, values: dict[str, Any]
) -> None:
    make_function(gateway, methods=["GET", "POST"])
    with pytest.raises(InvalidInput) as refusal:
        create(owner, gateway, **values)
    assert field in refusal.value.fields
    assert not Trigger.objects.exists()


def test_a_payload_may_be_deep_but_not_endless(owner: Member, gateway: FunctionGateway) -> None:
    make_function(gateway)
    deep: Any = []
    for _ in range(60):
        deep = [deep]
    with pytest.raises(InvalidInput) as refusal:
        create(owner, gateway, payload=deep)
    assert list(refusal.value.fields) == ["payload"]


@pytest.mark.parametrize(
    ("base_name", "path", "fits"),
    [
        ("user/me", "/user/me", True),
        ("user/me", "/user/me/", False),
        ("user/:id", "/user/7", True),
        ("user/:id", "/user/", False),
        ("user/:id", "/user/7/8", False),
        ("files/*path", "/files/a/b", True),
        ("files/*path", "/files", False),
        ("files/*path", "/files/", False),
        (":a/x", "/1/x", True),
        (":a/x", "/1/y", False),
        ("index", "/", True),
        ("index", "/index", False),
    ],
)
def test_a_path_has_to_be_one_that_the_function_answers(base_name: str, path: str, fits: bool) -> None:
    assert matches(base_name, path) is fits


def test_parameters_have_to_be_filled_in(owner: Member, gateway: FunctionGateway) -> None:
    make_function(gateway, "user/:id")
    with pytest.raises(InvalidInput) as refusal:
        create(owner, gateway, function_name="dev/user/:id")
    assert "/user/7" in str(refusal.value.fields["path"])
    assert create(owner, gateway, function_name="dev/user/:id", path="/user/12").path == "/user/12"


def test_stages_are_walled_off_by_role(tidewater: Tenant, gateway: FunctionGateway) -> None:
    developer = make_member("dana", tidewater, Role.API_DEVELOPER)
    for stage in ("dev", "prod"):
        make_function(gateway, stage=stage)
    trigger = create(developer, gateway)
    of_prod = make_trigger(gateway, stage="prod")
    with pytest.raises(NotAllowed) as refusal:
        create(developer, gateway, function_name="prod/sweep")
    assert "gateway-owner" in refusal.value.extra["roles"]
    for change in (
        lambda row: change_trigger(actor=developer, trigger=row, note="x"),
        lambda row: pause_trigger(actor=developer, trigger=row),
        lambda row: delete_trigger(actor=developer, trigger=row),
    ):
        with pytest.raises(NotAllowed):
            change(of_prod)
    assert change_trigger(actor=developer, trigger=trigger, note="x").note == "x"


def test_a_gateway_has_so_many_at_most(owner: Member, gateway: FunctionGateway, settings: Any) -> None:
    settings.MOST_TRIGGERS = 2
    make_function(gateway)
    for _ in range(2):
        create(owner, gateway)
    with pytest.raises(TooManyTriggers):
        create(owner, gateway)
    assert Trigger.objects.count() == 2


def test_a_change_of_the_schedule_is_due_from_now_on_and_others_leave_it(
    owner: Member, gateway: FunctionGateway
) -> None:
    make_function(gateway)
    trigger = create(owner, gateway)
    before = trigger.next_at
    trigger = change_trigger(actor=owner, trigger=trigger, note="x", payload=[1], overlap="queue")
    assert (trigger.next_at, trigger.version, trigger.payload) == (before, 2, [1])
    trigger = change_trigger(actor=owner, trigger=trigger, zone="Asia/Seoul", payload=None)
    assert trigger.next_at != before
    assert trigger.payload is None
    assert change_trigger(actor=owner, trigger=trigger, zone="Asia/Seoul").version == 3


def test_of_two_changes_the_second_is_refused(owner: Member, gateway: FunctionGateway) -> None:
    make_function(gateway)
    trigger = create(owner, gateway)
    change_trigger(actor=owner, trigger=trigger, note="first", version=1)
    with pytest.raises(StaleVersion):
        change_trigger(actor=owner, trigger=trigger, note="second", version=1)
    trigger.refresh_from_db()
    assert trigger.note == "first"


def test_what_a_payload_holds_is_not_in_the_audit_log(owner: Member, gateway: FunctionGateway) -> None:
    make_function(gateway)
    trigger = create(owner, gateway, payload={"pin": "1234"})
    change_trigger(actor=owner, trigger=trigger, payload={"pin": "5678"})
    said = str(list(AuditEvent.objects.values_list("before", "after")))
    assert "1234" not in said
    assert "5678" not in said


def test_a_paused_one_is_not_due_and_what_waited_is_let_be(owner: Member, gateway: FunctionGateway) -> None:
    make_function(gateway)
    trigger = create(owner, gateway)
    make_run(trigger)
    going = make_run(trigger, outcome="running")
    trigger = pause_trigger(actor=owner, trigger=trigger)
    assert (trigger.next_at, trigger.is_enabled) == (None, False)
    assert sorted(outcomes(trigger)) == ["running", "skipped"]
    going.refresh_from_db()
    assert (going.outcome, going.ended_at) == ("running", None)
    assert pause_trigger(actor=owner, trigger=trigger).version == trigger.version
    trigger = resume_trigger(actor=owner, trigger=trigger)
    assert trigger.next_at is not None


def test_a_paused_one_can_be_run_now_some_times(owner: Member, gateway: FunctionGateway, asked: list[bytes]) -> None:
    make_function(gateway)
    trigger = create(owner, gateway, is_enabled=False)
    run = run_trigger(actor=owner, trigger=trigger)
    assert (run.kind, run.by, run.outcome) == ("manual", str(owner), "waiting")
    for _ in range(4):
        run_trigger(actor=owner, trigger=trigger)
    with pytest.raises(TooManyWaiting):
        run_trigger(actor=owner, trigger=trigger)


# --- Its function ---


def test_a_deleted_function_pauses_its_triggers_and_they_say_so(owner: Member, gateway: FunctionGateway) -> None:
    function, other = make_function(gateway), make_function(gateway, stage="prod")
    trigger, of_other = create(owner, gateway), make_trigger(gateway, stage="prod")
    Function.objects.filter(pk=function.pk).update(deleted_at=clock.now())
    tell_deleted(function, actor=owner)
    trigger.refresh_from_db()
    assert (trigger.is_enabled, trigger.next_at) == (False, None)
    assert "deleted" in trigger.paused_because
    assert AuditEvent.objects.filter(verb="trigger.paused", target_id=trigger.pk).exists()
    for refused in (resume_trigger, run_trigger):
        with pytest.raises(FunctionGone):
            refused(actor=owner, trigger=trigger)
    of_other.refresh_from_db()
    assert of_other.is_enabled
    assert other.deleted_at is None
    # Restored, it stays paused until somebody wants it on
    Function.objects.filter(pk=function.pk).update(deleted_at=None)
    trigger = resume_trigger(actor=owner, trigger=trigger)
    assert (trigger.is_enabled, trigger.paused_because) == (True, "")


def test_triggers_follow_a_function_that_is_renamed(owner: Member, gateway: FunctionGateway) -> None:
    function = make_function(gateway)
    trigger = create(owner, gateway)
    Function.objects.filter(pk=function.pk).update(base_name="tidy")
    function.refresh_from_db()
    tell_renamed(function, before="sweep", actor=owner)
    trigger.refresh_from_db()
    assert (trigger.base_name, trigger.path, trigger.is_enabled) == ("tidy", "/tidy", True)


def test_a_renamed_function_that_answers_other_paths_pauses_its_triggers(
    owner: Member, gateway: FunctionGateway
) -> None:
    function = make_function(gateway, "user/:id")
    trigger = create(owner, gateway, function_name="dev/user/:id", path="/user/7")
    function.base_name = "person/:id"
    tell_renamed(function, before="user/:id", actor=owner)
    trigger.refresh_from_db()
    assert (trigger.base_name, trigger.is_enabled, trigger.paused_because) == ("person/:id", False, RENAMED)


def test_triggers_go_with_their_gateway(gateway: FunctionGateway) -> None:
    make_run(make_trigger(gateway))
    remove_belongings(gateway, "triggers")
    assert not Trigger.objects.exists()
    assert not TriggerRun.objects.exists()


def test_the_newest_runs_stay_and_those_that_go_on(gateway: FunctionGateway) -> None:
    trigger = make_trigger(gateway)
    old = [make_run(trigger, clock.now() - timedelta(minutes=n), outcome="succeeded") for n in range(KEPT + 5)]
    waiting = make_run(trigger, clock.now() - timedelta(days=1))
    forget_old_runs()
    left = set(trigger.runs.values_list("pk", flat=True))
    assert left == {run.pk for run in old[:KEPT]} | {waiting.pk}
