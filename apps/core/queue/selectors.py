"""What waits, runs and failed, for operators, metrics and the doctor. Nothing here loads a package."""

from dataclasses import dataclass
from datetime import timedelta

from django.db import connection
from django.db.models import F, QuerySet
from django_q.conf import Conf

from apps.core.clock import now
from apps.core.queue.models import DelayedTask, RunningTask, Sweep, TaskFailure, WaitingTask


@dataclass(frozen=True)
class Counts:
    queued: int
    running: int
    delayed: int
    failed: int
    sweeps: int
    lag: timedelta | None


# The moment is in django-q2's row, whose package isn't needed here
DUE_AT = F("queue__lock")

COUNTS = """
SELECT count(*) FILTER (WHERE described.worker = '' AND queue.lock <= clock_timestamp()),
       count(*) FILTER (WHERE described.worker <> ''),
       count(*) FILTER (WHERE described.worker = '' AND queue.lock > clock_timestamp()),
       (SELECT count(*) FROM core_taskfailure),
       (SELECT count(*) FROM core_sweep),
       clock_timestamp() - min(queue.lock) FILTER (WHERE described.worker = '' AND queue.lock <= clock_timestamp())
FROM core_queuedtask described JOIN django_q_ormq queue ON queue.id = described.queue_id
"""


def get_counts() -> Counts:
    """How many there are of each; `lag` is since when the longest waiting one could already have run."""
    with connection.cursor() as cursor:
        cursor.execute(COUNTS)
        return Counts(*cursor.fetchone())


def get_lag() -> timedelta:
    """For how long the task that waits longest could already have run; nothing when none waits.

    One look at the index: a row whose lock is past is free, or its worker has been gone for long.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT greatest(clock_timestamp() - min(lock), interval '0') FROM django_q_ormq WHERE key = %s",
            [Conf.CLUSTER_NAME],
        )
        lag: timedelta | None = cursor.fetchone()[0]
    return lag or timedelta()


def list_waiting() -> QuerySet[WaitingTask]:
    """Due and not yet taken, first come first."""
    return WaitingTask.objects.filter(worker="", queue__lock__lte=now()).annotate(due_at=DUE_AT).order_by("due_at")


def list_running() -> QuerySet[RunningTask]:
    return RunningTask.objects.exclude(worker="").annotate(due_at=DUE_AT).order_by("claimed_at")


def list_delayed() -> QuerySet[DelayedTask]:
    """Not due yet, the next one first."""
    return DelayedTask.objects.filter(worker="", queue__lock__gt=now()).annotate(due_at=DUE_AT).order_by("due_at")


def list_failures() -> QuerySet[TaskFailure]:
    return TaskFailure.objects.order_by("-failed_at")


def list_sweeps() -> QuerySet[Sweep]:
    return Sweep.objects.order_by("due_at")
