"""The task that each write brings with it."""

import time

from django.db import connection

from apps.core.queue.tasks import task

# More than the trials kill one task
ATTEMPTS = 50


@task(atomic=True, attempts=ATTEMPTS)
def finish(number: int, seconds: float) -> None:
    """Its row appears together with the mark that it is done, or not at all. No key forbids a second one."""
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO chaos_done (number) VALUES (%s)", [number])
    time.sleep(seconds)
