"""Tasks for the tests of the queue. What they do is written into a table that the tests make."""

import contextlib
import ctypes
import os
import signal
import time
from datetime import timedelta

from django.db import connection

from apps.core import context
from apps.core.dispatch import dispatch
from apps.core.queue.tasks import task

TABLE = """
CREATE TABLE IF NOT EXISTS queue_effect (
    id bigserial PRIMARY KEY, what text, pid integer, request_id text, task_id text,
    at timestamptz DEFAULT clock_timestamp()
)
"""


# The row that `write_once_allowed` waits for
ALLOWED = "allowed"


def note(what: str) -> None:
    known = context.current()
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO queue_effect (what, pid, request_id, task_id) VALUES (%s, %s, %s, %s)",
            [what, os.getpid(), known.request_id, known.task_id],
        )


@task
def write(what: str) -> None:
    note(what)


@task(timeout=timedelta(seconds=15))
def write_slowly(what: str, seconds: float) -> None:
    note(f"{what} starts")
    time.sleep(seconds)
    note(f"{what} ends")


@task(timeout=timedelta(seconds=60))
def write_once_allowed(what: str) -> None:
    """Is busy for as long as the test wants it to be."""
    note(f"{what} starts")
    is_allowed = False
    while not is_allowed:
        time.sleep(0.02)
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM queue_effect WHERE what = %s", [ALLOWED])
            is_allowed = cursor.fetchone() is not None
    note(f"{what} ends")


@task(atomic=True, attempts=100, first_delay=timedelta(milliseconds=10))
def write_in_one_transaction(what: str, seconds: float) -> None:
    note(what)
    dispatch(write_exactly_once, f"after {what}")
    time.sleep(seconds)


@task(atomic=True, attempts=100, first_delay=timedelta(milliseconds=10))
def write_exactly_once(what: str) -> None:
    note(what)


@task(attempts=3, first_delay=timedelta(milliseconds=200))
def fail_always(what: str) -> None:
    note(what)
    raise ValueError(f"{what} can't work")


@task(attempts=3, first_delay=timedelta(milliseconds=50))
def fail_twice(what: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM queue_effect WHERE what = %s", [what])
        before = cursor.fetchone()[0]
    note(what)
    if before < 2:
        raise ValueError(what)


@task(attempts=3, first_delay=timedelta(milliseconds=50))
def kill_own_process(what: str) -> None:
    note(what)
    os.kill(os.getpid(), signal.SIGKILL)


@task(attempts=1, timeout=timedelta(seconds=1))
def sleep_too_long(what: str) -> None:
    note(what)
    time.sleep(60)


@task(attempts=1, timeout=timedelta(seconds=1))
def ignore_timeout(what: str) -> None:
    """As C code does that never comes back to Python: the alarm stays unheard."""
    note(what)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM, signal.SIGTERM})
    ctypes.CDLL(None).sleep(60)


@task(attempts=1, timeout=timedelta(seconds=60))
def hear_nothing(what: str) -> None:
    ignore_timeout(what)


@task(attempts=1, timeout=timedelta(seconds=1))
def swallow_every_exception(what: str) -> None:
    note(what)
    while True:
        with contextlib.suppress(Exception):
            time.sleep(60)


@task
def leave_a_dead_connection(what: str) -> None:
    """As when the database restarts between two tasks."""
    note(what)
    assert connection.connection is not None
    pid = connection.connection.info.backend_pid
    with contextlib.suppress(Exception), connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s)", [pid])
