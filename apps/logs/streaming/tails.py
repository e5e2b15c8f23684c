"""One connection to a gateway's database hears for everybody who follows its log in this process.

A notification wakes the tail, which reads what its last snapshot hadn't seen and hands each watcher what that one looks
for. So nothing is lost or told twice, whatever the order in which lines are committed, and a burst is one query.
"""

import asyncio
import logging
import random
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from typing import Any

import orjson
import psycopg
from asgiref.sync import sync_to_async

from apps.gateways.store import Away, parameters_of
from apps.logs.lines import COLUMNS, LogFilter, LogLine
from apps.logs.streaming.askers import Asker, still_allowed

logger = logging.getLogger(__name__)

CHANNEL = "logged"
# However many batches come in, a tail reads no more often
PACE = 0.15
# Without a notification, should one get lost on the way
IDLE = 5.0
BEAT = 10.0
MOST_AT_ONCE = 2_000
# What waits for somebody who doesn't keep up, and how long they may not read at all
MOST_WAITING = 1_000
PATIENCE = 30.0
FIRST_DELAY, LONGEST_DELAY = 0.2, 5.0

# Lines that are older than that when they're committed are in the log, and nobody is shown them as news
NEW = f"""
WITH fresh AS (
    SELECT {COLUMNS}, coalesce(fields::text, '') AS told, count(*) OVER () AS counted
    FROM imp.logs
    WHERE at > now() - interval '15 minutes' AND at < now() + interval '1 day'
      AND tx >= pg_snapshot_xmin(%(seen)s::pg_snapshot) AND NOT pg_visible_in_snapshot(tx, %(seen)s::pg_snapshot)
      AND (%(until)s::pg_snapshot IS NULL OR pg_visible_in_snapshot(tx, %(until)s::pg_snapshot))
    ORDER BY at DESC, id DESC LIMIT %(limit)s
)
SELECT pg_current_snapshot()::text, fresh.* FROM (VALUES (1)) AS one LEFT JOIN fresh ON true ORDER BY fresh.at, fresh.id
"""  # noqa: S608 (all written above)

Row = tuple[LogLine, str]


def matches(wanted: LogFilter, line: LogLine, told: str) -> bool:
    """As `LogFilter.conditions` has it; `told` are the fields as PostgreSQL writes them."""
    if wanted.stages and line.stage not in wanted.stages:
        return False
    if wanted.function and line.function != wanted.function:
        return False
    if wanted.request_id and line.request_id != wanted.request_id:
        return False
    if wanted.levels and line.level not in wanted.levels:
        return False
    needle = wanted.text.lower()
    return not needle or needle in line.text.lower() or needle in told.lower()


class Watcher:
    """Somebody who follows: what they look for, and what waits to be sent to them."""

    def __init__(self, *, gateway_id: str, asker: Asker, person_id: str, wanted: LogFilter) -> None:
        self.gateway_id, self.asker, self.person_id, self.wanted = gateway_id, asker, person_id, wanted
        self._waiting: deque[LogLine] = deque()
        self._skipped = 0
        self._words: list[bytes] = []
        self.snapshot = ""
        self._wake = asyncio.Event()
        self._closed = False
        # When it last had nothing to read; a stream that isn't read stays behind it
        self._taken_at = time.monotonic()

    def put(self, rows: Sequence[Row], snapshot: str, *, skipped: int = 0) -> None:
        """Never waits and never grows beyond its measure: what doesn't fit any more is counted and said."""
        mine = [line for line, told in rows if matches(self.wanted, line, told)]
        self.snapshot = snapshot
        if not mine and not skipped:
            return
        self._waiting.extend(mine)
        self._skipped += skipped
        while len(self._waiting) > MOST_WAITING:
            self._waiting.popleft()
            self._skipped += 1
        self._wake.set()

    def say(self, event: str, **data: object) -> None:
        # Of words alone, such as signs of life, nobody who doesn't read gets more than a few
        if len(self._words) < 20:
            self._words.append(message(event, data, self.snapshot))
        self._wake.set()

    @property
    def is_stuck(self) -> bool:
        return bool(self._waiting or self._words) and time.monotonic() - self._taken_at > PATIENCE

    async def next(self) -> bytes:
        """All that waits, or nothing once it's over."""
        self._taken_at = time.monotonic()
        while not (self._waiting or self._words or self._skipped or self._closed):
            self._wake.clear()
            await self._wake.wait()
            self._taken_at = time.monotonic()
        parts: list[bytes] = []
        if self._skipped:
            parts.append(message("skipped", {"count": self._skipped}))
            self._skipped = 0
        parts.extend(message("", line.as_json()) for line in self._waiting)
        self._waiting.clear()
        if parts:
            # Of the last one only: whoever is cut off in between gets all of them again
            parts[-1] = parts[-1][:-1] + f"id: {self.snapshot}\n\n".encode()
        parts.extend(self._words)
        self._words.clear()
        return b"".join(parts)

    def close(self) -> None:
        self._closed = True
        self._wake.set()


class Tail:
    """Of one gateway, for as long as somebody follows it."""

    def __init__(self, gateway_id: str) -> None:
        self.gateway_id = gateway_id
        self.watchers: set[Watcher] = set()
        # What was seen when it began, and what has been seen and told since
        self.first = self.snapshot = ""
        self._ready = asyncio.Event()
        self._task = asyncio.create_task(self._run())

    async def is_ready(self, within: float) -> bool:
        try:
            await asyncio.wait_for(self._ready.wait(), within)
        except TimeoutError:
            return False
        return True

    def stop(self) -> None:
        self._task.cancel()
        for watcher in self.watchers:
            watcher.close()

    async def missed(self, watcher: Watcher, since: str, until: str) -> None:
        """What came between a page and its stream, or while a stream was cut."""
        async with await self._connect() as connection:
            rows, skipped, _ = await _read(connection, seen=since, until=until)
        watcher.put(rows, watcher.snapshot or until, skipped=skipped)

    async def _run(self) -> None:
        delay = FIRST_DELAY
        while True:
            try:
                async with await self._connect() as connection:
                    await connection.execute(f"LISTEN {CHANNEL}")
                    if not self.snapshot:
                        self.first = self.snapshot = await _snapshot(connection)
                    delay = FIRST_DELAY
                    while True:
                        await self._tell_new(connection)
                        self._ready.set()
                        await asyncio.sleep(PACE)
                        async for _notified in connection.notifies(timeout=IDLE, stop_after=1):
                            pass
            except (Away, psycopg.Error, OSError) as error:
                logger.warning("The log of %s can't be followed: %s", self.gateway_id, str(error).strip())
                for watcher in self.watchers:
                    watcher.say("away")
            await asyncio.sleep(delay * random.uniform(0.5, 1))  # noqa: S311 (nothing secret about it)
            delay = min(delay * 2, LONGEST_DELAY)

    async def _tell_new(self, connection: "psycopg.AsyncConnection[Any]") -> None:
        rows, skipped, self.snapshot = await _read(connection, seen=self.snapshot)
        for watcher in self.watchers:
            watcher.put(rows, self.snapshot, skipped=skipped)

    async def _connect(self) -> "psycopg.AsyncConnection[Any]":
        parameters = await sync_to_async(parameters_of)(self.gateway_id)
        return await psycopg.AsyncConnection.connect(**parameters, autocommit=True)


class Tails:
    """Those of this process."""

    def __init__(self, *, allowed: Callable[[Sequence[tuple[Asker, str]]], list[str]] = still_allowed) -> None:
        self._tails: dict[str, Tail] = {}
        self._by_person: Counter[str] = Counter()
        self._allowed = allowed
        self._beats: asyncio.Task[None] | None = None

    @property
    def size(self) -> int:
        return sum(len(tail.watchers) for tail in self._tails.values())

    @property
    def connections(self) -> int:
        return len(self._tails)

    def of_person(self, person_id: str) -> int:
        return self._by_person[person_id]

    def of_gateway(self, gateway_id: str) -> int:
        tail = self._tails.get(gateway_id)
        return len(tail.watchers) if tail else 0

    def join(self, watcher: Watcher) -> Tail:
        if self._beats is None:
            self._beats = asyncio.create_task(self._beat())
        tail = self._tails.get(watcher.gateway_id)
        if tail is None:
            tail = self._tails[watcher.gateway_id] = Tail(watcher.gateway_id)
        tail.watchers.add(watcher)
        self._by_person[watcher.person_id] += 1
        return tail

    def leave(self, watcher: Watcher) -> None:
        tail = self._tails.get(watcher.gateway_id)
        if tail is None or watcher not in tail.watchers:
            return
        tail.watchers.remove(watcher)
        self._by_person[watcher.person_id] -= 1
        self._by_person += Counter()
        if not tail.watchers:
            del self._tails[watcher.gateway_id]
            tail.stop()

    def stop(self) -> None:
        """Every stream ends; who follows comes back when there is a process to come back to."""
        for tail in self._tails.values():
            tail.stop()
        if self._beats:
            self._beats.cancel()

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(BEAT)
            watchers = [watcher for tail in self._tails.values() for watcher in tail.watchers]
            try:
                people = await sync_to_async(self._allowed)([(each.asker, each.gateway_id) for each in watchers])
            # The database is away, or a rule fails: nothing flows that somebody could follow without a right to it
            except Exception:
                logger.exception("Those who follow logs can't be checked")
                people = [""] * len(watchers)
            for watcher, person_id in zip(watchers, people, strict=True):
                if person_id != watcher.person_id:
                    watcher.say("ended", because="not-allowed")
                    watcher.close()
                elif watcher.is_stuck:
                    watcher.say("ended", because="slow")
                    watcher.close()
                else:
                    watcher.say("ping")


def message(event: str, data: object, snapshot: str = "") -> bytes:
    named = f"event: {event}\n".encode() if event else b""
    identity = f"id: {snapshot}\n".encode() if snapshot else b""
    return named + identity + b"data: " + orjson.dumps(data) + b"\n\n"


async def _snapshot(connection: "psycopg.AsyncConnection[Any]") -> str:
    row = await (await connection.execute("SELECT pg_current_snapshot()::text")).fetchone()
    assert row is not None
    return str(row[0])


async def _read(
    connection: "psycopg.AsyncConnection[Any]", *, seen: str, until: str | None = None
) -> tuple[list[Row], int, str]:
    """Lines by time with their fields as text, how many older ones were left out, and what was seen by that."""
    cursor = await connection.execute(NEW, {"seen": seen, "until": until, "limit": MOST_AT_ONCE})
    rows = await cursor.fetchall()
    found = [(LogLine.of(row[1:-2]), str(row[-2])) for row in rows if row[1] is not None]
    counted = int(rows[0][-1] or 0)
    return found, counted - len(found), str(rows[0][0])


tails = Tails()
