"""One started process: its output, its end, and everything below it."""

import asyncio
import contextlib
import os
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path

from apps.core.up import trees

READ_SIZE = 65_536


class Child:
    """In a session of its own, so Ctrl-C reaches only the supervisor and the session names all that belongs to it."""

    def __init__(
        self,
        command: tuple[str, ...],
        *,
        environment: Mapping[str, str],
        folder: Path,
        on_line: Callable[[str], None],
        kept_lines: int,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._on_line = on_line
        self.lines: deque[str] = deque(maxlen=kept_lines)
        self.ended = asyncio.Event()
        self.started = time.monotonic()
        self._popen = subprocess.Popen(
            command,
            env=dict(environment),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self.pid = self._popen.pid
        self._reader = threading.Thread(target=self._read, name=f"read-{self.pid}", daemon=True)
        self._reader.start()
        threading.Thread(target=self._wait, name=f"wait-{self.pid}", daemon=True).start()

    @property
    def code(self) -> int | None:
        return self._popen.returncode

    def describe_end(self) -> str:
        code = self._popen.returncode
        if code is None:
            return "is still running"
        if code >= 0:
            return f"ended with exit code {code}"
        with contextlib.suppress(ValueError):
            return f"was ended by {signal.Signals(-code).name}"
        return f"was ended by signal {-code}"

    async def stop(self, number: signal.Signals, seconds: float) -> None:
        """Ask, wait, then SIGKILL all that is left."""
        if not self.ended.is_set():
            self.send(number)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self.ended.wait()
        self.kill()
        await self.ended.wait()

    def send(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._popen.send_signal(number)

    def kill(self) -> None:
        trees.kill_tree(self.pid)

    def finish_reading(self) -> None:
        """Wait a moment for the last lines, which say why it ended."""
        self._reader.join(timeout=0.5)

    def _wait(self) -> None:
        self._popen.wait()
        # The loop is closed once the supervisor itself is done
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self.ended.set)

    def _read(self) -> None:
        assert self._popen.stdout is not None
        descriptor = self._popen.stdout.fileno()
        rest = b""
        while chunk := os.read(descriptor, READ_SIZE):
            *complete, rest = (rest + chunk).split(b"\n")
            # A part that never ends its line must not fill the memory
            if len(rest) > READ_SIZE:
                complete, rest = [*complete, rest], b""
            for line in complete:
                self._take(line)
        if rest:
            self._take(rest)
        self._popen.stdout.close()

    def _take(self, raw: bytes) -> None:
        text = raw.decode(errors="replace").rstrip()
        if text:
            self.lines.append(text)
            self._on_line(text)
