"""The loop that fires, as it runs beside the workers: several at once, killed in the middle, with some that hang."""

import multiprocessing
import os
import signal
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from multiprocessing.context import ForkProcess
from types import SimpleNamespace

import pytest
from django.db import connections

from apps.core import clock
from apps.core.queue.companions import all_companions
from apps.gateways.models import FunctionGateway
from apps.triggers.firing import tick
from apps.triggers.firing.ticker import CALLS_OF_ONE, Ticker
from apps.triggers.models import Trigger, TriggerRun
from apps.triggers.services import run_trigger
from tests.functions.peer import OK, peer
from tests.queue.cluster import wait_until
from tests.tenants.world import make_member
from tests.triggers.test_runs import payload_of, problem
from tests.triggers.world import answers_at, make_function, make_serving, make_trigger, outcomes

pytestmark = pytest.mark.django_db(transaction=True)
Outcome = TriggerRun.Outcome


@contextmanager
def ticking(count: int = 1) -> Iterator[list[ForkProcess]]:
    """So many processes that fire, as workers start them."""
    fork = multiprocessing.get_context("fork")
    connections.close_all()
    started = [fork.Process(target=tick, args=(fork.Value("d", 0.0, lock=False),)) for _ in range(count)]
    for process in started:
        process.start()
    try:
        yield started
    finally:
        for process in started:
            if process.is_alive():
                process.kill()
            process.join()


def done(trigger: Trigger) -> int:
    return trigger.runs.exclude(outcome__in=TriggerRun.OPEN).count()


def test_it_runs_beside_the_workers() -> None:
    assert all_companions()["triggers"] is tick


def test_of_several_processes_one_runs_each_second_once(gateway: FunctionGateway, asked: list[bytes]) -> None:
    make_function(gateway)
    trigger = make_trigger(gateway, "* * * * * *", overlap="parallel")
    with ticking(3):
        wait_until(lambda: done(trigger) >= 4, what="four runs")
        Trigger.objects.update(next_at=None, is_enabled=False)
        wait_until(lambda: not trigger.runs.filter(outcome__in=TriggerRun.OPEN).exists(), what="the last one's end")
    runs = list(trigger.runs.order_by("due_at"))
    assert [run.outcome for run in runs] == ["succeeded"] * len(runs)
    seconds = [int((run.due_at - runs[0].due_at).total_seconds()) for run in runs]
    assert seconds == list(range(len(runs))), "no second is left out, and none comes twice"
    called = Counter(payload_of(each)["nonce"] for each in asked)
    assert called == Counter({run.pk: 1 for run in runs})


def test_what_is_set_while_it_sleeps_wakes_it(gateway: FunctionGateway, asked: list[bytes]) -> None:
    make_function(gateway)
    trigger = make_trigger(gateway, "0 0 1 1 *")
    with ticking():
        actor = make_member("dana", gateway.tenant, "owner")
        run_trigger(actor=actor, trigger=trigger)
        wait_until(lambda: outcomes(trigger) == ["succeeded"], what="the run by hand")


def test_a_process_that_is_killed_in_the_middle_leaves_its_run_to_another(gateway: FunctionGateway) -> None:
    """And the runtime, which has begun it, isn't asked to do it twice."""
    make_function(gateway)
    trigger = make_trigger(gateway, "0 0 1 1 *")
    Trigger.objects.update(next_at=clock.now() - timedelta(seconds=1))
    begun, nonces = threading.Event(), set()

    def answer(line: socket.socket) -> None:
        nonce = payload_of(asked[-1])["nonce"]
        if nonce in nonces:
            return problem(409, "run-used", by_runtime=True)(line)
        nonces.add(nonce)
        begun.set()
        line.recv(1)
        return None

    with peer(answer) as (port, asked):
        answers_at(gateway, port)
        with ticking() as [process]:
            assert begun.wait(60)
            os.kill(process.pid or 0, signal.SIGKILL)
            process.join()
        assert outcomes(trigger) == ["running"]
        with ticking():
            time.sleep(0.2)
            assert outcomes(trigger) == ["running"], "its lease holds"
            TriggerRun.objects.update(leased_until=clock.now())
            wait_until(lambda: done(trigger) == 1, what="the run's end")
    assert outcomes(trigger) == ["lost"]
    assert len(asked) == 2


def test_a_process_that_is_asked_to_end_writes_down_what_ends_in_time(gateway: FunctionGateway) -> None:
    make_function(gateway)
    trigger = make_trigger(gateway, "0 0 1 1 *")
    Trigger.objects.update(next_at=clock.now() - timedelta(seconds=1))
    begun, go_on = threading.Event(), threading.Event()

    def answer(line: socket.socket) -> None:
        begun.set()
        go_on.wait(60)
        OK(line)

    with peer(answer) as (port, _), ticking() as [process]:
        answers_at(gateway, port)
        assert begun.wait(60)
        process.terminate()
        go_on.set()
        process.join(60)
        assert process.exitcode == 0
    assert outcomes(trigger) == ["succeeded"]


def test_a_gateway_whose_functions_hang_takes_nothing_from_others(gateway: FunctionGateway) -> None:
    other = make_serving(gateway.tenant, name="billing-hooks")
    for each in (gateway, other):
        make_function(each)
    hanging = [make_trigger(gateway, "0 0 1 1 *") for _ in range(CALLS_OF_ONE + 4)]
    going = make_trigger(other, "0 0 1 1 *")
    Trigger.objects.update(next_at=clock.now() - timedelta(seconds=2))
    Trigger.objects.filter(pk=going.pk).update(next_at=clock.now())

    def answer(line: socket.socket) -> None:
        if b"Host: parcel-tracking" in asked[-1]:
            line.recv(1)
        else:
            OK(line)

    with peer(answer) as (port, asked):
        answers_at(gateway, port)
        with ticking():
            wait_until(lambda: outcomes(going) == ["succeeded"], what="the other gateway's run")
            running = TriggerRun.objects.filter(trigger__in=hanging, outcome=Outcome.RUNNING)
            assert running.count() == CALLS_OF_ONE


def test_a_long_round_of_what_was_missed_is_seen_to_go_on(gateway: FunctionGateway) -> None:
    """Whoever looks on would end it otherwise, in the middle of all calls."""
    make_function(gateway)
    trigger = make_trigger(gateway, "* * * * * *")
    Trigger.objects.filter(pk=trigger.pk).update(next_at=clock.now() - timedelta(hours=1))
    slot = SimpleNamespace(value=0.0)
    ticker = Ticker(slot)
    try:
        before = time.monotonic()
        ticker.do_due()
        assert slot.value > before
        assert outcomes(trigger)[0] == "missed"
    finally:
        ticker.threads.shutdown()


def test_it_goes_on_after_its_connections_were_lost(gateway: FunctionGateway, asked: list[bytes]) -> None:
    make_function(gateway)
    trigger = make_trigger(gateway, "* * * * * *")
    with ticking() as [process]:
        wait_until(lambda: done(trigger) >= 1, what="a run")
        with connections["default"].cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        before = done(trigger)
        wait_until(lambda: done(trigger) >= before + 2, what="more runs")
        assert process.is_alive()
