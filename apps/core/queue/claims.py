"""Taking a task, and the four ways to be done with it: finished, again later, given back, failed.

Each is one statement over both tables, and each but the first holds only while the claim does: a worker that
was thought dead and comes back changes nothing.
"""

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Protocol

import psutil
from django_q.conf import Conf

from apps.core.queue.broker import channel
from apps.core.queue.tasks import UnknownTask, task_named

CLAIM = """
WITH due AS (
    SELECT id, payload FROM django_q_ormq
    WHERE key = %(key)s AND lock <= coalesce(%(at)s, clock_timestamp())
    ORDER BY lock LIMIT 1 FOR UPDATE SKIP LOCKED
), locked AS (
    UPDATE django_q_ormq SET lock = clock_timestamp() + %(retry)s FROM due WHERE django_q_ormq.id = due.id
), counted AS (
    UPDATE core_queuedtask SET attempts = attempts + 1, worker = %(worker)s, claimed_at = clock_timestamp()
    FROM due WHERE queue_id = due.id
    RETURNING queue_id, attempts, error
)
SELECT due.id, due.payload, counted.attempts, counted.error FROM due JOIN counted ON counted.queue_id = due.id
"""
SECONDS_TO_NEXT = """
SELECT extract(epoch FROM min(lock) - clock_timestamp())::float FROM django_q_ormq WHERE key = %(key)s
"""
FINISH = """
WITH mine AS (DELETE FROM core_queuedtask WHERE queue_id = %(queue_id)s AND attempts = %(fence)s RETURNING queue_id)
DELETE FROM django_q_ormq USING mine WHERE id = mine.queue_id
"""
RUN_LATER = """
WITH mine AS (
    UPDATE core_queuedtask SET worker = '', claimed_at = NULL, error = %(error)s, attempts = %(attempts)s
    WHERE queue_id = %(queue_id)s AND attempts = %(fence)s AND worker <> '' RETURNING queue_id
), unlocked AS (
    UPDATE django_q_ormq SET lock = clock_timestamp() + %(delay)s FROM mine WHERE id = mine.queue_id RETURNING id
)
SELECT pg_notify(%(channel)s, '') FROM unlocked
"""
FAIL = """
WITH mine AS (
    DELETE FROM core_queuedtask WHERE queue_id = %(queue_id)s AND attempts = %(fence)s RETURNING *
), row AS (
    DELETE FROM django_q_ormq USING mine WHERE id = mine.queue_id RETURNING id, payload
)
INSERT INTO core_taskfailure
    (task_id, function, arguments, request_id, attempts, error, traceback, payload, created_at, failed_at)
SELECT task_id, function, arguments, request_id, attempts, %(error)s, %(traceback)s, payload, created_at,
       clock_timestamp()
FROM mine JOIN row ON row.id = mine.queue_id
"""
CLAIMED = "SELECT queue_id, attempts, error, worker, function FROM core_queuedtask WHERE worker <> ''"


class Cursor(Protocol):
    """Django's cursor or psycopg's own."""

    @property
    def rowcount(self) -> int: ...
    def execute(self, query: Any, params: Any = None, /) -> Any: ...
    def fetchone(self) -> Any: ...
    def fetchall(self) -> Any: ...


@dataclass(frozen=True)
class Claim:
    """The right to run a task, until another claim raises `attempts`."""

    queue_id: int
    payload: str
    attempts: int
    error: str


@lru_cache
def _mark(pid: int) -> str:
    return f"{pid}@{psutil.Process(pid).create_time():.2f}"


def name_of_worker(pid: int, main_pid: int) -> str:
    """Host, main process and process, each with the moment it started, as a process number is soon used again."""
    return f"{socket.gethostname()}/{_mark(main_pid)}/{_mark(pid)}"


def this_worker() -> str:
    return name_of_worker(os.getpid(), os.getppid())


def has_ended(worker: str) -> bool:
    """Whether that process of this host is gone; of another host nothing is known."""
    host, _, process = worker.split("/")
    return host == socket.gethostname() and not _lives(process)


def is_orphaned(worker: str) -> bool:
    """Whether its main process is gone too, which would otherwise see to what it ran."""
    return has_ended(worker) and not _lives(worker.split("/")[1])


def _lives(mark: str) -> bool:
    pid = int(mark.partition("@")[0])
    try:
        process = psutil.Process(pid)
        return f"{pid}@{process.create_time():.2f}" == mark and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def claim_next(cursor: Cursor, *, worker: str, key: str = "", at: datetime | None = None) -> Claim | None:
    """The task that is due for longest and that nobody else has; `at` is for tests that travel in time."""
    cursor.execute(
        CLAIM,
        {"key": key or Conf.CLUSTER_NAME, "at": at, "retry": timedelta(seconds=Conf.RETRY), "worker": worker},
    )
    row = cursor.fetchone()
    return Claim(*row) if row else None


def seconds_to_next(cursor: Cursor, *, key: str = "") -> float | None:
    cursor.execute(SECONDS_TO_NEXT, {"key": key or Conf.CLUSTER_NAME})
    seconds: float | None = cursor.fetchone()[0]
    return seconds


def finish(cursor: Cursor, claim: Claim) -> bool:
    """The task is done and can't run again. False: the claim was lost."""
    cursor.execute(FINISH, {"queue_id": claim.queue_id, "fence": claim.attempts})
    return cursor.rowcount == 1


def run_later(cursor: Cursor, claim: Claim, *, delay: timedelta, error: str) -> bool:
    """It failed and may run again after a wait."""
    return _release(cursor, claim, delay=delay, error=error, attempts=claim.attempts)


def give_back(cursor: Cursor, claim: Claim) -> bool:
    """It was stopped through no fault of its own: it runs again at once, and the attempt doesn't count."""
    return _release(cursor, claim, delay=timedelta(), error=claim.error, attempts=claim.attempts - 1)


def fail(cursor: Cursor, claim: Claim, *, error: str, traceback: str = "") -> bool:
    """It won't run again by itself; operators see it and why."""
    cursor.execute(FAIL, {"queue_id": claim.queue_id, "fence": claim.attempts, "error": error, "traceback": traceback})
    return cursor.rowcount == 1


def _release(cursor: Cursor, claim: Claim, *, delay: timedelta, error: str, attempts: int) -> bool:
    cursor.execute(
        RUN_LATER,
        {
            "queue_id": claim.queue_id,
            "fence": claim.attempts,
            "attempts": attempts,
            "delay": delay,
            "error": error,
            "channel": channel(),
        },
    )
    return cursor.fetchone() is not None


def give_back_all(cursor: Cursor, workers: set[str]) -> int:
    """Give back what these ended workers ran, after a stop."""
    return sum(give_back(cursor, claim) for claim, worker, _ in _claimed(cursor) if worker in workers)


def release_dead(cursor: Cursor, deaths: Mapping[str, str]) -> int:
    """Free what these ended workers had claimed, each with the reason for its end.

    A task that used up its attempts has failed; any other runs again.
    """
    return sum(
        _release_crashed(cursor, claim, function, deaths[worker])
        for claim, worker, function in _claimed(cursor)
        if worker in deaths
    )


def release_orphaned(cursor: Cursor) -> int:
    """The same for workers of this host whose main process is gone as well."""
    return sum(
        _release_crashed(cursor, claim, function, "Its worker was ended while it ran.")
        for claim, worker, function in _claimed(cursor)
        if is_orphaned(worker)
    )


def _release_crashed(cursor: Cursor, claim: Claim, function: str, error: str) -> bool:
    try:
        task = task_named(function)
    except UnknownTask as unknown:
        return fail(cursor, claim, error=str(unknown))
    if claim.attempts >= task.attempts:
        return fail(cursor, claim, error=error)
    # The first crash was most likely not the task's fault
    delay = task.delay_after(claim.attempts - 1) if claim.attempts > 1 else timedelta()
    return run_later(cursor, claim, delay=delay, error=error)


def _claimed(cursor: Cursor) -> list[tuple[Claim, str, str]]:
    cursor.execute(CLAIMED)
    return [
        (Claim(queue_id, "", attempts, error), worker, function)
        for queue_id, attempts, error, worker, function in cursor.fetchall()
    ]
