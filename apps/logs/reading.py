"""Reading lines over a connection to a gateway's own database. Who may is asked before."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import psycopg
from psycopg import sql
from psycopg.errors import QueryCanceled

from apps.core.clock import now
from apps.logs.lines import COLUMNS, LogFilter, LogLine

# A search that finds little in much ends here, and says so
WITHIN_MS = 4_000
# Rows of a runtime whose clock is ahead; without an end, no partition of the days to come could be left out
AHEAD = timedelta(days=1)

# What comes again and again is one line with its number; its newest call is the one to look at
REPEATED = f"""
WITH newest AS (
    SELECT {COLUMNS} FROM imp.logs
    WHERE level IN ('warn', 'error') AND at >= %(since)s AND at < %(ahead)s
    ORDER BY at DESC, id DESC LIMIT %(among)s
), told AS (
    SELECT newest.*, count(*) OVER same AS times, row_number() OVER (same ORDER BY at DESC, id DESC) AS place
    FROM newest WINDOW same AS (PARTITION BY stage, function, version = 0, level, text)
)
SELECT times, (SELECT count(*) FROM newest), {COLUMNS} FROM told WHERE place = 1
ORDER BY at DESC, id DESC LIMIT %(limit)s
"""  # noqa: S608 (all written above)

Position = tuple[datetime, int]


class TookTooLong(Exception):
    """The search was ended; a shorter time or fewer words make it quicker."""


@dataclass(frozen=True)
class Found:
    """By time. Where the lines go on, in either direction, as far as it's known."""

    lines: list[LogLine]
    has_older: bool
    has_newer: bool
    # What the reading had seen: whoever follows from there misses nothing and gets nothing twice
    snapshot: str


def read_lines(
    connection: "psycopg.Connection[Any]",
    wanted: LogFilter,
    *,
    before: Position | None = None,
    after: Position | None = None,
    limit: int,
    within_ms: int = WITHIN_MS,
) -> Found:
    """The newest, or those that come before or after a position."""
    conditions, values = wanted.conditions()
    forwards = after is not None
    position = after if forwards else before
    if position is not None:
        conditions.append(f"(at, id) {'>' if forwards else '<'} (%(at)s, %(id)s)")
        values |= {"at": position[0], "id": position[1]}
    if wanted.until is None:
        conditions.append("at < %(ahead)s")
        values["ahead"] = now() + AHEAD
    order = "ASC" if forwards else "DESC"
    query = (
        f"SELECT {COLUMNS} FROM imp.logs WHERE {' AND '.join(conditions) or 'true'} "  # noqa: S608 (all written above)
        f"ORDER BY at {order}, id {order} LIMIT %(limit)s"
    )
    with connection.transaction():
        # Both statements see the same
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        connection.execute(sql.SQL("SET LOCAL statement_timeout TO {}").format(sql.Literal(within_ms)))
        row = connection.execute("SELECT pg_current_snapshot()::text").fetchone()
        assert row is not None
        try:
            rows = connection.execute(query, {**values, "limit": limit + 1}).fetchall()
        except QueryCanceled:
            raise TookTooLong from None
    has_more = len(rows) > limit
    lines = [LogLine.of(each) for each in rows[:limit]]
    if not forwards:
        lines.reverse()
    return Found(
        lines,
        has_older=has_more if not forwards else True,
        has_newer=has_more if forwards else before is not None,
        snapshot=str(row[0]),
    )


@dataclass(frozen=True)
class Repeated:
    """The newest of lines that say the same, and how many do."""

    line: LogLine
    times: int


@dataclass(frozen=True)
class Warned:
    """The newest first. `among`: of how many lines these are."""

    lines: list[Repeated]
    among: int


def read_warned(
    connection: "psycopg.Connection[Any]", *, since: datetime, limit: int, among: int, within_ms: int
) -> Warned:
    """Warnings and errors, each once; a flood is counted as far as `among` goes."""
    values = {"since": since, "ahead": now() + AHEAD, "among": among, "limit": limit}
    with connection.transaction():
        connection.execute(sql.SQL("SET LOCAL statement_timeout TO {}").format(sql.Literal(within_ms)))
        try:
            rows = connection.execute(REPEATED, values).fetchall()
        except QueryCanceled:
            raise TookTooLong from None
    found = [Repeated(LogLine.of(row), times) for times, _, *row in rows]
    return Warned(found, rows[0][1] if rows else 0)


def read_call(connection: "psycopg.Connection[Any]", request_id: str, *, limit: int = 1_000) -> list[LogLine]:
    """All that one call wrote, by time."""
    if not request_id:
        return []
    found = read_lines(connection, LogFilter(request_id=request_id), limit=limit)
    return found.lines


def read_on(
    connection: "psycopg.Connection[Any]", wanted: LogFilter, *, most: int, at_once: int = 2_000
) -> Iterator[LogLine]:
    """From the newest to the oldest, in pieces, so that no statement takes long and nothing is kept in memory."""
    before: Position | None = None
    left = most
    while left > 0:
        found = read_lines(connection, wanted, before=before, limit=min(at_once, left))
        yield from reversed(found.lines)
        left -= len(found.lines)
        if not found.has_older or not found.lines:
            return
        before = (found.lines[0].at, found.lines[0].id)
