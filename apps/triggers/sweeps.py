from datetime import timedelta

from django.db import connection

from apps.core.queue.sweeper import sweep

# Of each trigger's ended runs, the newest
KEPT = 100
BATCH = 10_000
PRUNE = """
DELETE FROM triggers_triggerrun WHERE id IN (
    SELECT id FROM (
        SELECT id, outcome, row_number() OVER (PARTITION BY trigger_id ORDER BY due_at DESC, id DESC) AS place
        FROM triggers_triggerrun
    ) AS placed WHERE place > %(kept)s AND outcome NOT IN ('waiting', 'running') LIMIT %(batch)s
)
"""


@sweep(every=timedelta(minutes=1), timeout=timedelta(seconds=30))
def forget_old_runs() -> None:
    with connection.cursor() as cursor:
        cursor.execute(PRUNE, {"kept": KEPT, "batch": BATCH})
