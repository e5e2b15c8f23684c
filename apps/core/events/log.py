"""Reading the log of events: what is new since a position, and what lies between two."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import connection
from django.db.models.functions import Now

from apps.core.events.models import Event
from apps.core.events.position import Position

# A client that was away for longer starts afresh. Half of the retention, so that an event that was written by a
# transaction of up to half an hour is still there for everyone who may ask for it.
RETENTION = timedelta(hours=1)
REPLAY = RETENTION / 2
# More than this at once is not worth telling one by one
MOST_AT_ONCE = 5_000
MOST_REPLAYED = 500


@dataclass(frozen=True, slots=True)
class Entry:
    id: int
    topic: str
    kind: str
    ref: str
    tenant_id: str = ""

    def message(self) -> bytes:
        """As the stream tells it, without the id and the empty line that end it."""
        data = json.dumps({"topic": self.topic, "kind": self.kind, "ref": self.ref}, separators=(",", ":"))
        return f"data: {data}\n".encode()


_START = """
SELECT pg_current_snapshot()::text, extract(epoch FROM clock_timestamp())::bigint,
       (SELECT coalesce(max(id), 0) FROM core_event)
"""

_NEW = """
SELECT pg_current_snapshot()::text, extract(epoch FROM clock_timestamp())::bigint, event.*
FROM (VALUES (1)) AS always
LEFT JOIN (
    SELECT id, topic, kind, ref, tenant_id FROM core_event
    WHERE id > %(last_id)s
       OR transaction >= %(next_transaction)s::text::xid8
       OR transaction = ANY(%(running)s::text[]::xid8[])
    ORDER BY id LIMIT %(limit)s
) AS event ON true
ORDER BY event.id
"""

_BETWEEN = """
SELECT id, topic, kind, ref, tenant_id FROM core_event
WHERE topic = ANY(%(topics)s)
  AND (tenant_id = '' OR %(everywhere)s OR tenant_id = ANY(%(tenants)s))
  AND (id > %(last_id)s
       OR transaction >= %(next_transaction)s::text::xid8
       OR transaction = ANY(%(running)s::text[]::xid8[]))
  AND id <= %(until_id)s
  AND transaction < %(until_transaction)s::text::xid8
  AND NOT transaction = ANY(%(until_running)s::text[]::xid8[])
ORDER BY id LIMIT %(limit)s
"""


async def take_position(database: Any) -> Position:
    """Now, by an async connection of psycopg."""
    cursor = await database.execute(_START)
    snapshot, at, last_id = await cursor.fetchone()
    return Position.from_snapshot(at=at, last_id=last_id, snapshot=snapshot)


async def read_new(database: Any, since: Position) -> tuple[list[Entry] | None, Position]:
    """What was committed since then, by id, and the position after it. None instead of too much to tell."""
    cursor = await database.execute(_NEW, {**_parameters(since), "limit": MOST_AT_ONCE + 1})
    rows = await cursor.fetchall()
    snapshot, at = rows[0][:2]
    entries = [Entry(*row[2:]) for row in rows if row[2] is not None]
    if len(entries) > MOST_AT_ONCE or at - since.at > REPLAY.total_seconds():
        return None, await take_position(database)
    last_id = max([since.last_id, *(entry.id for entry in entries)])
    return entries, Position.from_snapshot(at=at, last_id=last_id, snapshot=snapshot)


def read_between(
    since: Position, until: Position, topics: Iterable[str], *, tenants: frozenset[str] | None = frozenset()
) -> list[Entry] | None:
    """What a client missed between two positions; None where it can't be told any more."""
    if since == until:
        return []
    if until.at - since.at > REPLAY.total_seconds() or since.is_after(until):
        return None
    parameters = {
        **_parameters(since),
        "topics": list(topics),
        "tenants": list(tenants or ()),
        "everywhere": tenants is None,
        "until_id": until.last_id,
        "until_transaction": str(until.next_transaction),
        "until_running": [str(number) for number in until.running],
        "limit": MOST_REPLAYED + 1,
    }
    with connection.cursor() as cursor:
        cursor.execute(_BETWEEN, parameters)
        rows = cursor.fetchall()
    return [Entry(*row) for row in rows] if len(rows) <= MOST_REPLAYED else None


def delete_old() -> int:
    """Forget what no position within reach can ask for."""
    deleted, _ = Event.objects.filter(created_at__lt=Now() - RETENTION).delete()
    return deleted


def _parameters(since: Position) -> dict[str, Any]:
    return {
        "last_id": since.last_id,
        "next_transaction": str(since.next_transaction),
        "running": [str(number) for number in since.running],
    }
