"""A worker process: takes the next task from the table itself, runs it, takes the next.

It shares no lock and no pipe with another process, so killing one can't stop the others.
"""

import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from types import FrameType
from typing import Any, Protocol

import psycopg
import structlog
from django.db import close_old_connections, connections
from django_q.conf import Conf
from psycopg import sql

from apps.core.notify import parameters
from apps.core.queue.broker import channel
from apps.core.queue.claims import Claim, claim_next, release_dead, seconds_to_next, this_worker
from apps.core.queue.runner import Outcome, TaskInterrupted, TaskStopped, TaskTimedOut, persistently, run

log = structlog.get_logger(__name__)

# How long a task may go on after SIGTERM before it's interrupted and given back
GRACE = 2.0
RECONNECT_AFTER = 0.25
SHORTEST_WAIT = 0.001


class Slot(Protocol):
    """What the main process sees of a worker: until when its task may run (time.monotonic), 0 when idle."""

    value: float


class Stopped(Exception):
    """SIGTERM came while there was nothing to finish."""


class Worker:
    def __init__(self, slot: Slot) -> None:
        self.slot = slot
        self.name = this_worker()
        self.stopping = False
        self.interruptible = False
        self.running = False
        self.ringing: TaskStopped | None = None
        self.inbox: psycopg.Connection[Any] | None = None
        signal.signal(signal.SIGTERM, self._on_stop)
        signal.signal(signal.SIGINT, self._on_stop)
        signal.signal(signal.SIGALRM, self._on_alarm)

    def work(self, deaths: Mapping[str, str]) -> None:
        """Run tasks until SIGTERM, a timeout or the limit of tasks for one process; the main process starts another."""
        try:
            if deaths:
                with self._interruptible():
                    persistently(lambda cursor: release_dead(cursor, deaths))
            for _ in range(Conf.RECYCLE):
                claim = self._next_claim()
                if claim is None or not self._run(claim):
                    return
        except Stopped:
            return
        finally:
            self._close()
            connections.close_all()

    # --- Taking ---

    def _next_claim(self) -> Claim | None:
        """Wait for a task; None when asked to stop."""
        while not self.stopping:
            try:
                inbox = self._open()
                with inbox.cursor() as cursor:
                    if claim := claim_next(cursor, worker=self.name):
                        return claim
                    due = seconds_to_next(cursor)
                wait = Conf.POLL if due is None else min(Conf.POLL, max(SHORTEST_WAIT, due))
                with self._interruptible():
                    for _ in inbox.notifies(timeout=wait, stop_after=1):
                        pass
            except psycopg.Error as error:
                log.warning("worker waits for the database", error=str(error).strip())
                self._close()
                connections.close_all()
                with self._interruptible():
                    time.sleep(RECONNECT_AFTER)
        return None

    def _open(self) -> psycopg.Connection[Any]:
        """A connection of its own to listen and claim; it listens before the first look, so no wake-up is missed."""
        if self.inbox is None:
            with self._interruptible():
                inbox = psycopg.connect(**parameters(Conf.ORM), autocommit=True)
            try:
                # Losing a claim when Postgres itself crashes is harmless: the task is then still due
                inbox.execute("SET synchronous_commit = off")
                inbox.execute(sql.SQL("LISTEN {}").format(sql.Identifier(channel())))
            except BaseException:
                inbox.close()
                raise
            self.inbox = inbox
        return self.inbox

    def _close(self) -> None:
        if self.inbox is not None:
            self.inbox.close()
            self.inbox = None

    # --- Running ---

    def _run(self, claim: Claim) -> bool:
        """False when this process should end: after a timeout nobody knows what state it is in."""
        close_old_connections()
        try:
            outcome = run(claim, limit=self._limit)
        finally:
            self.slot.value = 0
        return not (self.stopping or self.ringing or outcome is Outcome.RETURNED)

    @contextmanager
    def _limit(self, timeout: timedelta) -> Iterator[None]:
        seconds = timeout.total_seconds()
        self.slot.value = time.monotonic() + seconds
        self.running = True
        self._ring_in(GRACE if self.stopping else seconds)
        try:
            yield
        finally:
            self.running = False
            signal.setitimer(signal.ITIMER_REAL, 0)

    def _ring_in(self, seconds: float) -> None:
        self.limit_seconds = seconds
        signal.setitimer(signal.ITIMER_REAL, seconds)

    def _on_alarm(self, signum: int, frame: FrameType | None) -> None:
        if not self.running:
            return
        if self.stopping:
            self.ringing = TaskInterrupted("The worker is ending.")
        else:
            self.ringing = TaskTimedOut(f"It ran for longer than {self.limit_seconds:g} s.")
        raise self.ringing

    def _on_stop(self, signum: int, frame: FrameType | None) -> None:
        if self.running and not self.stopping:
            self._ring_in(min(GRACE, signal.getitimer(signal.ITIMER_REAL)[0] or GRACE))
        self.stopping = True
        if self.interruptible:
            self.interruptible = False
            raise Stopped

    @contextmanager
    def _interruptible(self) -> Iterator[None]:
        """Inside, SIGTERM ends the process at once: nothing is claimed."""
        self.interruptible = True
        try:
            if self.stopping:
                raise Stopped
            yield
        finally:
            self.interruptible = False
