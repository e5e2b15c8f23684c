"""How long to wait before the next attempt, and how to wait for news without missing any."""

import asyncio
import contextlib
from collections.abc import Sequence

# Calls that are under way when what answers them is replaced may go on for this long; so may streams
DRAIN_SECONDS = 30.0
# Who was asked to be done by then says what it has cut off, and ends by itself
MARGIN_SECONDS = 2.0


class Backoff:
    """Longer after each failure in a row; what held for a while makes the next one a first one again."""

    def __init__(self, pauses: Sequence[float], *, calm: float) -> None:
        self._pauses = pauses
        self._calm = calm
        self.failures = 0

    def reset(self) -> None:
        self.failures = 0

    def after(self, held: float) -> float:
        """The pause after a failure of what had held for that many seconds."""
        if held > self._calm:
            self.failures = 0
        pause = self._pauses[min(self.failures, len(self._pauses) - 1)]
        self.failures += 1
        return pause


class News:
    """Whoever looks notes the count before, and waits for what came after it."""

    def __init__(self) -> None:
        self.count = 0
        self._event = asyncio.Event()

    def tell(self) -> None:
        self.count += 1
        self._event.set()
        self._event = asyncio.Event()

    async def since(self, count: int, within: float | None = None) -> None:
        if self.count != count:
            return
        event = self._event
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within):
                await event.wait()
