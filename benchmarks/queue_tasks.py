"""The task that the queue's benchmark runs on both sides."""

import time

from django.db import connection

from apps.core.queue.tasks import task


@task
def mark_start(number: int) -> None:
    started_at = time.time()
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO bench_start (number, started_at) VALUES (%s, %s)", [number, started_at])
