"""Making a row due: it exists with the caller's transaction, as does the hint to the workers."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import BooleanField, ExpressionWrapper, F, Q, QuerySet, Value
from django.db.models.functions import Greatest, Least, Now

from apps.core.clock import now
from apps.core.dispatch import dispatch
from apps.core.lifecycle.machine import Machine, Row

# A hint is given this long to be taken from the queue
HINT_COUNTS_FOR = timedelta(seconds=5)


@transaction.atomic
def wake(machine: Machine[Row], pk: str) -> None:
    """Somebody wants something of it: it's due now, also where it had stopped trying, and its waits begin anew."""
    rows = machine.model._base_manager.filter(pk=pk)
    _make_due(machine, rows, pk, has_stopped=False, attempts=0, checkpoint_at=now())


@transaction.atomic
def nudge(machine: Machine[Row], pk: str) -> None:
    """What it may be waiting for has happened. One at rest, or stopped, stays so."""
    _make_due(machine, machine.model._base_manager.filter(pk=pk, due_at__isnull=False), pk)


@transaction.atomic
def nudge_all(machine: Machine[Row], pks: Iterable[str]) -> None:
    """The same for many, in as many statements as for one. Whoever locks several takes them by their ids, as here."""
    moment = now()
    rows = machine.model._base_manager.filter(pk__in=list(pks), due_at__isnull=False).order_by("pk")
    is_told = ExpressionWrapper(_is_told(moment), output_field=BooleanField())
    locked = rows.select_for_update(no_key=True, of=("self",)).annotate(is_told=is_told)
    found = dict(locked.values_list("pk", "is_told"))
    untold = [pk for pk, is_told in found.items() if not is_told]
    if found:
        machine.model._base_manager.filter(pk__in=list(found)).update(**_due(moment))
    if untold:
        machine.model._base_manager.filter(pk__in=untold).update(hinted_at=moment)
    for pk in untold:
        hint(machine, pk)


def hint(machine: Machine[Row], pk: str, *, delay: timedelta | None = None) -> None:
    from apps.core.lifecycle.tasks import advance_row

    dispatch(advance_row, machine.name, pk, delay=delay)


def due_rows(machine: Machine[Row]) -> QuerySet[Row]:
    """By the database's clock, as the queue goes by it too: a worker whose own is behind mustn't let a hint pass."""
    return machine.model._base_manager.filter(due_at__lte=Greatest(Value(now()), Now()))


def _make_due(machine: Machine[Row], rows: QuerySet[Row], pk: str, **values: Any) -> None:
    moment = now()
    values |= _due(moment)
    if rows.filter(_is_told(moment)).update(**values):
        return
    if rows.update(hinted_at=moment, **values):
        hint(machine, pk)


def _due(moment: datetime) -> dict[str, Any]:
    """Never in the database's future, however far ahead the clock is here."""
    return {"due_at": Least(Value(moment), Now()), "wakes": F("wakes") + 1}


def _is_told(moment: datetime) -> Q:
    """Whoever has it looks at `wakes` when they're done; a hint that waits in the queue is as good as another.

    Nobody was told yet of a row that is new.
    """
    has_hint = Q(leased_until=None, due_at__lte=moment, hinted_at__gt=moment - HINT_COUNTS_FOR, wakes__gt=0)
    return Q(leased_until__gt=moment) | has_hint
