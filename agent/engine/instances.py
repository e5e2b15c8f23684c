"""One process that runs functions: what it's started with, how it comes to be ready, and whether it's well."""

import asyncio
import hashlib
import json
import os
import shutil
import sys
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agent.engine.calls import Unanswered, call
from agent.engine.children import Child, remove_file
from agent.engine.limits import Cgroups, Limit
from agent.engine.patience import DRAIN_SECONDS

PROGRAM = Path(__file__).resolve().parents[2] / "runtime" / "dist" / "runtime.js"
READY_WITHIN = 20.0
CHECK_TIMEOUT = 2.0
LINES_KEPT = 100
HEAP_SHARE = 0.75
# Where the pages about problems are, until somebody has told the portal's address
PROBLEM_TYPES = "/errors/"


@dataclass(frozen=True)
class Spec:
    """All that a process is started with."""

    gateway: dict[str, str]
    process: str
    stages: tuple[str, ...]
    milli_cpu: int
    memory_mb: int
    restarts: int
    variables: dict[str, str] = field(repr=False)
    secrets: dict[str, str] = field(repr=False)
    database_url: str = field(repr=False)
    problem_types: str = PROBLEM_TYPES

    @property
    def digest(self) -> str:
        values = json.dumps(vars(self), sort_keys=True, default=list)
        return hashlib.sha256(values.encode()).hexdigest()[:16]


class NotReady(Exception):
    """The process ended, or said nothing in time; with its last words."""


@dataclass(eq=False)
class Instance:
    spec: Spec
    socket: Path
    child: Child
    limit: Limit
    lines: deque[str]
    ready: asyncio.Event
    # Why it has to go, where somebody found that out
    fault: str = ""

    @classmethod
    async def start(
        cls, spec: Spec, folder: Path, sockets: Path, *, hear: Callable[[str], None], cgroups: Cgroups | None
    ) -> "Instance":
        socket_path = sockets / f"{os.urandom(6).hex()}.sock"
        lines: deque[str] = deque(maxlen=LINES_KEPT)
        ready = asyncio.Event()

        def listen(line: str) -> None:
            lines.append(line)
            if '"event":"ready"' in line:
                ready.set()
            hear(line)

        limit = Limit.make(cgroups, socket_path.stem, memory_mb=spec.memory_mb, milli_cpu=spec.milli_cpu)
        try:
            # Whatever became of it meanwhile
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            child = await Child.start(
                command(spec, socket_path),
                folder=folder,
                environment={"PATH": "/usr/bin:/bin", "DENO_DIR": str(folder / "deno"), "NO_COLOR": "1"},
                hear=listen,
                given=json.dumps(given(spec, socket_path)).encode(),
                memory_bytes=limit.data_bytes,
                cgroup=limit.cgroup,
            )
        except BaseException:
            limit.end()
            raise
        instance = cls(spec, socket_path, child, limit, lines, ready)
        try:
            await instance._wait_until_ready()
        except BaseException:
            # Also where nobody waits for it any more
            instance.discard()
            raise
        return instance

    async def _wait_until_ready(self) -> None:
        ended = asyncio.create_task(self.child.wait())
        ready = asyncio.create_task(self.ready.wait())
        try:
            await asyncio.wait({ended, ready}, timeout=READY_WITHIN, return_when=asyncio.FIRST_COMPLETED)
        finally:
            ready.cancel()
            ended.cancel()
        if self.child.has_ended:
            raise NotReady(await self.describe_end())
        if not self.ready.is_set():
            raise NotReady(f"The process wasn't ready within {READY_WITHIN:.0f} s{self._last_words()}")

    async def describe_end(self) -> str:
        code = await self.child.wait()
        if self.fault:
            return self.fault
        if self.limit.was_reached():
            return f"The process needed more than its {self.spec.memory_mb} MB of memory{self._last_words()}"
        how = f"by signal {-code}" if code < 0 else f"with code {code}"
        return f"The process ended {how}{self._last_words()}"

    def _last_words(self) -> str:
        said = " ".join(list(self.lines)[-3:])
        return f": {said}" if said else "."

    def takes_too_much(self) -> bool:
        return self.limit.is_passed_by(self.child.pid)

    async def is_healthy(self) -> bool:
        try:
            return (await call(self.socket, "/_imp/health", within=CHECK_TIMEOUT)).status == 200
        except Unanswered:
            return False

    def condemn(self, fault: str) -> None:
        """It's no use to anybody: neither asked nor waited for."""
        self.fault = self.fault or fault
        self.child.kill()

    async def retire(self, patience: float) -> None:
        try:
            await self.child.stop(patience)
        finally:
            self.discard()

    def discard(self) -> None:
        """At once, if it's still there; and nothing of it stays."""
        self.child.kill()
        self.child.when_ended(self._clean)

    def _clean(self) -> None:
        remove_file(self.socket)
        self.limit.end()


def command(spec: Spec, listen: Path) -> list[str]:
    heap = int(spec.memory_mb * HEAP_SHARE)
    return [
        deno_program(), "run", "--quiet", "--no-config", "--no-lock", "--no-prompt", "--no-remote", "--no-npm",
        "--unstable-worker-options", "--ignore-env", f"--v8-flags=--max-old-space-size={heap}",
        f"--allow-net=unix:{listen}", f"--allow-read={listen}", f"--allow-write={listen}",
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
