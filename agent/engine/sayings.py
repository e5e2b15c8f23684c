"""What a process says of itself: that it's ready, that it waits for its database, that it has code without an end."""

import asyncio
import json
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from agent.engine.patience import News

LINES_KEPT = 100


def _of(event: str) -> str:
    """Only what the runtime itself says begins so: what functions say may hold the same words further inside."""
    return f'{{"event":"{event}"'


READY, ZOMBIE = _of("ready"), _of("zombie")
AWAY, BACK, REPLACED = _of("database-away"), _of("database-back"), _of("database-replaced")


@dataclass
class Sayings:
    """Of one process. Whoever made it is told of what it has to do something about."""

    hear_line: Callable[[str], None]
    zombied: Callable[[], None]
    # While it isn't ready: why it waits for its database, or nothing once it needn't any more
    waits: Callable[[str], None]
    # In the place of its database there may be another one
    replaced: Callable[[], None]
    lines: deque[str] = field(default_factory=lambda: deque(maxlen=LINES_KEPT))
    is_ready: bool = False
    # However long that takes, it's done with it by itself
    is_waiting: bool = False
    # Some of its code doesn't end, and can't be ended but with it
    is_zombie: bool = False
    news: News = field(default_factory=News)

    def hear(self, line: str) -> None:
        self.lines.append(line)
        if line.startswith(READY):
            self.is_ready = True
            self.news.tell()
        elif line.startswith(ZOMBIE):
            self.is_zombie = True
            self.zombied()
        elif line.startswith(REPLACED):
            self.replaced()
        elif not self.is_ready and line.startswith((AWAY, BACK)):
            self.is_waiting = line.startswith(AWAY)
            self.news.tell()
            self.waits(_message_of(line) if self.is_waiting else "")
        self.hear_line(line)

    async def until_ready(self, process_end: "asyncio.Future[int]", within: float) -> bool:
        """False: it ended, or took longer than that without having to wait for its database."""
        loop = asyncio.get_running_loop()
        process_end.add_done_callback(lambda end: self.news.tell())
        give_up_at = loop.time() + within
        while not (self.is_ready or process_end.done()):
            count = self.news.count
            if self.is_waiting:
                await self.news.since(count)
                give_up_at = loop.time() + within
            elif (left := give_up_at - loop.time()) > 0:
                await self.news.since(count, left)
            else:
                break
        return self.is_ready


def _message_of(line: str) -> str:
    try:
        return str(json.loads(line)["message"])
    # It was cut off
    except (ValueError, KeyError):
        return line
