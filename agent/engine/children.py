"""Processes that die with the agent, and of which nothing stays behind."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from agent.engine.lines import Hear, read_lines

BECOME = Path(__file__).with_name("become.py")
# Until its last lines have been read, should somebody else hold its output open
LAST_LINES_SECONDS = 1.0


class Child:
    """One process in a session of its own. `hear` gets what it writes, line by line."""

    def __init__(self, process: asyncio.subprocess.Process, hear: Hear, given: bytes) -> None:
        self._process = process
        assert process.stdout
        self._reader = asyncio.create_task(read_lines(process.stdout, hear))
        self._feeder = asyncio.create_task(self._feed(given))
        self._end = asyncio.create_task(self._reap())

    @classmethod
    async def start(
        cls,
        command: Sequence[str],
        *,
        folder: Path,
        environment: Mapping[str, str],
        hear: Hear,
        given: bytes = b"",
        memory_bytes: int = 0,
        cgroup: Path | None = None,
        niceness: int = 0,
    ) -> "Child":
        async def start() -> Child:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-IS", str(BECOME), str(os.getpid()), str(memory_bytes), str(niceness)),
                str(cgroup or ""),
                *command,
                cwd=folder,
                env=dict(environment),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
                start_new_session=True,
            )
            return cls(process, hear, given)

        starting = asyncio.create_task(start())
        try:
            return await asyncio.shield(starting)
        except asyncio.CancelledError:
            # Whoever gave up in the middle would leave a process of which nobody knows
            starting.add_done_callback(_kill_unwanted)
            raise

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def has_ended(self) -> bool:
        return self._end.done()

    @property
    def end(self) -> asyncio.Future[int]:
        return self._end

    def when_ended(self, tell: Callable[[], None]) -> None:
        self._end.add_done_callback(lambda end: tell())

    async def wait(self) -> int:
        return await asyncio.shield(self._end)

    def ask_to_end(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """With all that it started."""
        if not self.has_ended:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)

    async def stop(self, patience: float) -> int:
        """Asked first; killed when it isn't gone after that many seconds, or when nobody waits for it any more."""
        self.ask_to_end()
        try:
            async with asyncio.timeout(patience):
                return await self.wait()
        except TimeoutError:
            pass
        finally:
            self.kill()
        return await self.wait()

    async def _feed(self, given: bytes) -> None:
        assert self._process.stdin
        # It may have died already; that is seen where its end is waited for
        with contextlib.suppress(ConnectionError):
            self._process.stdin.write(given)
            await self._process.stdin.drain()
        self._process.stdin.close()

    async def _reap(self) -> int:
        code = await self._process.wait()
        self._feeder.cancel()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LAST_LINES_SECONDS):
                await asyncio.shield(self._reader)
        self._reader.cancel()
        return code


def remove_file(file: Path) -> None:
    """What a process has left; where the disk doesn't let it go, all else that has to be done goes on."""
    with contextlib.suppress(OSError):
        file.unlink()


def _kill_unwanted(starting: asyncio.Task[Child]) -> None:
    if not starting.cancelled() and starting.exception() is None:
        starting.result().kill()
