"""The loop that fires: sleeps until the next due time, decides what is due, and makes the calls in threads.

Only the loop's own thread asks the database; a thread that calls knows all that it needs, and hands back the answer.
"""

import os
import select
import signal
import time
from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from queue import Empty, SimpleQueue
from types import FrameType
from typing import Any

import psycopg
import structlog
from django.db import DatabaseError, close_old_connections, connections
from psycopg import sql

from apps.core.notify import parameters
from apps.core.queue.worker import Slot
from apps.functions.calling import NoAnswer, ring
from apps.functions.calling.problems import Unanswered
from apps.triggers.firing.due import database_now, decide_due, release_held, seconds_to_next
from apps.triggers.firing.runs import Ready, Result, finish_run, take_runs
from apps.triggers.services.locking import CHANNEL

log = structlog.get_logger(__name__)

# Of this process, and of one gateway in it: a gateway whose functions hang leaves room for the others
CALLS_AT_ONCE, CALLS_OF_ONE = 32, 6
LONGEST_SLEEP, SHORTEST_SLEEP = 1.0, 0.001
AFTER_FAILURE = 0.5
# When asked to end, calls under way have that long
GRACE = 2.0
# A loop that stands still for longer is ended by the worker's main process
MUST_TURN_WITHIN = 30.0
MOST_ROUNDS = 20
EVER = datetime.min.replace(tzinfo=UTC)


def tick(slot: Slot) -> None:
    """Until SIGTERM."""
    ticker = Ticker(slot)
    signal.signal(signal.SIGTERM, ticker.on_stop)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    ticker.work()


class Ticker:
    def __init__(self, slot: Slot | None = None) -> None:
        self.slot = slot
        self.stopping = False
        self.threads = ThreadPoolExecutor(CALLS_AT_ONCE, thread_name_prefix="trigger")
        self.running: dict[str, Ready] = {}
        self.ended: SimpleQueue[tuple[Ready, Result]] = SimpleQueue()
        self.waking, self.wake = os.pipe()
        os.set_blocking(self.wake, False)
        self.inbox: psycopg.Connection[Any] | None = None
        # When it last took the runs that it may
        self.looked_at = EVER

    def on_stop(self, signum: int, frame: FrameType | None) -> None:
        self.stopping = True
        self._wake()

    def work(self) -> None:
        try:
            while not self.stopping:
                self._alive()
                self._sleep(self._turn())
            self._end()
        finally:
            self._close()
            self.threads.shutdown(wait=False, cancel_futures=True)
            connections.close_all()

    def _turn(self) -> float:
        """Everything that there is to do; how long there is nothing more."""
        try:
            close_old_connections()
            # Before the first look, so that no change is missed
            self._listen()
            self.do_due()
            return LONGEST_SLEEP if (found := seconds_to_next(self.looked_at)) is None else found
        except (DatabaseError, psycopg.Error) as error:
            log.warning("triggers wait for the database", error=str(error).strip())
            self._close()
            connections.close_all()
            return AFTER_FAILURE

    def do_due(self) -> None:
        release_held(database_now())
        for _ in range(MOST_ROUNDS):
            # Where much was missed, each takes a while
            self._alive()
            self.write_down()
            found = decide_due(database_now())
            self.start_runs()
            if not found or self.stopping:
                return

    def start_runs(self) -> None:
        busy = Counter(ready.gateway_id for ready in self.running.values())
        for ready in self._taken(busy):
            self.running[ready.run_id] = ready
            future = self.threads.submit(_call, ready)
            future.add_done_callback(lambda done, ready=ready: self._hand_back(ready, done))  # type: ignore[misc]

    def _taken(self, busy: "Counter[str]") -> list[Ready]:
        """No gateway gets more than its part."""
        taken: list[Ready] = []
        self.looked_at = database_now()
        while len(self.running) + len(taken) < CALLS_AT_ONCE:
            full = frozenset(gateway for gateway, count in busy.items() if count >= CALLS_OF_ONE)
            # Also where all of these are of the one that has most already
            of_one = CALLS_OF_ONE - max((count for count in busy.values() if count < CALLS_OF_ONE), default=0)
            most = min(of_one, CALLS_AT_ONCE - len(self.running) - len(taken))
            found = take_runs(self.looked_at, most=most, without=full)
            if not found:
                break
            taken += found
            busy.update(ready.gateway_id for ready in found)
        return taken

    def write_down(self) -> None:
        """What came of the calls that have ended. One that can't be written down now is written later."""
        while True:
            try:
                ready, result = self.ended.get_nowait()
            except Empty:
                return
            try:
                finish_run(ready, result)
            except DatabaseError:
                self.ended.put((ready, result))
                raise
            self.running.pop(ready.run_id, None)
            log.debug("trigger", trigger=ready.trigger_id, run=ready.run_id, request_id=ready.request_id)

    # --- Waiting ---

    def _hand_back(self, ready: Ready, done: "Future[Result]") -> None:
        if done.cancelled():
            return
        self.ended.put((ready, done.result()))
        self._wake()

    def _wake(self) -> None:
        # A full pipe wakes as well
        with suppress(BlockingIOError, OSError):
            os.write(self.wake, b".")

    def _sleep(self, seconds: float) -> None:
        inbox = [self.inbox.fileno()] if self.inbox is not None else []
        readable, _, _ = select.select([self.waking, *inbox], [], [], max(SHORTEST_SLEEP, min(LONGEST_SLEEP, seconds)))
        if self.waking in readable:
            os.read(self.waking, 4096)
        if self.inbox is not None and len(readable) > (self.waking in readable):
            with suppress(psycopg.Error):
                list(self.inbox.notifies(timeout=0))

    def _listen(self) -> None:
        if self.inbox is None or self.inbox.closed:
            self.inbox = psycopg.connect(**parameters(), autocommit=True)
            self.inbox.execute(sql.SQL("LISTEN {}").format(sql.Identifier(CHANNEL)))

    def _close(self) -> None:
        if self.inbox is not None:
            self.inbox.close()
            self.inbox = None

    def _alive(self) -> None:
        if self.slot is not None:
            self.slot.value = time.monotonic() + MUST_TURN_WITHIN

    def _end(self) -> None:
        """Calls that end in time are written down; the rest is asked for by whoever finds its lease ended."""
        give_up_at = time.monotonic() + GRACE
        with suppress(DatabaseError):
            self.write_down()
            while self.running and time.monotonic() < give_up_at:
                self._sleep(give_up_at - time.monotonic())
                self.write_down()


def _call(ready: Ready) -> Result:
    try:
        return ring(
            ready.line,
            ready.asked,
            name=ready.name,
            kind="trigger",
            within=ready.within,
            request_id=ready.request_id,
            # The same at each attempt: a runtime takes it once
            nonce=ready.run_id,
            since=ready.since,
        )
    except Unanswered as error:
        return error
    # What isn't known of is no reason to leave the run open
    except Exception:
        log.exception("trigger", trigger=ready.trigger_id, run=ready.run_id)
        return NoAnswer()
