"""Finds what no hint reaches: rows whose task was lost, and rows whose worker died in the middle of a step."""

from collections.abc import Collection
from datetime import timedelta

import structlog
from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext_noop

from apps.core.clock import now
from apps.core.lifecycle import timeline
from apps.core.lifecycle.machine import Machine, Row, all_machines
from apps.core.lifecycle.models import LifecycleEvent
from apps.core.lifecycle.timeline import Kind
from apps.core.lifecycle.waking import HINT_COUNTS_FOR, due_rows, hint
from apps.core.queue.claims import has_ended
from apps.core.queue.selectors import list_waiting
from apps.core.queue.sweeper import sweep

log = structlog.get_logger(__name__)

AT_ONCE = 500
KEPT_FOR = timedelta(days=90)
WORKER_ENDED = gettext_noop("The worker that was at this step ended in the middle of it.")


# Short, so that a host that vanishes with this sweep doesn't hold it up for longer than a lease
@sweep(every=timedelta(seconds=2), timeout=timedelta(seconds=8))
def find_forgotten_rows() -> None:
    for machine in all_machines():
        try:
            hint_again(machine)
        except Exception:
            # The rows of the others are still found
            log.exception("rows not looked for", machine=machine.name)


@sweep(every=timedelta(hours=1))
def forget_old_timelines() -> None:
    LifecycleEvent.objects.filter(last_at__lt=now() - KEPT_FOR).delete()


@transaction.atomic
def hint_again(machine: Machine[Row]) -> int:
    """The number of rows that a worker was told of."""
    moment = now()
    free = Q(leased_until=None) | Q(leased_until__lte=moment)
    forgotten = free & Q(hinted_at__lte=moment - HINT_COUNTS_FOR)
    left = Q(leased_until__gt=moment, leased_by__in=_ended_holders(machine))
    rows = due_rows(machine).select_for_update(skip_locked=True, of=("self",))
    found = list(rows.filter(forgotten | left).order_by("due_at")[:AT_ONCE])
    for row in found:
        if row.leased_until is not None:
            _release(machine, row)
    ids = [row.pk for row in found]
    machine.model._base_manager.filter(pk__in=ids).update(hinted_at=moment)
    # While the queue is long a row's hint may wait in it; another would only make it longer
    untold = set(ids) - _with_hint(machine, ids) if ids else set()
    for pk in sorted(untold, key=ids.index):
        hint(machine, pk)
    return len(untold)


def _ended_holders(machine: Machine[Row]) -> list[str]:
    """Workers of this host that are gone and hold rows: nobody needs to wait for the end of their leases."""
    held = due_rows(machine).filter(leased_until__gt=now()).exclude(leased_by="")
    return [worker for worker in held.values_list("leased_by", flat=True).distinct() if has_ended(worker)]


def _release(machine: Machine[Row], row: Row) -> None:
    machine.model._base_manager.filter(pk=row.pk).update(leased_until=None)
    try:
        move = machine.decide(row)
    except Exception:
        # A row that can't be decided about says so when a worker tries it
        move = None
    step = move.step if move else ""
    timeline.note(machine.name, row, Kind.RELEASED, step=step, because=WORKER_ENDED, attempt=row.attempts)


def _with_hint(machine: Machine[Row], ids: Collection[str]) -> set[str]:
    from apps.core.lifecycle.tasks import advance_row

    name = f"{advance_row.__module__}.{advance_row.__qualname__}"
    waiting = list_waiting().filter(function=name, arguments__machine_name=machine.name, arguments__row_id__in=ids)
    return set(waiting.values_list("arguments__row_id", flat=True))
