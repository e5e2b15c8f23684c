"""Finds what no hint reaches: rows whose task was lost, and rows whose worker died in the middle of a step."""

from datetime import timedelta

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext_noop

from apps.core.clock import now
from apps.core.lifecycle import timeline
from apps.core.lifecycle.machine import Machine, Row, all_machines
from apps.core.lifecycle.models import LifecycleEvent
from apps.core.lifecycle.timeline import Kind
from apps.core.lifecycle.waking import hint
from apps.core.queue.sweeper import sweep

# A hint is given this long to be taken from the queue
HINT_COUNTS_FOR = timedelta(seconds=5)
AT_ONCE = 500
KEPT_FOR = timedelta(days=90)
WORKER_ENDED = gettext_noop("The worker that was at this step ended in the middle of it.")


@sweep(every=timedelta(seconds=2), timeout=timedelta(seconds=20))
def find_forgotten_rows() -> None:
    for machine in all_machines():
        hint_again(machine)


@sweep(every=timedelta(hours=1))
def forget_old_timelines() -> None:
    LifecycleEvent.objects.filter(last_at__lt=now() - KEPT_FOR).delete()


@transaction.atomic
def hint_again(machine: Machine[Row]) -> int:
    moment = now()
    rows = machine.model._base_manager.select_for_update(skip_locked=True, of=("self",))
    free = Q(leased_until=None) | Q(leased_until__lte=moment)
    found = rows.filter(free, due_at__lte=moment, hinted_at__lte=moment - HINT_COUNTS_FOR).order_by("due_at")[:AT_ONCE]
    for row in found:
        if row.leased_until is not None:
            timeline.note(
                machine.name, row, Kind.RELEASED, step=row.checkpoint, because=WORKER_ENDED, attempt=row.attempts
            )
        row.hinted_at, row.leased_until = moment, None
        row.save(update_fields=["hinted_at", "leased_until"])
        hint(machine, row.pk)
    return len(found)
