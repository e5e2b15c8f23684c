"""Runs one claimed task and settles what comes of it."""

import logging
import time
import traceback
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from datetime import timedelta
from enum import StrEnum
from typing import TypeVar

import structlog
from django.db import InterfaceError, OperationalError, connections, transaction
from django_q.conf import Conf

from apps.core import context
from apps.core.queue.claims import Claim, Cursor, fail, finish, give_back, run_later
from apps.core.queue.packages import ForgedPackage, Package, unpack
from apps.core.queue.tasks import Task, UnknownTask, task_named
from apps.core.secret_names import mask_text

log = structlog.get_logger(__name__)

LONGEST_ERROR = 2_000
LONGEST_TRACEBACK = 20_000
BETWEEN_TRIES = 0.25

Result = TypeVar("Result")
Limit = Callable[[timedelta], AbstractContextManager[None]]


class Outcome(StrEnum):
    DONE = "done"
    AGAIN = "again"
    RETURNED = "returned"
    FAILED = "failed"
    LOST = "lost"


class TaskStopped(BaseException):
    """Ends a running task from outside; no task catches it by catching Exception."""


class TaskTimedOut(TaskStopped):
    """The task ran for longer than it may."""


class TaskInterrupted(TaskStopped):
    """The worker is asked to end."""


class ClaimLost(Exception):
    """Another worker has taken the task over; what this one did in the transaction is rolled back."""


def unlimited(timeout: timedelta) -> AbstractContextManager[None]:
    return nullcontext()


def run(claim: Claim, *, limit: Limit = unlimited) -> Outcome:
    """Run the task and settle it; nothing it raises leaves here."""
    try:
        package = unpack(claim.payload)
        task = task_named(package.function)
    except (ForgedPackage, UnknownTask) as refused:
        error = str(refused)
        log.error("task", outcome=str(Outcome.FAILED), queue_id=claim.queue_id, error=error)
        return _settled(Outcome.FAILED, lambda cursor: fail(cursor, claim, error=error))
    with context.bound(request_id=package.request_id, task_id=package.task_id):
        started = time.perf_counter()
        outcome, error_text = _run(claim, task, package, limit)
        log.log(
            _LEVELS[outcome],
            "task",
            function=task.name,
            outcome=str(outcome),
            ms=round((time.perf_counter() - started) * 1000, 1),
            attempt=claim.attempts,
            **({"error": error_text} if error_text else {}),
        )
        return outcome


_LEVELS = {
    Outcome.DONE: logging.INFO,
    Outcome.AGAIN: logging.WARNING,
    Outcome.RETURNED: logging.INFO,
    Outcome.FAILED: logging.ERROR,
    Outcome.LOST: logging.WARNING,
}


def _run(claim: Claim, task: Task, package: Package, limit: Limit) -> tuple[Outcome, str]:
    if claim.attempts > task.attempts:
        # Its worker was on a host that disappeared, so nobody was left to record this
        error = claim.error or "The worker disappeared while it ran."
        return _settled(Outcome.FAILED, lambda cursor: fail(cursor, claim, error=error)), error
    try:
        if task.atomic:
            with transaction.atomic(using=Conf.ORM):
                with limit(task.timeout):
                    task.function(*package.arguments)
                with connections[Conf.ORM].cursor() as cursor:
                    if not finish(cursor, claim):
                        raise ClaimLost
            return Outcome.DONE, ""
        with limit(task.timeout):
            task.function(*package.arguments)
    except ClaimLost:
        return Outcome.LOST, "Another worker has taken it over."
    except TaskInterrupted:
        return _settled(Outcome.RETURNED, lambda cursor: give_back(cursor, claim)), ""
    except (Exception, TaskTimedOut, SystemExit) as error:
        return _settle_error(claim, task, error)
    return _settled(Outcome.DONE, lambda cursor: finish(cursor, claim)), ""


def _settle_error(claim: Claim, task: Task, raised: BaseException) -> tuple[Outcome, str]:
    error = storable(f"{type(raised).__name__}: {_text_of(raised)}")[:LONGEST_ERROR]
    lines = storable("".join(traceback.format_exception(raised)))[-LONGEST_TRACEBACK:]
    if claim.attempts < task.attempts:
        delay = task.delay_after(claim.attempts)
        return _settled(Outcome.AGAIN, lambda cursor: run_later(cursor, claim, delay=delay, error=error)), error
    return _settled(Outcome.FAILED, lambda cursor: fail(cursor, claim, error=error, traceback=lines)), error


def _text_of(raised: BaseException) -> str:
    """An exception of a task's own may fail in its `__str__` too, and in any way."""
    try:
        return str(raised)
    except Exception:
        return "its text can't be made"


def storable(text: str) -> str:
    """PostgreSQL takes no NUL, and half of a surrogate pair is no text; what a task was given may hold both.

    It may also hold a secret, which operators who read the failure needn't know.
    """
    return mask_text(text.replace("\0", "\\0").encode(errors="backslashreplace").decode())


def _settled(outcome: Outcome, settle: Callable[[Cursor], bool]) -> Outcome:
    return outcome if persistently(settle) else Outcome.LOST


def persistently(work: Callable[[Cursor], Result]) -> Result:
    """Do it with the database's cursor, and again until the database is back: what was done must be known."""
    while True:
        try:
            with connections[Conf.ORM].cursor() as cursor:
                return work(cursor)
        except (OperationalError, InterfaceError) as error:
            if connections[Conf.ORM].in_atomic_block:
                raise
            log.warning("task waits for the database", error=str(error).strip())
            connections[Conf.ORM].close()
            time.sleep(BETWEEN_TRIES)
