"""Takes the lease on a row, makes its moves one after the other, and writes what came of each."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any

import structlog
from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models import F
from psycopg import errors as postgres_errors

from apps.core.clock import now
from apps.core.leases import Lease, LeaseLost, acquire
from apps.core.lifecycle import failures, timeline
from apps.core.lifecycle.machine import TASK_TIMEOUT, TURN, Machine, Move, Retry, Row, Stop
from apps.core.lifecycle.models import Living
from apps.core.lifecycle.timeline import Kind
from apps.core.lifecycle.waking import due_rows, hint
from apps.core.queue.claims import this_worker
from apps.core.queue.runner import TaskStopped, TaskTimedOut, storable

log = structlog.get_logger(__name__)

# A wait is a tenth of the time waited so far
SHARE_OF_WAIT = 0.1
LONGEST_WAIT = timedelta(seconds=30)
LONGEST_MS = 2**31 - 1
# What was done is done: its mark is worth waiting for a database that is started again
WRITE_WITHIN = 4.0
BETWEEN_WRITES = 0.1
# Others wrote the same rows in another order
PASSING = (postgres_errors.DeadlockDetected, postgres_errors.SerializationFailure)

# What the kernel writes of a row, besides what a move adds
COLUMNS = (
    "phase", "phase_at", "checkpoint", "checkpoint_at", "due_at", "hinted_at", "attempts", "because", "because_of",
    "has_stopped", "leased_until",
)  # fmt: skip


def advance(machine: Machine[Row], pk: str) -> None:
    """Bring a row as far as it goes now. Nothing happens where it isn't due or another is at it."""
    lease = acquire(due_rows(machine), pk, duration=machine.lease, holder=this_worker(), attempts=F("attempts") + 1)
    if lease is None:
        return
    turn_ends_at = time.monotonic() + TURN.total_seconds()
    try:
        while _make_move(machine, lease):
            if time.monotonic() > turn_ends_at:
                _give_way(machine, lease)
                return
            lease.save(leased_until=now() + machine.lease, attempts=F("attempts") + 1)
    except LeaseLost:
        log.info("lease lost", machine=machine.name, row=pk)
    except (TaskStopped, OperationalError, InterfaceError):
        _forget_connection()
        # Another worker goes on at once, or this one when the database is back
        with suppress(LeaseLost):
            _give_way(machine, lease)
        raise


def _make_move(machine: Machine[Row], lease: Lease) -> bool:
    """Whether there may be another move to make at once."""
    row = machine.model._base_manager.filter(pk=lease.pk, fence=lease.fence).first()
    if row is None:
        raise LeaseLost(f"{machine.name} {lease.pk} is gone, or has another holder.")
    step = ""
    try:
        move = machine.decide(row)
        if move is None:
            _rest(machine, lease)
            return False
        step = move.step
        move.act(row)
        _go_on(machine, lease, move)
        return True
    except LeaseLost:
        raise
    except Retry as wait:
        _wait(machine, lease, row, step, Kind.WAITS, wait.because, wait.parts, wait.after, wait.shortest)
    except Stop as stop:
        _stop(machine, lease, row, step, stop)
    except TaskTimedOut:
        # The row says it, so the task needn't fail besides; its worker ends all the same
        log.warning("step timed out", machine=machine.name, row=row.pk, step=step)
        _forget_connection()
        limit = {"seconds": round(TASK_TIMEOUT.total_seconds())}
        _wait(machine, lease, row, step, Kind.FAILED, failures.TOOK_TOO_LONG, limit)
    except Exception as error:
        if isinstance(error.__cause__, PASSING):
            _give_way(machine, lease)
            return False
        # Whatever a step meets, the row says so and is tried again; the traceback goes to the log
        log.exception("step", machine=machine.name, row=row.pk, step=step)
        _wait(machine, lease, row, step, Kind.FAILED, *failures.because_of(error))
    return False


def _go_on(machine: Machine[Row], lease: Lease, move: Move[Row]) -> None:
    def change(row: Row) -> Mapping[str, Any]:
        moment = now()
        if move.step:
            # Another host's clock may have been ahead when it came here; and it may have been here for a month
            ms = round((moment - row.checkpoint_at).total_seconds() * 1000)
            ms = min(max(ms, 0), LONGEST_MS)
            timeline.note(
                machine.name, row, Kind.DONE, step=move.step, ms=ms, attempt=row.attempts, worker=this_worker()
            )
        more = move.then(row)
        if move.phase != row.phase:
            row.phase, row.phase_at = move.phase, moment
            timeline.note(machine.name, row, Kind.MOVED, worker=this_worker())
        row.checkpoint, row.checkpoint_at = move.checkpoint, moment
        row.attempts, row.because, row.because_of, row.has_stopped = 0, "", {}, False
        return more

    _write(machine, lease, change, has_moved=True)


def _rest(machine: Machine[Row], lease: Lease) -> None:
    def change(row: Row) -> Mapping[str, Any]:
        row.leased_until, row.attempts, row.because, row.because_of = None, 0, "", {}
        if machine.decide(row) is None:
            row.due_at = None
        else:
            # Somebody wants something since, and found the row leased
            _look_again(machine, row)
        return {}

    _write(machine, lease, change)


def _wait(
    machine: Machine[Row],
    lease: Lease,
    seen: Row,
    step: str,
    kind: str,
    because: str,
    parts: Mapping[str, Any],
    after: timedelta | None = None,
    shortest: timedelta = Retry.shortest,
) -> None:
    def change(row: Row) -> Mapping[str, Any]:
        row.leased_until, row.because, row.because_of = None, because, _plain(parts)
        if row.wakes != seen.wakes:
            _look_again(machine, row)
        else:
            delay = _growing_wait(row, shortest) if after is None else after
            row.due_at = row.hinted_at = now() + delay
            hint(machine, row.pk, delay=delay)
        line = timeline.note(
            machine.name, row, kind, step=step, because=because, because_of=row.because_of, attempt=row.attempts,
            worker=this_worker(), next_at=row.due_at,
        )  # fmt: skip
        row.because_of = timeline.parts_of(line)
        return {}

    _write(machine, lease, change)


def _stop(machine: Machine[Row], lease: Lease, seen: Row, step: str, stop: Stop) -> None:
    def change(row: Row) -> Mapping[str, Any]:
        row.leased_until, row.because, row.because_of = None, stop.because, _plain(stop.parts)
        if row.wakes != seen.wakes:
            _look_again(machine, row)
        else:
            row.due_at, row.has_stopped = None, True
        timeline.note(
            machine.name, row, Kind.STOPPED, step=step, because=stop.because, because_of=row.because_of,
            attempt=row.attempts, worker=this_worker(),
        )  # fmt: skip
        return {}

    _write(machine, lease, change)


def _give_way(machine: Machine[Row], lease: Lease) -> None:
    def change(row: Row) -> Mapping[str, Any]:
        row.leased_until = None
        _look_again(machine, row)
        return {}

    _write(machine, lease, change)


def _look_again(machine: Machine[Row], row: Living) -> None:
    """It's due since this lease was taken, or since what woke it found it leased and went away."""
    row.hinted_at = now()
    hint(machine, row.pk)


def _write(
    machine: Machine[Row], lease: Lease, change: Callable[[Row], Mapping[str, Any]], *, has_moved: bool = False
) -> None:
    give_up_at = time.monotonic() + WRITE_WITHIN
    while True:
        try:
            with _locked(machine, lease) as row:
                more = change(row)
                for name, value in more.items():
                    setattr(row, name, value)
                row.save(update_fields=[*COLUMNS, *more])
                machine.changed(row)
                if has_moved:
                    machine.moved(row)
            return
        except (OperationalError, InterfaceError) as error:
            if time.monotonic() > give_up_at or connection.in_atomic_block:
                raise
            log.warning("row not written", machine=machine.name, row=lease.pk, error=str(error).strip())
            if not isinstance(error.__cause__, PASSING):
                connection.close()
            time.sleep(BETWEEN_WRITES)


@contextmanager
def _locked(machine: Machine[Row], lease: Lease) -> Iterator[Row]:
    """The row as it is now, for a write that nobody comes between; LeaseLost where it's no longer ours."""
    with transaction.atomic():
        rows = machine.model._base_manager.select_for_update(of=("self",))
        row = rows.filter(pk=lease.pk, fence=lease.fence, leased_until__isnull=False).first()
        if row is None:
            raise LeaseLost(f"The lease on {machine.name} {lease.pk} has another holder.")
        yield row


def _forget_connection() -> None:
    """What was ended may have been waiting for the database; a query without its answer blocks the next one."""
    if not connection.in_atomic_block:
        connection.close()


def _growing_wait(row: Living, shortest: timedelta) -> timedelta:
    return min(max((now() - row.checkpoint_at) * SHARE_OF_WAIT, shortest), LONGEST_WAIT)


def _plain(parts: Mapping[str, Any]) -> dict[str, Any]:
    """What a column of JSON takes, whatever a step put together."""
    return {
        name: part if isinstance(part, int | float | bool | None) else storable(str(part))
        for name, part in parts.items()
    }
