"""The queue's own cleaning."""

from datetime import timedelta

from django.db import connection

from apps.core.queue.claims import release_orphaned
from apps.core.queue.sweeper import sweep


@sweep(every=timedelta(seconds=2), timeout=timedelta(seconds=20))
def release_tasks_of_dead_clusters() -> None:
    """What a worker had taken that was killed with its main process runs again now, and not after `retry` seconds."""
    with connection.cursor() as cursor:
        release_orphaned(cursor)
