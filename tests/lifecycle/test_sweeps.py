"""What no hint reaches is found, and what a hint reaches isn't told twice."""

import os
import subprocess
import sys
from datetime import timedelta

import pytest

from apps.core.clock import now
from apps.core.lifecycle import machine, register_machine, wake
from apps.core.lifecycle.kernel import advance
from apps.core.lifecycle.machine import Machine
from apps.core.lifecycle.models import LifecycleEvent
from apps.core.lifecycle.sweeps import find_forgotten_rows, forget_old_timelines, hint_again
from apps.core.queue.claims import name_of_worker, this_worker
from tests.lifecycle.world import MACHINE, Thing, forget_hints, hints, lines, write
from tests.tasks import run_due_tasks

pytestmark = pytest.mark.usefixtures("things")
LONG_AGO = timedelta(seconds=6)


def test_a_row_whose_hint_was_lost_is_found(thing: Thing) -> None:
    wake(MACHINE, thing.pk)
    forget_hints()
    assert hint_again(MACHINE) == 0, "a hint is given some time to be taken"
    write(thing, hinted_at=now() - LONG_AGO)
    assert hint_again(MACHINE) == 1
    run_due_tasks()
    thing.refresh_from_db()
    assert thing.phase == "made"


def test_while_the_queue_is_long_it_gets_no_longer(things: None) -> None:
    for _ in range(5):
        wake(MACHINE, Thing.objects.create().pk)
    for _ in range(3):
        Thing.objects.update(hinted_at=now() - LONG_AGO)
        assert hint_again(MACHINE) == 0
    assert hints() == 5


def test_a_hint_for_later_is_none_for_now(thing: Thing) -> None:
    forget_hints()
    from apps.core.lifecycle.waking import hint

    hint(MACHINE, thing.pk, delay=timedelta(minutes=5))
    write(thing, hinted_at=now() - LONG_AGO)
    assert hint_again(MACHINE) == 1


def test_what_rests_or_waits_or_is_held_is_left_alone(things: None) -> None:
    moment = now()
    Thing.objects.create(due_at=None, hinted_at=moment - LONG_AGO)
    Thing.objects.create(due_at=moment + timedelta(seconds=30), hinted_at=moment - LONG_AGO)
    Thing.objects.create(leased_until=moment + timedelta(seconds=5), hinted_at=moment - LONG_AGO)
    assert hint_again(MACHINE) == 0


def test_a_lease_that_a_dead_worker_held_is_given_back_and_said_so(thing: Thing) -> None:
    ended = now() - timedelta(seconds=1)
    write(thing, phase="making", checkpoint="cut", leased_until=ended, hinted_at=now() - LONG_AGO, fence=4, attempts=2)
    assert hint_again(MACHINE) == 1
    (line,) = lines(thing)
    assert (line.kind, line.phase, line.step, line.attempt) == ("released", "making", "join", 2)
    advance(MACHINE, thing.pk)
    thing.refresh_from_db()
    assert (thing.phase, thing.fence) == ("made", 5)


def ended_worker() -> str:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        name = name_of_worker(process.pid, os.getpid())
        process.kill()
    return name


def test_what_an_ended_worker_of_this_host_held_waits_for_no_lease_and_no_hint(thing: Thing) -> None:
    until = now() + timedelta(seconds=15)
    write(thing, phase="making", checkpoint="cut", leased_until=until, leased_by=ended_worker(), fence=4, wakes=1)
    forget_hints()
    assert hint_again(MACHINE) == 1
    (line,) = lines(thing, kind="released")
    assert line.step == "join"
    run_due_tasks()
    thing.refresh_from_db()
    assert (thing.phase, thing.fence, thing.leased_by) == ("made", 5, this_worker())


def test_whoever_lives_or_is_elsewhere_keeps_what_they_hold(things: None) -> None:
    until = now() + timedelta(seconds=15)
    elsewhere = "another-host/" + ended_worker().partition("/")[2]
    for holder in (this_worker(), elsewhere, ""):
        Thing.objects.create(leased_until=until, leased_by=holder, hinted_at=now() - LONG_AGO)
    assert hint_again(MACHINE) == 0
    assert Thing.objects.filter(leased_until=until).count() == 3


def test_a_row_that_nobody_can_decide_about_doesnt_hide_the_others(things: None) -> None:
    old = {"hinted_at": now() - LONG_AGO, "leased_until": now() - timedelta(seconds=1)}
    Thing.objects.create(state="admired", **old)
    Thing.objects.create(**old)
    assert hint_again(MACHINE) == 2


def test_one_machine_that_fails_doesnt_hide_the_others(thing: Thing) -> None:
    broken: Machine[Thing] = Machine("broken", None, MACHINE.decide)  # type: ignore[arg-type]
    known = dict(machine._machines)
    machine._machines.clear()
    try:
        register_machine(broken)
        register_machine(MACHINE)
        write(thing, hinted_at=now() - LONG_AGO)
        find_forgotten_rows()
    finally:
        machine._machines.clear()
        machine._machines.update(known)
    assert hints() == 1


def test_old_lines_go(thing: Thing) -> None:
    advance(MACHINE, thing.pk)
    newest = lines(thing)[-1]
    LifecycleEvent.objects.exclude(pk=newest.pk).update(last_at=now() - timedelta(days=91))
    forget_old_timelines()
    assert lines(thing) == [newest]
