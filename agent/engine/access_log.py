"""The log of all calls, which stays below a size: whoever counts from it finds older ones beside it."""

import contextlib
from collections.abc import Awaitable, Callable
from pathlib import Path

MOST_BYTES = 64 * 1024 * 1024
KEPT = 3


class AccessLog:
    def __init__(self, file: Path, *, most_bytes: int = MOST_BYTES) -> None:
        self.file = file
        self._most_bytes = most_bytes

    def is_full(self) -> bool:
        with contextlib.suppress(OSError):
            return self.file.stat().st_size >= self._most_bytes
        return False

    async def rotate(self, reopen: Callable[[], Awaitable[None]]) -> None:
        """Renamed first: until it's told, Envoy writes on in the file that has another name now."""
        for number in range(KEPT - 1, 0, -1):
            with contextlib.suppress(FileNotFoundError):
                self._older(number).replace(self._older(number + 1))
        with contextlib.suppress(FileNotFoundError):
            self.file.replace(self._older(1))
        await reopen()

    def _older(self, number: int) -> Path:
        return self.file.with_name(f"{self.file.name}.{number}")
