"""One connection to the database hears for every page that this process serves.

A notification wakes the hub, which reads what is new in the log and hands each entry to the streams that listen to
its topic. So the order is the log's, a burst is one query, and a lost connection only means a longer read.
"""

import asyncio
import logging
import math
import time
from collections import Counter, deque
from collections.abc import Iterable
from typing import Any

import psycopg
from asgiref.sync import sync_to_async
from django.db import DatabaseError

from apps.core.events.listeners import Claim, judge
from apps.core.events.log import REPLAY, Entry, read_new, take_position
from apps.core.events.position import Position
from apps.core.events.publishing import CHANNEL
from apps.core.notify import listen_async

logger = logging.getLogger(__name__)

# How often the log is read without a notification, should one ever get lost on the way
IDLE = 5.0
# How often every stream gets a sign of life, after its session and its topics were checked again
BEAT = 10.0
# What a stream may be behind by before it's told to start afresh
LONGEST_QUEUE = 100
# A page is older than it says by what its request and this one took on the way
MARGIN = 5.0


class Stream:
    """One open page: what it may hear, and what waits to be sent to it."""

    __slots__ = ("_closed", "_queue", "_wake", "claim", "person_id", "tenants")

    def __init__(self, *, claim: Claim, person_id: str, tenants: frozenset[str] | None = frozenset()) -> None:
        self.claim = claim
        self.person_id = person_id
        self.tenants = tenants
        self._queue: deque[bytes] = deque()
        self._wake = asyncio.Event()
        self._closed = False

    def may_hear(self, tenant_id: str) -> bool:
        return not tenant_id or self.tenants is None or tenant_id in self.tenants

    def put(self, message: bytes, *, position: Position) -> None:
        """Never waits and never grows: one who can't keep up refetches everything once instead."""
        if len(self._queue) >= LONGEST_QUEUE:
            self._queue.clear()
            message = told("resync", position)
        self._queue.append(message)
        self._wake.set()

    async def next(self) -> bytes:
        """All that waits, or nothing once the stream is closed."""
        while not self._queue and not self._closed:
            self._wake.clear()
            await self._wake.wait()
        waiting = b"".join(self._queue)
        self._queue.clear()
        return waiting

    def close(self) -> None:
        self._closed = True
        self._wake.set()


class Hub:
    def __init__(self) -> None:
        self.position: Position | None = None
        self.told = 0
        self._read_at = -math.inf
        self._streams: set[Stream] = set()
        self._by_topic: dict[str, set[Stream]] = {}
        self._by_person: Counter[str] = Counter()
        self._history: deque[tuple[float, Position]] = deque(maxlen=int(REPLAY.total_seconds() / IDLE))
        self._tasks: list[asyncio.Task[None]] = []
        self._started: asyncio.Event | None = None

    # --- Its life ---

    async def start(self, *, patience: float = 5.0) -> bool:
        """Listen from now on; False if the database couldn't be reached yet. Asking again costs nothing."""
        if self._started is None:
            self._started = asyncio.Event()
            self._tasks = [asyncio.create_task(self._listen()), asyncio.create_task(self._beat())]
        try:
            await asyncio.wait_for(self._started.wait(), patience)
        except TimeoutError:
            return False
        return True

    def stop(self) -> None:
        """End every stream; the pages come back when there is a process to come back to."""
        for task in self._tasks:
            task.cancel()
        for stream in self._streams:
            stream.close()

    # --- Its streams ---

    @property
    def is_listening(self) -> bool:
        """Whether the log could be read lately; silence is no excuse, it's read without a notification too."""
        return time.monotonic() - self._read_at < 2 * IDLE

    @property
    def size(self) -> int:
        return len(self._streams)

    def streams_of(self, person_id: str) -> int:
        return self._by_person[person_id]

    def join(self, stream: Stream) -> Position:
        """From the position that is returned on, the stream gets everything."""
        assert self.position is not None
        self._streams.add(stream)
        self._by_person[stream.person_id] += 1
        for topic in stream.claim.topics:
            self._by_topic.setdefault(topic, set()).add(stream)
        return self.position

    def leave(self, stream: Stream) -> None:
        if stream not in self._streams:
            return
        self._streams.remove(stream)
        self._by_person[stream.person_id] -= 1
        self._by_person += Counter()
        for topic in stream.claim.topics:
            listening = self._by_topic[topic]
            listening.discard(stream)
            if not listening:
                del self._by_topic[topic]

    def position_before(self, age: float) -> Position | None:
        """Where the log stood when a page that is `age` seconds old was made, or somewhat earlier."""
        moment = time.monotonic() - age - MARGIN
        return next((position for taken, position in reversed(self._history) if taken <= moment), None)

    # --- Its work ---

    async def _listen(self) -> None:
        async for database, _ in listen_async(CHANNEL, idle=IDLE):
            try:
                await self._read(database)
            except (psycopg.Error, OSError) as error:
                # The position hasn't moved, so the next read catches up
                logger.warning("Events can't be read: %s", error)

    async def _read(self, database: Any) -> None:
        if self.position is None:
            position = await take_position(database)
        else:
            entries, position = await read_new(database, self.position)
            self._deliver(entries, position)
        self.position = position
        self._read_at = moment = time.monotonic()
        if not self._history or moment - self._history[-1][0] >= IDLE / 2:
            self._history.append((moment, position))
        if self._started:
            self._started.set()

    def _deliver(self, entries: list[Entry] | None, position: Position) -> None:
        if entries is None:
            self._put(self._streams, told("resync", position), position)
            return
        messages: dict[Stream, list[bytes]] = {}
        for entry in entries:
            if listening := self._by_topic.get(entry.topic):
                message = entry.message()
                for stream in listening:
                    if not stream.may_hear(entry.tenant_id):
                        continue
                    messages.setdefault(stream, []).append(message)
        for stream, lines in messages.items():
            self.told += len(lines)
            stream.put(told_entries(lines, position), position=position)

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(BEAT)
            streams = list(self._streams)
            try:
                verdicts = await sync_to_async(judge)([stream.claim for stream in streams])
            except DatabaseError as error:
                # Without the database nothing flows that somebody could hear without a right to it
                logger.warning("Streams can't be checked: %s", error)
            else:
                for stream, verdict in zip(streams, verdicts, strict=True):
                    stream.tenants = verdict.tenants
                    if verdict.person_id != stream.person_id or verdict.refused:
                        stream.close()
            if self.position:
                self._put(self._streams, told("ping", self.position), self.position)

    def _put(self, streams: Iterable[Stream], message: bytes, position: Position) -> None:
        for stream in streams:
            stream.put(message, position=position)


def told(event: str, position: Position) -> bytes:
    """A message without data: `ping` says that all is well up to here, `resync` that something was left out."""
    return f"event: {event}\nid: {position}\ndata:\n\n".encode()


def told_entries(messages: list[bytes], position: Position) -> bytes:
    """The id ends the last one only: whoever is cut off in the middle gets all of them again."""
    return b"\n".join(messages) + f"id: {position}\n\n".encode()


hub = Hub()
