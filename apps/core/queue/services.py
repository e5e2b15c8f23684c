"""What operators may do to tasks. Whoever calls these checks who asks and records it, in the same transaction."""

from collections.abc import Collection

from django.db import connection, transaction

from apps.core.notify import notify
from apps.core.queue.broker import channel, push
from apps.core.queue.models import QueuedTask, TaskFailure

# Both rows are locked, and one that a worker is just taking is passed over
FREE = """
SELECT described.queue_id FROM core_queuedtask described JOIN django_q_ormq queue ON queue.id = described.queue_id
WHERE described.queue_id = ANY(%s) AND described.worker = '' FOR UPDATE SKIP LOCKED
"""


@transaction.atomic
def retry_failures(*, task_ids: Collection[str]) -> list[TaskFailure]:
    """Queue them again under their old ids, with all their attempts; returns those that were still there."""
    failures = list(TaskFailure.objects.select_for_update(skip_locked=True).filter(pk__in=task_ids))
    for failure in failures:
        push(
            payload=failure.payload,
            task_id=failure.task_id,
            function=failure.function,
            arguments=failure.arguments,
            request_id=failure.request_id,
        )
    TaskFailure.objects.filter(pk__in=[failure.pk for failure in failures]).delete()
    return failures


@transaction.atomic
def drop_failures(*, task_ids: Collection[str]) -> list[TaskFailure]:
    """Forget them for good."""
    failures = list(TaskFailure.objects.select_for_update(skip_locked=True).filter(pk__in=task_ids))
    TaskFailure.objects.filter(pk__in=[failure.pk for failure in failures]).delete()
    return failures


@transaction.atomic
def run_now(*, queue_ids: Collection[int]) -> list[QueuedTask]:
    """Let delayed tasks run at once; those that a worker has already taken are left alone."""
    tasks = _lock_free(queue_ids)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE django_q_ormq SET lock = clock_timestamp() WHERE id = ANY(%s)", [[task.pk for task in tasks]]
        )
    notify(channel())
    return tasks


@transaction.atomic
def cancel_tasks(*, queue_ids: Collection[int]) -> list[QueuedTask]:
    """Remove tasks from the queue before they run; those that a worker has already taken are left alone."""
    tasks = _lock_free(queue_ids)
    with connection.cursor() as cursor:
        for table, column in (("core_queuedtask", "queue_id"), ("django_q_ormq", "id")):
            cursor.execute(
                f"DELETE FROM {table} WHERE {column} = ANY(%s)",  # noqa: S608 (both are written above)
                [[task.pk for task in tasks]],
            )
    return tasks


def _lock_free(queue_ids: Collection[int]) -> list[QueuedTask]:
    with connection.cursor() as cursor:
        cursor.execute(FREE, [list(queue_ids)])
        free = [row[0] for row in cursor.fetchall()]
    return list(QueuedTask.objects.filter(pk__in=free))
