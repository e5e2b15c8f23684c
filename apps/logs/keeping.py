"""A gateway's log is a partition for each day: made ahead, and dropped whole once it's old or there is too much of it.

All of it is done in the gateway's own database, each part in a transaction of its own: what is cut off is repeated.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import psycopg
from psycopg import sql

# Should no sweep run for two days, lines go where they belong all the same
AHEAD = timedelta(days=3)
# Who writes or reads may be kept waiting for so long; the next sweep tries again
LOCK_WITHIN_MS = 2_000
WITHIN_MS = 30_000
MEGABYTE = 1024 * 1024
REST = "logs_rest"
_OF_DAY = re.compile(r"logs_(\d{8})")
# With indexes, the newest day first, what is in no day's at the end
PARTITIONS = """
SELECT child.relname, pg_total_relation_size(child.oid)
FROM pg_inherits JOIN pg_class child ON child.oid = inhrelid
WHERE inhparent = 'imp.logs'::regclass ORDER BY child.relname DESC
"""
DAYS_IN_REST = "SELECT DISTINCT (at AT TIME ZONE 'UTC')::date FROM imp.logs_rest"


@dataclass(frozen=True)
class Kept:
    """What a look at the log has done, for whoever looks on."""

    made: int = 0
    dropped: tuple[date, ...] = ()
    cut: date | None = None
    bytes: int = 0


def keep(connection: "psycopg.Connection[Any]", *, today: date, days: int, megabytes: int) -> Kept:
    """Make the partitions of the days to come, put lines where they belong, drop what is too old or too much."""
    made = _settle(connection, today=today, days=days)
    dropped = [day for day, _ in _days(connection) if day <= today - timedelta(days=days)]
    for day in dropped:
        _drop(connection, day)
    most = megabytes * MEGABYTE
    found = _days(connection)
    total = sum(size for _, size in found)
    # The oldest first; today's is never dropped as a whole
    for day, size in reversed(found):
        if total <= most or day >= today:
            break
        _drop(connection, day)
        dropped.append(day)
        total -= size
    cut = today if total > most and _cut(connection, today, most=most) else None
    return Kept(made, tuple(dropped), cut, sum(size for _, size in _days(connection)))


def _settle(connection: "psycopg.Connection[Any]", *, today: date, days: int) -> int:
    """Days within what is kept get a partition; what is older, or can't be of any day yet, has no place."""
    first, last = today - timedelta(days=days - 1), today + AHEAD
    made = _make(connection, today, last)
    with _patient(connection):
        strays = sorted(day for (day,) in connection.execute(DAYS_IN_REST).fetchall())
    for day in strays:
        if first <= day <= last:
            made += _make(connection, day, day)
    if any(day < first or day > last for day in strays):
        with _patient(connection):
            connection.execute(
                "DELETE FROM imp.logs_rest WHERE at < %s OR at >= %s",
                [_begin(first), _begin(last + timedelta(days=1))],
            )
    return made


def _make(connection: "psycopg.Connection[Any]", first: date, last: date) -> int:
    with _patient(connection):
        row = connection.execute("SELECT imp.make_log_days(%s, %s)", [first, last]).fetchone()
    return int(row[0]) if row else 0


def _drop(connection: "psycopg.Connection[Any]", day: date) -> None:
    with _patient(connection):
        connection.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(_table(day)))


def _cut(connection: "psycopg.Connection[Any]", day: date, *, most: int) -> bool:
    """Keep the newest half of what fits of a day. Deleting alone would leave the file as large as it is."""
    name, fresh = _table(day), sql.Identifier("imp", f"{_table_name(day)}_fresh")
    with _patient(connection):
        connection.execute(sql.SQL("LOCK TABLE imp.logs, {} IN ACCESS EXCLUSIVE MODE").format(name))
        row = connection.execute(
            sql.SQL("SELECT count(*), pg_total_relation_size({}::regclass) FROM {}").format(
                sql.Literal(f"imp.{_table_name(day)}"), name
            )
        ).fetchone()
        assert row is not None
        lines, size = row
        if size <= most:
            return False
        connection.execute(sql.SQL("CREATE TABLE {} (LIKE imp.logs INCLUDING DEFAULTS)").format(fresh))
        connection.execute(
            sql.SQL("INSERT INTO {} SELECT * FROM {} ORDER BY at DESC, id DESC LIMIT {}").format(
                fresh, name, sql.Literal(int(lines * most / size / 2))
            )
        )
        connection.execute(sql.SQL("DROP TABLE {}").format(name))
        connection.execute(sql.SQL("ALTER TABLE {} RENAME TO {}").format(fresh, sql.Identifier(_table_name(day))))
        connection.execute(
            sql.SQL("ALTER TABLE imp.logs ATTACH PARTITION {} FOR VALUES FROM ({}) TO ({})").format(
                name, sql.Literal(_begin(day)), sql.Literal(_begin(day + timedelta(days=1)))
            )
        )
    return True


def _days(connection: "psycopg.Connection[Any]") -> list[tuple[date, int]]:
    """The partitions of days with their size, the newest first."""
    with _patient(connection):
        rows = connection.execute(PARTITIONS).fetchall()
    found = []
    for name, size in rows:
        if match := _OF_DAY.fullmatch(name):
            found.append((datetime.strptime(match[1], "%Y%m%d").date(), int(size)))  # noqa: DTZ007 (a date)
    return found


def _table_name(day: date) -> str:
    return f"logs_{day:%Y%m%d}"


def _table(day: date) -> sql.Identifier:
    return sql.Identifier("imp", _table_name(day))


def _begin(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


@contextmanager
def _patient(connection: "psycopg.Connection[Any]") -> Iterator[None]:
    """A transaction that ends by itself instead of keeping others waiting."""
    with connection.transaction():
        connection.execute(
            sql.SQL(
                "SET LOCAL lock_timeout TO {}; SET LOCAL statement_timeout TO {}; SET LOCAL TIME ZONE 'UTC'"
            ).format(sql.Literal(LOCK_WITHIN_MS), sql.Literal(WITHIN_MS))
        )
        yield
