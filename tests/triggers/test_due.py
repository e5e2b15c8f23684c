"""What becomes of due times: run once, left out, made up for, or waiting for their gateway."""

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connections

from apps.core import clock
from apps.functions.models import Function
from apps.gateways.lifecycle.table import Phase, State
from apps.gateways.models import FunctionGateway, RuntimeDomain, Stage
from apps.triggers.firing import due as deciding
from apps.triggers.firing.due import MOST_BESIDE, MOST_WAITING, database_now, decide_due, release_held, seconds_to_next
from apps.triggers.firing.runs import take_runs
from apps.triggers.models import Trigger, TriggerRun
from tests.triggers.world import due, make_function, make_run, make_serving, make_trigger, outcomes

Outcome = TriggerRun.Outcome
MINUTE = timedelta(minutes=1)


def decide() -> int:
    return decide_due(database_now())


def test_what_is_due_waits_to_be_run_and_is_due_again_by_its_schedule(gateway: FunctionGateway) -> None:
    make_function(gateway)
    trigger = make_trigger(gateway, "*/10 * * * * *")
    at = due(trigger)
    assert decide() == 1
    [run] = trigger.runs.all()
    assert (run.due_at, run.outcome, run.kind, run.tenant_id) == (at, "waiting", "due", gateway.tenant_id)
    trigger.refresh_from_db()
    assert trigger.next_at is not None
    assert (trigger.next_at > at, trigger.next_at.second % 10) == (True, 0)
    assert trigger.version == 1


def test_what_isnt_due_yet_is_left(gateway: FunctionGateway) -> None:
    make_function(gateway)
    trigger = make_trigger(gateway, "0 0 1 1 *")
    assert decide() == 0
    assert not trigger.runs.exists()
    seconds = seconds_to_next(database_now())
    assert seconds is not None
    assert seconds > 0


def test_a_run_that_waits_for_another_one_wakes_nobody_again_and_again(gateway: FunctionGateway) -> None:
    make_function(gateway)
    trigger = make_trigger(gateway, "0 0 1 1 *", overlap="queue", next_at=None)
    now = database_now()
    make_run(trigger, now - 2 * MINUTE, outcome=Outcome.RUNNING, leased_until=now + MINUTE)
    make_run(trigger, now - MINUTE)
    assert [take_runs(now, most=5), seconds_to_next(now)] == [[], None]
    later = make_run(trigger, now + timedelta(seconds=20))
    assert 10 < (seconds_to_next(now) or 0) <= 20
    # What came after the look is looked for at once
    assert (seconds_to_next(later.not_before - timedelta(seconds=30)) or 0) <= 20
    assert (seconds_to_next(now - 2 * MINUTE) or 0) < 0


def test_each_due_time_is_run_also_where_several_have_come(gateway: FunctionGateway) -> None:
    make_function(gateway)
    trigger = make_trigger(gateway, "* * * * * *", overlap="parallel")
    at = due(trigger, ago=timedelta(seconds=4))
    while decide():
        pass
    found = list(trigger.runs.order_by("due_at").values_list("due_at", flat=True))
    assert found[:4] == [at + timedelta(seconds=n) for n in range(4)]
    assert len(set(found)) == len(found)


@pytest.mark.django_db(transaction=True)
def test_any_number_of_processes_decide_each_due_time_once(gateway: FunctionGateway) -> None:
    make_function(gateway)
    triggers = [make_trigger(gateway, "0 0 1 1 *") for _ in range(20)]
    for trigger in triggers:
        due(trigger)
    ready, errors = threading.Barrier(6), []

    def work() -> None:
        try:
            ready.wait(30)
            while decide():
                pass
        except Exception as error:
            errors.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not errors
    assert [trigger.runs.count() for trigger in triggers] == [1] * 20


def test_a_crash_before_the_end_of_the_decision_leaves_it_due(
    gateway: FunctionGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_function(gateway)
    trigger = make_trigger(gateway)
    at = due(trigger)

    def end(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(deciding, "_save", end)
        with pytest.raises(KeyboardInterrupt):
            decide()
    trigger.refresh_from_db()
    assert (trigger.next_at, trigger.runs.count()) == (at, 0)
    decide()
    assert outcomes(trigger) == ["waiting"]


def test_one_that_can_not_be_decided_stands_in_nobodys_way(
    gateway: FunctionGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_function(gateway)
    bad, good = make_trigger(gateway), make_trigger(gateway)
    due(bad, ago=timedelta(seconds=2))
    due(good)
    decided = deciding._decide

    def decide_one(trigger: Trigger, *rest: object) -> None:
        if trigger.pk == bad.pk:
            raise RuntimeError("a defect")
        decided(trigger, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(deciding, "_decide", decide_one)
    assert decide() == 2
    assert outcomes(good) == ["waiting"]
    bad.refresh_from_db()
    assert bad.next_at is not None
    assert bad.next_at > clock.now() + MINUTE


# --- While one runs ---


@pytest.mark.parametrize(
    ("overlap", "open_runs", "wanted"),
    [
        ("skip", 0, "waiting"),
        ("skip", 1, "skipped"),
        ("queue", 1, "waiting"),
        ("queue", MOST_WAITING + 1, "skipped"),
        ("parallel", 1, "waiting"),
        ("parallel", MOST_BESIDE, "skipped"),
    ],
)
def test_what_happens_while_a_run_before_is_under_way(
    gateway: FunctionGateway, overlap: str, open_runs: int, wanted: str
) -> None:
    make_function(gateway)
    trigger = make_trigger(gateway, overlap=overlap)
    for n in range(open_runs):
        make_run(trigger, clock.now() - MINUTE - timedelta(seconds=n), outcome=Outcome.RUNNING)
    make_run(trigger, clock.now() - 2 * MINUTE, outcome=Outcome.SUCCEEDED)
    at = due(trigger)
    decide()
    run = trigger.runs.get(due_at=at)
    assert run.outcome == wanted
    assert bool(run.error) == bool(run.ended_at) == (wanted == "skipped")


# --- Missed ---


def test_what_the_platform_missed_is_counted_and_left_out(gateway: FunctionGateway) -> None:
    make_function(gateway)
    trigger = make_trigger(gateway, "* * * * *", missed="skip")
    at = due(trigger, ago=10 * MINUTE)
    Trigger.objects.update(next_at=at.replace(second=0))
    decide()
    [run] = trigger.runs.all()
    assert (run.outcome, run.error) == ("missed", deciding.WAS_DOWN)
    assert run.missed_count in (10, 11)
    trigger.refresh_from_db()
    assert trigger.next_at is not None
    assert trigger.next_at > run.due_at
    assert trigger.next_at - clock.now() <= MINUTE


def test_what_the_platform_missed_is_run_once(gateway: FunctionGateway) -> None:
    make_function(gateway)
    trigger = make_trigger(gateway, "* * * * *", missed="once")
    at = due(trigger, ago=10 * MINUTE)
    Trigger.objects.update(next_at=at.replace(second=0))
    decide()
    [run] = trigger.runs.all()
    assert (run.outcome, run.kind) == ("waiting", "catch-up")
    assert run.missed_count in (9, 10)
    assert clock.now() - run.due_at <= MINUTE + timedelta(seconds=1)


def stopped(gateway: FunctionGateway) -> Callable[[], object]:
    FunctionGateway.objects.filter(pk=gateway.pk).update(state=State.STOPPED)
    return lambda: FunctionGateway.objects.filter(pk=gateway.pk).update(state=State.RUNNING)


def held(gateway: FunctionGateway) -> Callable[[], object]:
    FunctionGateway.objects.filter(pk=gateway.pk).update(held_at=clock.now())
    return lambda: FunctionGateway.objects.filter(pk=gateway.pk).update(held_at=None)


def without_routes(gateway: FunctionGateway) -> Callable[[], object]:
    RuntimeDomain.objects.filter(gateway=gateway).update(phase=Phase.STOPPED)
    return lambda: RuntimeDomain.objects.filter(gateway=gateway).update(phase=Phase.STARTED)


def stage_off(gateway: FunctionGateway) -> Callable[[], object]:
    Stage.objects.filter(gateway=gateway, name="dev").update(state=Stage.State.INACTIVE)
    return lambda: Stage.objects.filter(gateway=gateway, name="dev").update(state=Stage.State.ACTIVE)


@pytest.mark.parametrize("switch_off", [stopped, held, without_routes, stage_off])
@pytest.mark.parametrize(("missed", "wanted"), [("skip", "missed"), ("once", "waiting")])
def test_a_gateway_that_can_not_be_called_is_waited_for(
    gateway: FunctionGateway, switch_off: Callable[[FunctionGateway], Callable[[], object]], missed: str, wanted: str
) -> None:
    make_function(gateway)
    trigger = make_trigger(gateway, missed=missed)
    switch_on = switch_off(gateway)
    at = due(trigger)
    decide()
    trigger.refresh_from_db()
    assert (trigger.next_at, trigger.held_at, trigger.runs.count()) == (None, at, 0)
    assert release_held(database_now()) == 0
    # Long enough to have missed something
    Trigger.objects.filter(pk=trigger.pk).update(held_at=(at - 5 * MINUTE).replace(second=0))
    switch_on()
    assert release_held(database_now()) == 1
    [run] = trigger.runs.all()
    assert run.outcome == wanted
    assert run.missed_count >= 4
    trigger.refresh_from_db()
    assert trigger.held_at is None
    assert trigger.next_at is not None
    assert trigger.next_at > database_now() - timedelta(seconds=1)


def test_a_gateway_that_was_away_for_seconds_missed_nothing(gateway: FunctionGateway) -> None:
    make_function(gateway)
    trigger = make_trigger(gateway, missed="skip")
    switch_on = stopped(gateway)
    at = due(trigger)
    decide()
    switch_on()
    release_held(database_now())
    assert list(trigger.runs.values_list("due_at", "outcome", "kind")) == [(at, "waiting", "due")]


def test_other_gateways_triggers_go_on(gateway: FunctionGateway) -> None:
    other = make_serving(gateway.tenant, name="billing-hooks")
    for each in (gateway, other):
        make_function(each)
    waiting, going = make_trigger(gateway), make_trigger(other)
    stopped(gateway)
    due(waiting)
    due(going)
    decide()
    assert (outcomes(waiting), outcomes(going)) == ([], ["waiting"])


def test_without_its_function_it_is_paused_and_says_so(gateway: FunctionGateway) -> None:
    function = make_function(gateway)
    trigger = make_trigger(gateway)
    Function.objects.filter(pk=function.pk).update(deleted_at=clock.now())
    due(trigger)
    decide()
    trigger.refresh_from_db()
    assert (trigger.is_enabled, trigger.next_at) == (False, None)
    assert "deleted" in trigger.paused_because
    assert not trigger.runs.exists()


def test_a_schedule_that_an_older_version_could_read_is_paused(gateway: FunctionGateway) -> None:
    make_function(gateway)
    trigger = make_trigger(gateway)
    Trigger.objects.filter(pk=trigger.pk).update(expression="H * * * *")
    due(trigger)
    decide()
    trigger.refresh_from_db()
    assert (trigger.is_enabled, trigger.paused_because) == (False, deciding.UNREADABLE)
