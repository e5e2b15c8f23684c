"""Processes that die with the agent, and of which nothing stays behind."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

BECOME = Path(__file__).with_name("become.py")


class Child:
    """One process in a session of its own. `lines` gets what it writes, line by line."""

    def __init__(self, process: asyncio.subprocess.Process, lines: Callable[[str], None]) -> None:
        self._process = process
        self._readers = [
            asyncio.create_task(self._read(stream, lines)) for stream in (process.stdout, process.stderr) if stream
        ]

    @classmethod
    async def start(
        cls,
        command: Sequence[str],
        *,
        folder: Path,
        environment: Mapping[str, str],
        lines: Callable[[str], None],
        given: bytes = b"",
        memory_bytes: int = 0,
    ) -> "Child":
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-S", str(BECOME), str(os.getpid()), str(memory_bytes)),
            *command,
            cwd=folder,
            env=dict(environment),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
            limit=1024 * 1024,
        )
        assert process.stdin
        # It may have died already; that is seen where its end is waited for
        with contextlib.suppress(ConnectionError):
            process.stdin.write(given)
            await process.stdin.drain()
            process.stdin.close()
        return cls(process, lines)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def has_ended(self) -> bool:
        return self._process.returncode is not None

    async def wait(self) -> int:
        code = await self._process.wait()
        await asyncio.gather(*self._readers, return_exceptions=True)
        return code

    def signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(number)

    async def stop(self, patience: float) -> int:
        """Asked first, killed when it isn't gone after that many seconds; with all that it started."""
        self.signal(signal.SIGTERM)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience):
                await self._process.wait()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        return await self.wait()

    @staticmethod
    async def _read(stream: asyncio.StreamReader, lines: Callable[[str], None]) -> None:
        while True:
            try:
                line = await stream.readline()
            except ValueError:
                # Longer than any line should be: the rest of it comes as others
                continue
            if not line:
                return
            lines(line.decode(errors="replace").rstrip("\n"))
