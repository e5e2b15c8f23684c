"""The way out of all gateways: one process beside the agent's own, so that what functions send takes none of its time.

ways = WaysOut(folder, sockets, opened)
ways.start(); ways.put("gw_…", mode, hosts); ways.socket_of("gw_…") for its runtimes; ways.remove("gw_…")
"""

import asyncio
import contextlib
import hashlib
import json
import os
import sys
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import structlog

from agent.engine.children import Child, remove_file
from agent.engine.patience import Backoff

log = structlog.get_logger(__name__)

READY_WITHIN, TELL_WITHIN = 10.0, 5.0
BACKOFF, CALM_SECONDS = (0.0, 0.5, 1.0, 2.0, 5.0, 10.0), 60.0
ROOT = Path(__file__).resolve().parents[2]


class WaysOut:
    def __init__(self, folder: Path, sockets: Path, opened: Sequence[str]) -> None:
        self._folder, self._sockets = folder, sockets
        self._control = sockets / "ways.sock"
        self._opened = list(opened)
        self._wanted: dict[str, dict[str, Any]] = {}
        self._changed = asyncio.Event()
        self._keeper: asyncio.Task[None] | None = None
        self.child: Child | None = None

    def start(self) -> None:
        self._keeper = asyncio.create_task(self._keep())

    async def stop(self) -> None:
        if self._keeper:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)

    def socket_of(self, gateway: str) -> Path:
        """The same each time; short, as the paths of sockets are."""
        return self._sockets / f"out-{hashlib.sha256(gateway.encode()).hexdigest()[:12]}.sock"

    def put(self, gateway: str, mode: str, hosts: Sequence[str]) -> None:
        """At once for all of its processes, also for those that are about to go."""
        rules = {"mode": mode, "hosts": list(hosts)}
        socket = str(self.socket_of(gateway))
        if self._wanted.get(socket) != rules:
            self._wanted[socket] = rules
            self._changed.set()

    def remove(self, gateway: str) -> None:
        if self._wanted.pop(str(self.socket_of(gateway)), None):
            self._changed.set()

    async def _keep(self) -> None:
        backoff = Backoff(BACKOFF, calm=CALM_SECONDS)
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            try:
                await self._run()
            except (OSError, EOFError) as error:
                log.warning("ways out", problem=f"{type(error).__name__}: {error}")
            await asyncio.sleep(backoff.after(loop.time() - began))

    async def _run(self) -> None:
        """One process, until it ends."""
        lines: deque[str] = deque(maxlen=20)
        ready = asyncio.Event()

        def hear(line: str) -> None:
            lines.append(line)
            if line.startswith('{"event":"ready"'):
                ready.set()

        child = await Child.start(
            [sys.executable, "-m", "agent.egress"],
            folder=ROOT,
            environment={"PATH": "/usr/bin:/bin", **trust()},
            hear=hear,
            given=json.dumps({"control": str(self._control), "opened": self._opened}).encode(),
        )
        self.child = child
        ended = asyncio.create_task(child.wait())
        try:
            await _first(ended, ready.wait(), within=READY_WITHIN)
            while not child.has_ended:
                self._changed.clear()
                await self._tell()
                await _first(ended, self._changed.wait())
            log.warning("ways out", ended=await ended, said=" ".join(lines))
        finally:
            ended.cancel()
            self.child = None
            child.kill()
            # Its end is heard of in this loop, which may be closed right afterwards
            await child.wait()
            remove_file(self._control)

    async def _tell(self) -> None:
        async with asyncio.timeout(TELL_WITHIN):
            reader, writer = await asyncio.open_unix_connection(str(self._control))
            try:
                writer.write(json.dumps(self._wanted).encode() + b"\n")
                await reader.readuntil(b"\n")
            finally:
                writer.close()


def trust() -> dict[str, str]:
    """Which authorities this machine trusts, where it says so in the environment."""
    return {name: os.environ[name] for name in ("SSL_CERT_FILE", "SSL_CERT_DIR") if name in os.environ}


async def _first(ended: "asyncio.Task[int]", other: Any, *, within: float | None = None) -> None:
    """Whichever comes first; TimeoutError where neither does."""
    waiting = asyncio.ensure_future(other)
    try:
        done, _ = await asyncio.wait({ended, waiting}, timeout=within, return_when=asyncio.FIRST_COMPLETED)
    finally:
        waiting.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await waiting
    if not done:
        raise TimeoutError("It said nothing.")
