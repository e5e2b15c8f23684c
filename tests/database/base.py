from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.management.color import Style
from django.db.backends.postgresql import operations

from apps.core.database import base


class DatabaseOperations(operations.DatabaseOperations):
    """Django cleans up after a transactional test by TRUNCATE, which append-only tables refuse.

    Their triggers rest for that statement alone: it is one transaction, and they are always on again after it.
    Counted tries and used codes lie in the cache's table, which has no model, so Django would pass it over.
    """

    def sql_flush(self, style: Style, tables: Sequence[str], **options: Any) -> list[str]:
        statements = super().sql_flush(style, [*tables, settings.CACHES["default"]["LOCATION"]], **options)
        if not statements:
            return statements
        triggers = self._always_on(tables)
        rest = [f'ALTER TABLE "{table}" DISABLE TRIGGER "{name}"' for table, name in triggers]
        wake = [f'ALTER TABLE "{table}" ENABLE ALWAYS TRIGGER "{name}"' for table, name in triggers]
        return [*rest, *statements, *wake]

    def _always_on(self, tables: Sequence[str]) -> list[tuple[str, str]]:
        with self.connection.cursor() as cursor:
            cursor.execute(
                "SELECT tgrelid::regclass::text, tgname FROM pg_trigger"
                " WHERE tgenabled = 'A' AND tgrelid = ANY (%s::regclass[])",
                [list(tables)],
            )
            return [(str(table), str(name)) for table, name in cursor.fetchall()]


class DatabaseWrapper(base.DatabaseWrapper):
    ops_class = DatabaseOperations
