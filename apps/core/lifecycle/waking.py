"""Making a row due: it exists with the caller's transaction, as does the hint to the workers."""

from datetime import timedelta

from django.db import transaction
from django.db.models import F

from apps.core.clock import now
from apps.core.dispatch import dispatch
from apps.core.lifecycle.machine import Machine, Row
from apps.core.lifecycle.models import Living


@transaction.atomic
def wake(machine: Machine[Row], pk: str) -> None:
    """Somebody wants something of it: it's due now, also where it had stopped trying."""
    _make_due(machine, pk, has_stopped=False, attempts=0)


@transaction.atomic
def nudge(machine: Machine[Row], pk: str) -> None:
    """What it may be waiting for has happened. One at rest, or stopped, stays so."""
    if machine.model._base_manager.filter(pk=pk, due_at__isnull=False).exists():
        _make_due(machine, pk)


def hint(machine: Machine[Row], pk: str, *, delay: timedelta | None = None) -> None:
    from apps.core.lifecycle.tasks import advance_row

    dispatch(advance_row, machine.name, pk, delay=delay)


def _make_due(machine: Machine[Row], pk: str, **values: object) -> None:
    rows = machine.model._base_manager.filter(pk=pk)
    moment = now()
    if rows.update(due_at=moment, hinted_at=moment, wakes=F("wakes") + 1, **values):
        hint(machine, pk)


def is_overdue(row: Living) -> bool:
    return row.due_at is not None and row.due_at <= now()
