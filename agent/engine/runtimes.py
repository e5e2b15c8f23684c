"""The processes that run functions. One is replaced by starting another first, so that no call is dropped.

runtime = Runtime(folder, spec, moved=…)     `moved` is told whenever its sockets or its state are others
await runtime.want(spec)                     roll-replaces the process when the spec is another
await runtime.stop()
"""

import asyncio
import contextlib
import hashlib
import http.client
import json
import os
import shutil
import socket
import sys
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import structlog

from agent.engine.children import Child

log = structlog.get_logger(__name__)

PROGRAM = Path(__file__).resolve().parents[2] / "runtime" / "dist" / "runtime.js"
READY_WITHIN = 15.0
DRAIN_SECONDS = 10.0
# Until Envoy's workers have let go of a socket that was taken from them
LET_GO_SECONDS = 0.3
CHECK_EVERY, CHECK_TIMEOUT, FAILED_CHECKS = 5.0, 2.0, 3
BACKOFF = (0.0, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
CALM_SECONDS = 60.0
LINES_KEPT = 100
# Deno's own, besides the heap of the functions
HEAP_SHARE, OVERHEAD_MB = 0.75, 512


@dataclass(frozen=True)
class Spec:
    """All that a process is started with."""

    gateway: dict[str, str]
    process: str
    stages: tuple[str, ...]
    memory_mb: int
    restarts: int
    variables: dict[str, str] = field(repr=False)
    secrets: dict[str, str] = field(repr=False)
    database_url: str = field(repr=False)
    # Where the pages about problems are
    problem_types: str = "/errors/"

    @property
    def digest(self) -> str:
        values = json.dumps(vars(self), sort_keys=True, default=list)
        return hashlib.sha256(values.encode()).hexdigest()[:16]


class NotReady(Exception):
    """The process ended, or said nothing in time; with its last words."""


@dataclass
class Instance:
    """One process."""

    spec: Spec
    socket: Path
    child: Child
    lines: deque[str]
    ready: asyncio.Event

    @classmethod
    async def start(cls, spec: Spec, folder: Path, sockets: Path, tell: Callable[[str], None]) -> "Instance":
        socket_path = sockets / f"{os.urandom(6).hex()}.sock"
        lines: deque[str] = deque(maxlen=LINES_KEPT)
        ready = asyncio.Event()

        def hear(line: str) -> None:
            lines.append(line)
            if '"event":"ready"' in line:
                ready.set()
            tell(line)

        child = await Child.start(
            command(spec, socket_path),
            folder=folder,
            environment={"PATH": "/usr/bin:/bin", "DENO_DIR": str(folder / "deno"), "NO_COLOR": "1"},
            lines=hear,
            given=json.dumps(given(spec, socket_path)).encode(),
            memory_bytes=0,
        )
        instance = cls(spec, socket_path, child, lines, ready)
        try:
            await instance._wait_until_ready()
        except NotReady:
            await child.stop(0)
            socket_path.unlink(missing_ok=True)
            raise
        return instance

    async def _wait_until_ready(self) -> None:
        ended = asyncio.create_task(self.child.wait())
        ready = asyncio.create_task(self.ready.wait())
        try:
            await asyncio.wait({ended, ready}, timeout=READY_WITHIN, return_when=asyncio.FIRST_COMPLETED)
        finally:
            ready.cancel()
        if self.ready.is_set():
            return
        said = " ".join(list(self.lines)[-3:])
        if ended.done():
            raise NotReady(f"The process ended with code {ended.result()}: {said}")
        raise NotReady(f"The process wasn't ready within {READY_WITHIN:.0f} s: {said}")

    def is_healthy(self) -> bool:
        """Asked in a thread: it answers on its socket."""
        connection = UnixConnection(self.socket, CHECK_TIMEOUT)
        try:
            connection.request("GET", "/_imp/health")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    async def retire(self, drain: float) -> None:
        await self.child.stop(drain)
        self.socket.unlink(missing_ok=True)


class Runtime:
    """What runs some stages of a gateway: one process that serves, and for moments another beside it."""

    def __init__(self, folder: Path, sockets: Path, *, moved: Callable[[], Awaitable[None]]) -> None:
        self.folder = folder
        self.socket_folder = sockets
        self.problem = ""
        self.lines: deque[str] = deque(maxlen=LINES_KEPT)
        self._moved = moved
        self._wanted: Spec | None = None
        self._serving: Instance | None = None
        self._changed = asyncio.Event()
        self._retiring: set[asyncio.Task[None]] = set()
        self._keeper: asyncio.Task[None] | None = None

    @property
    def sockets(self) -> list[Path]:
        return [self._serving.socket] if self._serving else []

    @property
    def pid(self) -> int | None:
        return self._serving.child.pid if self._serving else None

    def serves(self, spec: Spec) -> bool:
        return self._serving is not None and self._serving.spec == spec

    def want(self, spec: Spec) -> None:
        """At once if it's another; what serves now goes on until the new one is ready."""
        if spec != self._wanted:
            self._wanted = spec
            self.problem = ""
            self._changed.set()
        if self._keeper is None:
            self._keeper = asyncio.create_task(self._keep())

    async def stop(self) -> None:
        self._wanted = None
        if self._keeper:
            self._keeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._keeper
            self._keeper = None
        serving, self._serving = self._serving, None
        if serving:
            await self._moved()
            await asyncio.sleep(LET_GO_SECONDS)
            await serving.retire(DRAIN_SECONDS)
        if self._retiring:
            await asyncio.gather(*self._retiring, return_exceptions=True)

    async def _keep(self) -> None:
        """Start what is wanted, watch it, start another when it dies or hangs or something else is wanted."""
        failures = 0
        while True:
            spec = self._wanted
            assert spec
            self._changed.clear()
            if not self.serves(spec):
                if await self._replace(spec):
                    failures = 0
                else:
                    failures += 1
                    await self._changed_within(BACKOFF[min(failures, len(BACKOFF) - 1)])
                    continue
            began = time.monotonic()
            if await self._watch():
                continue
            failures = 0 if time.monotonic() - began > CALM_SECONDS else failures + 1
            await self._changed_within(BACKOFF[min(failures - 1, len(BACKOFF) - 1)] if failures else 0.0)

    async def _replace(self, spec: Spec) -> bool:
        try:
            instance = await Instance.start(spec, self.folder, self.socket_folder, self.lines.append)
        except (NotReady, OSError) as error:
            self.problem = str(error)
            log.warning("runtime not ready", gateway=spec.gateway["id"], process=spec.process, problem=self.problem)
            await self._moved()
            return False
        before, self._serving = self._serving, instance
        self.problem = ""
        await self._moved()
        if before:
            self._retire(before)
        return True

    async def _watch(self) -> bool:
        """True: something else is wanted. False: it died or hung, and is gone."""
        serving = self._serving
        assert serving
        ended = asyncio.create_task(serving.child.wait())
        failed = 0
        try:
            while failed < FAILED_CHECKS:
                changed = asyncio.create_task(self._changed.wait())
                await asyncio.wait({ended, changed}, timeout=CHECK_EVERY, return_when=asyncio.FIRST_COMPLETED)
                changed.cancel()
                if ended.done():
                    break
                if self._changed.is_set():
                    return True
                failed = 0 if await asyncio.to_thread(serving.is_healthy) else failed + 1
        finally:
            ended.cancel()
        if ended.done() and not ended.cancelled():
            said = " ".join(list(serving.lines)[-3:])
            self.problem = f"The process ended with code {ended.result()}: {said}"
        else:
            self.problem = "The process didn't answer and was ended."
        log.warning("runtime ended", process=serving.spec.process, problem=self.problem)
        self._serving = None
        await serving.retire(0)
        await self._moved()
        return False

    def _retire(self, instance: Instance) -> None:
        async def later() -> None:
            await asyncio.sleep(LET_GO_SECONDS)
            await instance.retire(DRAIN_SECONDS)

        task = asyncio.create_task(later())
        self._retiring.add(task)
        task.add_done_callback(self._retiring.discard)

    async def _changed_within(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._changed.wait()


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


def command(spec: Spec, listen: Path) -> list[str]:
    heap = int(spec.memory_mb * HEAP_SHARE)
    return [
        deno_program(), "run", "--quiet", "--no-config", "--no-lock", "--no-prompt", "--no-remote", "--no-npm",
        "--unstable-worker-options", "--ignore-env", f"--v8-flags=--max-old-space-size={heap}",
        f"--allow-net={_joined([f'unix:{listen}'])}", f"--allow-read={listen}", f"--allow-write={listen}",
        str(program()),
    ]  # fmt: skip


def given(spec: Spec, listen: Path) -> dict[str, Any]:
    return {
        "gateway": spec.gateway,
        "process": spec.process,
        "stages": list(spec.stages),
        "listen": str(listen),
        "drainSeconds": DRAIN_SECONDS,
        "problemTypes": spec.problem_types,
        "variables": spec.variables,
        "secrets": spec.secrets,
        "databaseUrl": spec.database_url,
    }


def _joined(values: Iterable[str]) -> str:
    return ",".join(values)


def program() -> Path:
    if not PROGRAM.exists():
        raise FileNotFoundError(f"{PROGRAM} is missing: the runtime isn't built. Run `python tools/assets.py`.")
    return PROGRAM


def deno_program() -> str:
    beside = Path(sys.executable).parent / "deno"
    found = str(beside) if beside.exists() else shutil.which("deno")
    if not found:
        raise FileNotFoundError("There is no Deno: install the package deno.")
    return found
