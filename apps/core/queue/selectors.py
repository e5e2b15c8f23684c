"""What waits, runs and failed, for operators, metrics and the doctor. Nothing here loads a package."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection
from django.db.models import QuerySet
from django_q.conf import Conf

from apps.core.clock import now
from apps.core.queue.models import QueuedTask, Sweep, TaskFailure


@dataclass(frozen=True)
class Counts:
    queued: int
    running: int
    delayed: int
    failed: int
    oldest_due_at: datetime | None


COUNTS = """
SELECT count(*) FILTER (WHERE described.worker = '' AND queue.lock <= clock_timestamp()),
       count(*) FILTER (WHERE described.worker <> ''),
       count(*) FILTER (WHERE described.worker = '' AND queue.lock > clock_timestamp()),
       (SELECT count(*) FROM core_taskfailure),
       min(queue.lock) FILTER (WHERE described.worker = '' AND queue.lock <= clock_timestamp())
FROM core_queuedtask described JOIN django_q_ormq queue ON queue.id = described.queue_id
"""


def get_counts() -> Counts:
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


def list_queued() -> QuerySet[QueuedTask]:
    """Due and not yet taken, first come first."""
    return QueuedTask.objects.filter(worker="", queue__lock__lte=now()).order_by("queue__lock")


def list_running() -> QuerySet[QueuedTask]:
    return QueuedTask.objects.exclude(worker="").order_by("claimed_at")


def list_delayed() -> QuerySet[QueuedTask]:
    """Not due yet: delayed by whoever queued them, or waiting to be tried again."""
    return QueuedTask.objects.filter(worker="", queue__lock__gt=now()).order_by("queue__lock")


def list_failures() -> QuerySet[TaskFailure]:
    return TaskFailure.objects.order_by("-failed_at")


def list_sweeps() -> QuerySet[Sweep]:
    return Sweep.objects.order_by("due_at")
