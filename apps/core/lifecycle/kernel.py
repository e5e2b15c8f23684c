"""Takes the lease on a row, makes its moves one after the other, and writes what came of each."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import structlog
from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext_noop

from apps.core.clock import now
from apps.core.leases import Lease, LeaseLost, acquire
from apps.core.lifecycle import timeline
from apps.core.lifecycle.machine import TASK_TIMEOUT, Machine, Move, Retry, Row, Stop
from apps.core.lifecycle.models import Living
from apps.core.lifecycle.timeline import Kind
from apps.core.lifecycle.waking import hint
from apps.core.queue.claims import this_worker
from apps.core.queue.runner import TaskStopped, TaskTimedOut

log = structlog.get_logger(__name__)

# A wait is a tenth of the time waited so far
SHARE_OF_WAIT = 0.1
SHORTEST_WAIT, LONGEST_WAIT = timedelta(seconds=0.2), timedelta(seconds=30)
# How long one task goes on making moves before it lets others have the worker
TURN_SECONDS = 2.0
BECAUSE_OF_ERROR = "%(error)s"
TOOK_TOO_LONG = gettext_noop("It took longer than %(seconds)s s and was ended.")

# What the kernel writes of a row, besides what a move adds
COLUMNS = (
    "phase", "phase_at", "checkpoint", "checkpoint_at", "due_at", "hinted_at", "attempts", "because", "because_of",
    "has_stopped", "leased_until",
)  # fmt: skip


def advance(machine: Machine[Row], pk: str) -> None:
    """Bring a row as far as it goes now. Nothing happens where it isn't due or another is at it."""
    rows = machine.model._base_manager.filter(due_at__lte=now())
    lease = acquire(rows, pk, duration=machine.lease, attempts=F("attempts") + 1)
    if lease is None:
        return
    turn_ends_at = time.monotonic() + TURN_SECONDS
    try:
        while _make_move(machine, lease):
            if time.monotonic() > turn_ends_at:
                _give_way(machine, lease)
                return
            lease.save(leased_until=now() + machine.lease, attempts=F("attempts") + 1)
    except LeaseLost:
        log.info("lease lost", machine=machine.name, row=pk)


def _make_move(machine: Machine[Row], lease: Lease) -> bool:
    """Whether there may be another move to make at once."""
    row = machine.model._base_manager.get(pk=lease.pk)
    move = machine.decide(row)
    if move is None:
        _rest(machine, lease, row)
        return False
    try:
        move.act(row)
    except Retry as wait:
        _wait(machine, lease, row, move, Kind.WAITS, wait.because, wait.parts, wait.after)
    except Stop as stop:
        _stop(machine, lease, row, move, stop)
    except TaskTimedOut:
        limit = {"seconds": round(TASK_TIMEOUT.total_seconds())}
        _wait(machine, lease, row, move, Kind.FAILED, TOOK_TOO_LONG, limit, None)
        raise
    except TaskStopped:
        # Another worker goes on at once
        _give_way(machine, lease)
        raise
    except Exception as error:
        # Whatever a step meets, the row says so and is tried again; the traceback goes to the log
        log.exception("step", machine=machine.name, row=row.pk, step=move.step)
        parts = {"error": f"{type(error).__name__}: {error}"}
        _wait(machine, lease, row, move, Kind.FAILED, BECAUSE_OF_ERROR, parts, None)
    else:
        _go_on(machine, lease, move)
        return True
    return False


def _go_on(machine: Machine[Row], lease: Lease, move: Move[Row]) -> None:
    def change(row: Row) -> Mapping[str, Any]:
        moment = now()
        if move.step:
            ms = round((moment - row.checkpoint_at).total_seconds() * 1000)
            _note(machine, row, Kind.DONE, move, ms=ms, attempt=row.attempts)
        more = move.then(row)
        if move.phase != row.phase:
            row.phase, row.phase_at = move.phase, moment
            timeline.note(machine.name, row, Kind.MOVED, worker=this_worker())
        row.checkpoint, row.checkpoint_at = move.checkpoint, moment
        row.attempts, row.because, row.because_of, row.has_stopped = 0, "", {}, False
        return more

    _write(machine, lease, change)


def _rest(machine: Machine[Row], lease: Lease, seen: Row) -> None:
    def change(row: Row) -> Mapping[str, Any]:
        row.leased_until, row.attempts, row.because, row.because_of = None, 0, "", {}
        row.due_at = None
        _look_again_if_woken(machine, row, seen)
        return {}

    _write(machine, lease, change)


def _wait(
    machine: Machine[Row],
    lease: Lease,
    seen: Row,
    move: Move[Row],
    kind: str,
    because: str,
    parts: Mapping[str, Any],
    after: timedelta | None,
) -> None:
    def change(row: Row) -> Mapping[str, Any]:
        delay = after or _growing_wait(row)
        row.leased_until, row.because, row.because_of = None, because, dict(parts)
        row.due_at = now() + delay
        if not _look_again_if_woken(machine, row, seen):
            row.hinted_at = row.due_at
            hint(machine, row.pk, delay=delay)
        _note(machine, row, kind, move, because, parts, attempt=row.attempts, next_at=row.due_at)
        return {}

    _write(machine, lease, change)


def _stop(machine: Machine[Row], lease: Lease, seen: Row, move: Move[Row], stop: Stop) -> None:
    def change(row: Row) -> Mapping[str, Any]:
        row.leased_until, row.because, row.because_of = None, stop.because, dict(stop.parts)
        row.due_at, row.has_stopped = None, True
        _look_again_if_woken(machine, row, seen)
        _note(machine, row, Kind.STOPPED, move, stop.because, stop.parts, attempt=row.attempts)
        return {}

    _write(machine, lease, change)


def _give_way(machine: Machine[Row], lease: Lease) -> None:
    def change(row: Row) -> Mapping[str, Any]:
        row.leased_until, row.due_at, row.hinted_at = None, now(), now()
        hint(machine, row.pk)
        return {}

    _write(machine, lease, change)


def _write(machine: Machine[Row], lease: Lease, change: Callable[[Row], Mapping[str, Any]]) -> None:
    with _locked(machine, lease) as row:
        more = change(row)
        for name, value in more.items():
            setattr(row, name, value)
        row.save(update_fields=[*COLUMNS, *more])
        machine.changed(row)


@contextmanager
def _locked(machine: Machine[Row], lease: Lease) -> Iterator[Row]:
    """The row as it is now, for a write that nobody comes between; LeaseLost where it's no longer ours."""
    with transaction.atomic():
        rows = machine.model._base_manager.select_for_update(of=("self",))
        row = rows.filter(pk=lease.pk, fence=lease.fence, leased_until__isnull=False).first()
        if row is None:
            raise LeaseLost(f"The lease on {machine.name} {lease.pk} has another holder.")
        yield row


def _look_again_if_woken(machine: Machine[Row], row: Row, seen: Row) -> bool:
    """What made it due while a move was being made found the row leased, and went away."""
    if row.wakes == seen.wakes:
        return False
    row.due_at, row.hinted_at, row.has_stopped = now(), now(), False
    hint(machine, row.pk)
    return True


def _growing_wait(row: Living) -> timedelta:
    return min(max((now() - row.checkpoint_at) * SHARE_OF_WAIT, SHORTEST_WAIT), LONGEST_WAIT)


def _note(
    machine: Machine[Row],
    row: Row,
    kind: str,
    move: Move[Row],
    because: str = "",
    parts: Mapping[str, Any] | None = None,
    **more: Any,
) -> None:
    timeline.note(
        machine.name, row, kind, step=move.step, because=because, because_of=parts, worker=this_worker(), **more
    )
