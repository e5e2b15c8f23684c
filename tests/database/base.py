"""PostgreSQL as in production, except that a test's clean-up empties all: append-only tables, and the cache."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.management.color import Style
from django.db import OperationalError
from django.db.backends.postgresql import operations
from psycopg.errors import DeadlockDetected

from apps.core.database import base

# The same after each migration, and as the tests' process remembers them
KEPT = {"django_content_type", "auth_permission"}
# Whoever holds a row for longer than this has been left behind by a test, and would be waited for without end
WAITED_FOR = "60s"
TRIES = 5


class DatabaseOperations(operations.DatabaseOperations):
    """Django cleans up after a transactional test by TRUNCATE, which append-only tables refuse.

    It also makes hundreds of files anew, where DELETE takes away the few rows that there are. The lock waits for
    whoever is still at it, as TRUNCATE would, and is asked for again where two wait for each other: a page that was
    left may have sent something last. Triggers that refuse rest meanwhile: it is one transaction, and they are always
    on again after it. Counted tries and used codes lie in the cache's table, which has no model, so Django would pass
    it over.
    """

    def sql_flush(self, style: Style, tables: Sequence[str], **options: Any) -> list[str]:
        emptied = sorted({*tables, settings.CACHES["default"]["LOCATION"]} - KEPT)
        quoted = [self.quote_name(table) for table in emptied]
        triggers = self._always_on(emptied)
        statements = [
            f"SET LOCAL lock_timeout = '{WAITED_FOR}'",
            f"LOCK TABLE {', '.join(quoted)} IN ACCESS EXCLUSIVE MODE",
            *(f'ALTER TABLE "{table}" DISABLE TRIGGER "{name}"' for table, name in triggers),
            *(f"DELETE FROM {table}" for table in quoted),
            # Or the triggers couldn't be woken: checks of what refers to these rows are waiting
            "SET CONSTRAINTS ALL IMMEDIATE",
            *(f'ALTER TABLE "{table}" ENABLE ALWAYS TRIGGER "{name}"' for table, name in triggers),
        ]
        return ["; ".join(statements)]

    def execute_sql_flush(self, sql_list: Sequence[str]) -> None:
        for left in reversed(range(TRIES)):
            try:
                super().execute_sql_flush(sql_list)
            except OperationalError as error:
                if not left or not isinstance(error.__cause__, DeadlockDetected):
                    raise AssertionError(f"Not emptied after a test: {error}Others in it:\n{self._others()}") from error
            else:
                return

    def _always_on(self, tables: Sequence[str]) -> list[tuple[str, str]]:
        with self.connection.cursor() as cursor:
            cursor.execute(
                "SELECT tgrelid::regclass::text, tgname FROM pg_trigger"
                " WHERE tgenabled = 'A' AND tgrelid = ANY (%s::regclass[])",
                [list(tables)],
            )
            return [(str(table), str(name)) for table, name in cursor.fetchall()]

    def _others(self) -> str:
        with self.connection.cursor() as cursor:
            cursor.execute(
                "SELECT pid, application_name, state, now() - state_change, query FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            return "\n".join(" ".join(map(str, row)) for row in cursor.fetchall())


class DatabaseWrapper(base.DatabaseWrapper):
    ops_class = DatabaseOperations
