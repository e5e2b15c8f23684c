from collections.abc import Iterator

import pytest
from django.db import connection

from tests.queue.cluster import RunningCluster, running_cluster
from tests.queue.sample_tasks import ALLOWED, TABLE, note


@pytest.fixture
def effects(transactional_db: None) -> Iterator["Effects"]:
    with connection.cursor() as cursor:
        cursor.execute(TABLE)
        cursor.execute("TRUNCATE queue_effect")
    yield Effects()
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE queue_effect")


@pytest.fixture
def cluster(effects: "Effects") -> Iterator[RunningCluster]:
    with running_cluster() as started:
        yield started


class Effects:
    """What tasks did, in order."""

    def rows(self, what: str = "%") -> list[tuple]:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT what, pid, at, request_id, task_id FROM queue_effect"
                " WHERE what LIKE %s AND what <> %s ORDER BY id",
                [what, ALLOWED],
            )
            return cursor.fetchall()

    def count(self, what: str = "%") -> int:
        return len(self.rows(what))

    def allow(self) -> None:
        """Lets `write_once_allowed` come to its end."""
        note(ALLOWED)

    def list(self) -> list[str]:
        return [row[0] for row in self.rows()]
