"""A database that is one step behind the code."""

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.recorder import MigrationRecorder


def forget_newest_migration(connection: BaseDatabaseWrapper, app: str = "core") -> str:
    """Make the database believe that this app's newest migration wasn't applied; returns its name."""
    recorder = MigrationRecorder(connection)
    newest: str = recorder.migration_qs.filter(app=app).latest("name").name
    recorder.record_unapplied(app, newest)
    return newest
