"""What the platform keeps in a gateway's own database: made, and brought to this release's form."""

from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from apps.gateways.databases import make_runtime_role, runtime_role_of

# Each takes the schema from the version before to the one that is its place here, counted from 1
STEPS = tuple((Path(__file__).parent / name).read_text() for name in ("schema.sql",))
GRANTS = (Path(__file__).parent / "grants.sql").read_text()


def prepare(name: str, runtime_password: str) -> None:
    """The role of its runtimes and schema `imp`, also in a database that was made before, or brought back since.

    Busy: another session is at that database.
    """
    with make_runtime_role(name, runtime_password) as connection, connection.transaction():
        for step in STEPS[version_of(connection) :]:
            connection.execute(step)
        connection.execute(
            "INSERT INTO imp.schema_version (version) VALUES (%s) ON CONFLICT (one) DO UPDATE"
            " SET version = excluded.version WHERE imp.schema_version.version < excluded.version",
            [len(STEPS)],
        )
        # Each time: a role that was lost and made anew has none of them
        grants = sql.SQL(GRANTS)
        connection.execute(grants.format(runtime=sql.Identifier(runtime_role_of(name))))


def version_of(connection: psycopg.Connection[Any]) -> int:
    """0: there is nothing of it yet."""
    row = connection.execute("SELECT to_regclass('imp.schema_version')").fetchone()
    if row is None or row[0] is None:
        return 0
    row = connection.execute("SELECT version FROM imp.schema_version").fetchone()
    return int(row[0]) if row else 0
