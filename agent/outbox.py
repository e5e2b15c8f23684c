"""What the agent has to say: words in their order, and of each bundle the latest."""

import asyncio
import contextlib
from collections import deque
from collections.abc import Iterable
from typing import Any

from agent.appliers.base import Phase, Status
from agent.protocol import v1_pb2 as wire

DONE = (Phase.READY, Phase.FAILED, Phase.PRUNED)
PHASES = {
    Phase.APPLYING: wire.BundleStatus.APPLYING,
    Phase.APPLIED: wire.BundleStatus.APPLIED,
    Phase.READY: wire.BundleStatus.READY,
    Phase.FAILED: wire.BundleStatus.FAILED,
    Phase.PRUNED: wire.BundleStatus.PRUNED,
}
# The portal keeps no more of it, and takes no message that is too large, nor one with half a character
LONGEST_TEXT, MOST_OBJECTS = 2_000, 200


class Outbox:
    """Nothing piles up in it: words are those of the stream that is open, and statuses wait until they can go."""

    def __init__(self) -> None:
        self.interval = 0.1
        self._statuses: dict[str, tuple[str, Status]] = {}
        self._unsent: dict[str, None] = {}
        # Until when a bundle that is on its way has said enough
        self._quiet_until: dict[str, float] = {}
        self._words: deque[dict[str, Any]] = deque()
        self._is_open = self._is_welcome = False
        # Counts streams: what a call that has ended still asks for isn't the next one's to miss
        self._stream = 0
        self._news = asyncio.Event()

    @property
    def failed(self) -> int:
        return sum(status.phase is Phase.FAILED for _, status in self._statuses.values())

    def begin(self, **first: Any) -> int:
        """The number of the stream, by which its call asks for what is next."""
        self._stream += 1
        self._words = deque([first])
        self._is_open, self._is_welcome = True, False
        self._news.set()
        return self._stream

    def end(self) -> None:
        self._stream += 1
        self._is_open = False
        self._words.clear()
        self._news.set()

    def welcome(self, interval: float) -> None:
        """The other side may have missed what was said to it before: all of it goes again."""
        self.interval = interval
        self._is_welcome = True
        self._quiet_until.clear()
        self._unsent.update(dict.fromkeys(self._statuses))
        self._news.set()

    def say(self, **body: Any) -> None:
        if self._is_open:
            self._words.append(body)
            self._news.set()

    def report(self, key: str, digest: str, status: Status) -> None:
        self._statuses[key] = (digest, status)
        self._unsent[key] = None
        self._news.set()

    def repeat(self, keys: Iterable[str]) -> None:
        """What was said of them last is said again, after the words that wait."""
        self._unsent.update((key, None) for key in keys if key in self._statuses)
        self._news.set()

    def forget(self, keys: Iterable[str]) -> None:
        """Something else is wanted of them: what was said of them is about the past."""
        for key in keys:
            self._statuses.pop(key, None)
            self._unsent.pop(key, None)

    async def next(self, stream: int) -> dict[str, Any] | None:
        """None: that stream is over."""
        loop = asyncio.get_running_loop()
        while stream == self._stream:
            self._news.clear()
            if self._words:
                return self._words.popleft()
            key = self._next_key(loop.time()) if self._is_welcome else None
            if key:
                return {"status": self._take(key, loop.time())}
            waits = self._unsent and self._is_welcome
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self.interval if waits else None):
                    await self._news.wait()
        return None

    def _next_key(self, now: float) -> str | None:
        for key in self._unsent:
            # What is done is said at once: somebody waits for it
            if self._statuses[key][1].phase in DONE or self._quiet_until.get(key, 0.0) <= now:
                return key
        return None

    def _take(self, key: str, now: float) -> Any:
        del self._unsent[key]
        digest, status = self._statuses[key]
        if status.phase in DONE:
            self._quiet_until.pop(key, None)
        else:
            self._quiet_until[key] = now + self.interval
        if status.phase is Phase.PRUNED:
            del self._statuses[key]
        return message_of(key, digest, status)


def message_of(key: str, digest: str, status: Status) -> Any:
    return wire.BundleStatus(
        key=key,
        digest=digest,
        phase=PHASES[status.phase],
        message=sayable(status.message),
        objects=[
            wire.ObjectStatus(
                api_version=each.api_version,
                kind=each.kind,
                namespace=each.namespace,
                name=each.name,
                message=sayable(each.message),
                conditions=[
                    wire.Condition(type=name, is_true=holds, message=sayable(text))
                    for name, holds, text in each.conditions
                ],
            )
            for each in status.objects[:MOST_OBJECTS]
        ],
    )


def sayable(text: str) -> str:
    return text[:LONGEST_TEXT].encode(errors="replace").decode()
