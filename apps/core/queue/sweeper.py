"""Functions that run again and again: cleaning, and finding what a crash has left behind.

When each is due stands in its row. Whoever wins an advisory lock for a moment takes all that are due, so several
clusters share them; each runs in a thread of its own, so that one that fails or hangs stops no other.
"""

import os
import time
import traceback
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import structlog
from django.db import DatabaseError, close_old_connections, connection, connections

from apps.core.clock import now
from apps.core.queue.claims import has_ended, this_worker
from apps.core.queue.models import Sweep
from apps.core.queue.runner import LONGEST_ERROR, storable

log = structlog.get_logger(__name__)

Function = Callable[[], object]

# Any number that nothing else uses as an advisory lock
ELECTION = 7001
LONGEST_SLEEP = 1.0
AFTER_FAILURE = 1.0
# What a sweep that hangs may take beyond its timeout until it's found and ended
RESERVE = timedelta(seconds=5)
# A sweep of a release that is gone; longer than any upgrade takes
FORGOTTEN_AFTER = timedelta(days=1)

# `known` are the sweeps that this process isn't at; a row that says so is left over from a lost connection
TAKE = """
WITH elected AS (SELECT pg_try_advisory_xact_lock(%(election)s) AS won), due AS (
    SELECT name FROM core_sweep, elected
    WHERE won AND due_at <= clock_timestamp() AND name = ANY(%(known)s)
      AND (running_until IS NULL OR running_until < clock_timestamp() OR worker = %(worker)s)
    FOR UPDATE OF core_sweep SKIP LOCKED
)
UPDATE core_sweep SET worker = %(worker)s, started_at = clock_timestamp(),
    running_until = clock_timestamp() + timeout + %(reserve)s,
    due_at = CASE WHEN due_at + every > clock_timestamp() THEN due_at + every ELSE clock_timestamp() + every END
FROM due WHERE core_sweep.name = due.name RETURNING core_sweep.name
"""
SECONDS_TO_NEXT = """
SELECT extract(epoch FROM min(due_at) - clock_timestamp())::float FROM core_sweep WHERE name = ANY(%(known)s)
"""


@dataclass(frozen=True)
class RegisteredSweep:
    name: str
    function: Function
    every: timedelta
    timeout: timedelta


registry: dict[str, RegisteredSweep] = {}


def sweep(*, every: timedelta, timeout: timedelta = timedelta(seconds=60)) -> Callable[[Function], Function]:
    """Run this function every so often, in one worker of the whole installation, to the second.

    A run that takes longer than `timeout` is ended and recorded; the next one comes at its time. It may be cut off
    at any moment, so it must bear being repeated.
    """

    def register(function: Function) -> Function:
        name = f"{function.__module__}.{function.__qualname__}"
        registry[name] = RegisteredSweep(name, function, every, timeout)
        return function

    return register


@dataclass
class Run:
    sweep: RegisteredSweep
    must_end_by: float
    future: "Future[None]"


class Sweeper:
    def __init__(self, sweeps: Iterable[RegisteredSweep] | None = None) -> None:
        self.sweeps = {each.name: each for each in (registry.values() if sweeps is None else sweeps)}
        self.worker = this_worker()
        self.running: dict[str, Run] = {}
        self.threads = ThreadPoolExecutor(max_workers=max(1, len(self.sweeps)), thread_name_prefix="sweep")

    def work(self) -> None:
        """Take what is due, for ever; ends only by a signal or through a sweep that hangs."""
        registered = False
        while True:
            try:
                close_old_connections()
                if not registered:
                    self.register()
                    registered = True
                self.start_due()
                pause = self.seconds_to_next()
            except DatabaseError as error:
                log.warning("sweeper waits for the database", error=str(error).strip())
                connection.close()
                pause = AFTER_FAILURE
            self.end_if_one_hangs()
            time.sleep(min(LONGEST_SLEEP, max(0.001, pause)))

    def register(self) -> None:
        """Write down what there is to sweep, and free what ended workers of this host were at."""
        for each in self.sweeps.values():
            Sweep.objects.update_or_create(name=each.name, defaults={"every": each.every, "timeout": each.timeout})
        Sweep.objects.filter(due_at__lt=now() - FORGOTTEN_AFTER).exclude(name__in=self.sweeps).delete()
        for row in Sweep.objects.exclude(worker=""):
            if has_ended(row.worker):
                Sweep.objects.filter(name=row.name, worker=row.worker).update(
                    worker="", running_until=None, ended_at=now(), error="The worker process ended while it ran."
                )

    def start_due(self) -> list[str]:
        parameters: dict[str, Any] = {
            "election": ELECTION,
            "known": self.idle(),
            "worker": self.worker,
            "reserve": RESERVE,
        }
        with connection.cursor() as cursor:
            cursor.execute(TAKE, parameters)
            names = [row[0] for row in cursor.fetchall()]
        for name in names:
            each = self.sweeps[name]
            self.running[name] = Run(
                each, time.monotonic() + each.timeout.total_seconds(), self.threads.submit(self.run_one, each)
            )
        return names

    def idle(self) -> list[str]:
        return [name for name in self.sweeps if name not in self.running]

    def seconds_to_next(self) -> float:
        with connection.cursor() as cursor:
            cursor.execute(SECONDS_TO_NEXT, {"known": self.idle()})
            seconds = cursor.fetchone()[0]
        return LONGEST_SLEEP if seconds is None else float(seconds)

    def run_one(self, each: RegisteredSweep) -> None:
        started = time.perf_counter()
        error = ""
        close_old_connections()
        try:
            each.function()
        # Whatever one sweep fails over, the others have to run
        except Exception as raised:
            error = storable("".join(traceback.format_exception(raised)))[-LONGEST_ERROR:]
            log.exception("sweep", function=each.name, outcome="failed")
        else:
            log.debug("sweep", function=each.name, ms=round((time.perf_counter() - started) * 1000, 1))
        self.record_end(each.name, error)

    def record_end(self, name: str, error: str) -> None:
        try:
            Sweep.objects.filter(name=name, worker=self.worker).update(
                worker="", running_until=None, ended_at=now(), error=error
            )
        except DatabaseError as lost:
            log.warning("sweep not recorded", function=name, error=str(lost).strip())
            connection.close()

    def end_if_one_hangs(self) -> None:
        """No thread can be ended from outside, so the process ends; the main process starts another at once."""
        for name, run in list(self.running.items()):
            if run.future.done():
                del self.running[name]
            elif time.monotonic() > run.must_end_by:
                seconds = run.sweep.timeout.total_seconds()
                log.error("sweep", function=name, outcome="timed out", seconds=seconds)
                self.record_end(name, f"It ran for longer than {seconds:g} s and was ended.")
                connections.close_all()
                os._exit(1)
