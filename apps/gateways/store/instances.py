from dataclasses import dataclass
from typing import Any

import psycopg

# A process whose connection has ended has ended, or can't hear; its row may stay for a while
RUNNING = """
SELECT instance.id, instance.process, instance.stages, instance.is_ready, instance.revision
FROM imp.instances AS instance
JOIN pg_stat_activity AS activity
  ON activity.pid = instance.backend_pid AND activity.backend_start = instance.backend_start
WHERE %(stage)s = '' OR %(stage)s = ANY(instance.stages)
ORDER BY instance.id
"""


@dataclass(frozen=True)
class RunningInstance:
    """A runtime that is there."""

    id: str
    process: str
    stages: tuple[str, ...]
    is_ready: bool
    # Up to which it has taken what was published
    revision: int


def running_instances(connection: psycopg.Connection[Any], stage: str = "") -> list[RunningInstance]:
    """Those that serve the stage, or all."""
    rows = connection.execute(RUNNING, {"stage": stage}).fetchall()
    return [
        RunningInstance(pk, process, tuple(stages), ready, revision) for pk, process, stages, ready, revision in rows
    ]
