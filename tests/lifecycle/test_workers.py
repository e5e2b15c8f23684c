"""Real workers, in processes of their own, that are killed, ended and held up in the middle of a step."""

import os
import signal
import time
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connection

from apps.core.lifecycle import register_machine, wake
from apps.core.lifecycle.failures import TOOK_TOO_LONG
from apps.core.lifecycle.models import LifecycleEvent
from apps.core.queue import tasks
from apps.core.queue.models import TaskFailure
from tests.lifecycle.world import MACHINE, MAKING, Thing, acts, effects, lines, write
from tests.queue.cluster import running_cluster, wait_until

# Short, so that a test needn't wait for long; what is proved doesn't depend on it
LEASE = timedelta(seconds=3)


@pytest.fixture(autouse=True)
def _short_lease(things: None) -> None:
    register_machine(replace(MACHINE, lease=LEASE))


def worker_at(step: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pid FROM lifecycle_effect WHERE step = %s ORDER BY id DESC LIMIT 1", [step])
        row = cursor.fetchone()
    return int(row[0]) if row else 0


def is_made(thing: Thing) -> bool:
    return Thing.objects.filter(pk=thing.pk, phase="made", leased_until=None, due_at=None).exists()


def hang_once(row: Thing) -> None:
    """The first to come to this step stays there."""
    if effects(row).count("join") == 1:
        time.sleep(60)


def test_many_workers_bring_many_rows_about_and_no_step_counts_twice(things: None) -> None:
    acts["join"] = lambda row: time.sleep(0.01)
    made = [Thing.objects.create() for _ in range(30)]
    with running_cluster(3) as _one, running_cluster(2) as _other:
        for thing in made:
            for _ in range(3):
                wake(MACHINE, thing.pk)
        wait_until(lambda: all(is_made(thing) for thing in made), within=40, what="30 things")
    for thing in made:
        assert [line.step for line in lines(thing, kind="done")] == list(MAKING)
        assert effects(thing) == list(MAKING)
    assert not TaskFailure.objects.exists()


def test_another_goes_on_when_one_is_killed_in_the_middle_of_a_step(thing: Thing) -> None:
    """It's known that it's gone, so nobody waits for the end of its lease."""
    acts["join"] = hang_once
    register_machine(replace(MACHINE, lease=timedelta(minutes=5)))
    with running_cluster(2) as _cluster:
        wake(MACHINE, thing.pk)
        first = wait_until(lambda: worker_at("join"), what="a worker at the step")
        os.kill(first, signal.SIGKILL)
        wait_until(lambda: is_made(thing), within=40, what="another to go on")
    assert effects(thing) == ["cut", "join", "join", "paint"]
    assert [line.step for line in lines(thing, kind="done")] == list(MAKING)
    (released,) = lines(thing, kind="released")
    assert (released.phase, released.step) == ("making", "join")
    assert worker_at("join") != first


def test_so_it_does_when_all_of_a_host_is_killed_at_once(thing: Thing) -> None:
    """Another host can't know, and waits for the lease."""
    acts["join"] = hang_once
    with running_cluster(1) as doomed:
        wake(MACHINE, thing.pk)
        wait_until(lambda: worker_at("join"), what="a worker at the step")
        os.killpg(doomed.process.pid, signal.SIGKILL)
    write(thing, leased_by="another-host/1@0.00/2@0.00")
    with running_cluster(1) as _heir:
        wait_until(lambda: is_made(thing), within=40, what="another host to go on")
    assert [line.step for line in lines(thing, kind="done")] == list(MAKING)


def test_one_that_ends_as_asked_leaves_no_lease_behind(thing: Thing) -> None:
    acts["join"] = hang_once
    register_machine(replace(MACHINE, lease=timedelta(minutes=5)))
    with running_cluster(1) as leaving:
        wake(MACHINE, thing.pk)
        wait_until(lambda: worker_at("join"), what="a worker at the step")
        leaving.stop()
        assert Thing.objects.get(pk=thing.pk).leased_until is None
    with running_cluster(1) as _heir:
        wait_until(lambda: is_made(thing), within=10, what="another to go on, long before the lease")
    assert not LifecycleEvent.objects.filter(kind="released").exists()


def test_a_step_that_hangs_in_the_database_is_ended_and_the_row_says_so(thing: Thing, monkeypatch) -> None:
    def hang(row: Thing) -> None:
        if effects(row).count("join") == 1:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_sleep(60)")

    acts["join"] = hang
    name = "apps.core.lifecycle.tasks.advance_row"
    monkeypatch.setitem(tasks.registry, name, replace(tasks.registry[name], timeout=timedelta(seconds=1)))
    with running_cluster(1) as _cluster:
        wake(MACHINE, thing.pk)
        wait_until(lambda: is_made(thing), within=20, what="the second try")
    # On a slow machine another step may have taken as long
    line, *_others = lines(thing, kind="failed", step="join")
    assert line.because == TOOK_TOO_LONG
    assert not TaskFailure.objects.exists(), "the row says it; the list of failed tasks needn't"


def test_what_is_woken_while_no_worker_runs_is_done_when_one_does(thing: Thing) -> None:
    wake(MACHINE, thing.pk)
    with running_cluster(1) as _cluster:
        wait_until(lambda: is_made(thing), within=10, what="the thing")
