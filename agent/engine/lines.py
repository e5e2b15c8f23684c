"""What a process writes, line by line: none endless, and no more of them than somebody could read."""

import asyncio
from collections.abc import Callable

LONGEST_LINE = 8 * 1024
LINES_A_SECOND = 500
# Whoever writes more is read more slowly: reading it must not take the time of all others
BYTES_A_SECOND = 2 * 1024 * 1024
READ_SIZE = 64 * 1024

Hear = Callable[[str], None]


class Lines:
    def __init__(self, hear: Hear, clock: Callable[[], float]) -> None:
        self._hear = hear
        self._clock = clock
        self._rest = b""
        self._is_overlong = False
        self._second = 0.0
        self._heard = self._left_out = 0

    def feed(self, chunk: bytes) -> None:
        *whole, rest = (self._rest + chunk).split(b"\n")
        for line in whole:
            # The end of a line that was too long is no line of its own
            if not self._is_overlong:
                self._take(line)
            self._is_overlong = False
        if len(rest) > LONGEST_LINE:
            if not self._is_overlong:
                self._take(rest)
            rest, self._is_overlong = b"", True
        self._rest = rest

    def end(self) -> None:
        if self._rest and not self._is_overlong:
            self._take(self._rest)
        self._rest = b""
        self._own_up()

    def _take(self, line: bytes) -> None:
        if self._clock() - self._second >= 1.0:
            self._own_up()
            self._second, self._heard = self._clock(), 0
        self._heard += 1
        if self._heard > LINES_A_SECOND:
            self._left_out += 1
            return
        self._hear(line[:LONGEST_LINE].decode(errors="replace").rstrip("\r"))

    def _own_up(self) -> None:
        left_out, self._left_out = self._left_out, 0
        if left_out:
            self._hear(f"… {left_out} more lines were left out")


async def read_lines(stream: asyncio.StreamReader, hear: Hear) -> None:
    """To the end of the stream."""
    clock = asyncio.get_running_loop().time
    lines = Lines(hear, clock)
    second, read = clock(), 0
    while chunk := await stream.read(READ_SIZE):
        lines.feed(chunk)
        read += len(chunk)
        passed = clock() - second
        if read > BYTES_A_SECOND and passed < 1.0:
            await asyncio.sleep(1.0 - passed)
        if clock() - second >= 1.0:
            second, read = clock(), 0
    lines.end()
