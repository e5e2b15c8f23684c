"""Envoy as the way in: one that takes calls, another when it dies or hangs, and another in its place when wished.

In its place it takes the listening sockets over, so that no connection is lost that waits in them: two that listen at
the same port beside each other would each have their own, and what waits in the one that goes is reset.
"""

import asyncio
import contextlib
import hashlib
import itertools
import json
import time
from collections import deque
from enum import Enum, auto
from pathlib import Path
from typing import Any

import structlog

from agent.engine.calls import Unanswered
from agent.engine.envoys import STOP_SECONDS, Envoy, Lineage, NotReady, Program, bootstrap
from agent.engine.patience import DRAIN_SECONDS, MARGIN_SECONDS, Backoff
from agent.engine.resources import Resources

log = structlog.get_logger(__name__)

# Alive for long enough, its next death is a first one again
BACKOFF, CALM_SECONDS = (0.0, 0.2, 0.5, 1.0, 2.0, 5.0), 30.0
CHECK_EVERY, FAILED_CHECKS = 3.0, 3
# Another program of Envoy is written whole by then
SETTLED_SECONDS = 5.0
LINES_KEPT = 50
LINEAGES = 4


class Turn(Enum):
    ENDED = auto()
    HANGS = auto()
    WISHED = auto()


class Proxy:
    """Started once; it starts another by itself until it's stopped."""

    def __init__(self, folder: Path, sockets: Path, resources: Resources) -> None:
        self.folder = folder
        # The listener that Envoy will get: another program of Envoy is asked about it before it's trusted
        self.door: dict[str, Any] = {}
        self.lines: deque[str] = deque(maxlen=LINES_KEPT)
        # Why none runs; for people
        self.problem = ""
        # Of the one that takes calls
        self.version = ""
        self._sockets = sockets
        self._resources = resources
        self._discovery = sockets / "ads.sock"
        self._serving: Envoy | None = None
        self._living: set[Envoy] = set()
        self._retiring: set[asyncio.Task[None]] = set()
        self._numbers = itertools.count(1)
        self._news = asyncio.Event()
        self._is_wished = self._is_renewing = False
        # Another program that was seen, since when; and the one that can't take over
        self._seen: tuple[Program, float] | None = None
        self._declined: Program | None = None
        self._keeper: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int | None:
        serving = self._serving
        return serving.child.pid if serving and not serving.child.has_ended else None

    @property
    def pids(self) -> list[int]:
        """Also of those that still finish their calls."""
        return [each.child.pid for each in self._living if not each.child.has_ended]

    async def start(self, discovery: Path) -> None:
        self._discovery = discovery
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for left in (*self.folder.glob("*.json"), *self._sockets.glob("heirs*"), *self._sockets.glob("admin*")):
            left.unlink()
        self._keeper = asyncio.create_task(self._keep())

    def renew(self) -> None:
        """Another in its place without a lost call, once the one before that has finished with its own."""
        self._is_wished = True
        self._news.set()

    def look(self) -> None:
        """Where there's another program of Envoy than the one that runs, that takes over."""
        serving = self._serving
        with contextlib.suppress(FileNotFoundError):
            found = Program.find()
            if serving is None or self._is_renewing or found in (serving.program, self._declined):
                self._seen = None
            elif self._seen is None or self._seen[0] != found:
                self._seen = found, time.monotonic()
            elif time.monotonic() - self._seen[1] >= SETTLED_SECONDS and not self._is_wished:
                log.info("another envoy is there", program=str(found.path))
                self.renew()

    async def drain(self, patience: float) -> None:
        """No new connections; until no call is under way, or for that many seconds."""
        if self._serving:
            await self._serving.drain(patience)

    async def stop(self) -> None:
        tasks = [*self._retiring, *filter(None, [self._keeper])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.gather(*(each.child.stop(STOP_SECONDS) for each in list(self._living)))
        for number in range(LINEAGES):
            self._lineage(number).forget()

    async def reopen_logs(self) -> None:
        # Where one is away, the next one opens them anyway
        for each in list(self._living):
            with contextlib.suppress(Unanswered):
                await each.ask("/reopen_logs", method="POST")

    async def _keep(self) -> None:
        loop = asyncio.get_running_loop()
        backoff = Backoff(BACKOFF, calm=CALM_SECONDS)
        while True:
            began = loop.time()
            try:
                why = await self._live()
            except NotReady as error:
                why = str(error)
            except OSError as error:
                # Without the names of files: tenants read it
                why = error.strerror or str(error)
            except Exception:
                # Nothing answers without it, whatever is wrong
                log.exception("envoy")
                why = "a mistake that nobody foresaw; the agent's log says more"
            self._serving = None
            pause = backoff.after(loop.time() - began)
            self.problem = f"Envoy isn't running: {why}"
            log.warning("envoy ended", why=why, last=list(self.lines)[-3:], again_in=pause)
            await asyncio.sleep(pause)

    async def _live(self) -> str:
        """For as long as one takes calls; the reason why none does any more."""
        self._serve(await self._start())
        self._is_wished = False
        while True:
            assert self._serving
            serving = self._serving
            match await self._watch(serving):
                case Turn.ENDED:
                    return f"code {await serving.child.wait()}"
                case Turn.WISHED:
                    self._is_renewing = True
                    try:
                        await self._renew(serving)
                    finally:
                        self._is_renewing = False
                case Turn.HANGS:
                    log.warning("envoy doesn't answer", node=serving.node)
                    try:
                        # Some of its threads may still answer calls until another does
                        await self._replace(serving, None)
                    finally:
                        serving.child.kill()

    async def _watch(self, envoy: Envoy) -> Turn:
        envoy.child.when_ended(self._news.set)
        failed = 0
        while failed < FAILED_CHECKS:
            if envoy.child.has_ended:
                return Turn.ENDED
            # Of three at once the first would be cut off
            if self._is_wished and not self._retiring:
                self._is_wished = False
                return Turn.WISHED
            self._news.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(CHECK_EVERY if not failed else 0.5):
                    await self._news.wait()
                    continue
            failed = 0 if await envoy.is_alive() else failed + 1
        return Turn.HANGS

    async def _renew(self, serving: Envoy) -> None:
        """Where it doesn't succeed, the one that serves goes on."""
        program = Program.find()
        if program != serving.program and (reason := await self._refusal(program)):
            self._declined = program
            log.error("another envoy can't take over", program=str(program.path), reason=reason)
            return
        try:
            if await self._can_inherit(serving, program):
                try:
                    await self._replace(serving, serving)
                    return
                except NotReady as error:
                    log.warning("envoy didn't take over", reason=str(error), last=list(self.lines)[-3:])
            await self._replace(serving, None)
        except NotReady as error:
            self._declined = program
            log.error("another envoy can't take over", program=str(program.path), reason=str(error))

    async def _refusal(self, program: Program) -> str:
        """Of a program that hasn't run here yet; what it says about the configuration that it will get."""
        whole = bootstrap("trial", self._sockets / "trial.sock", self._discovery)
        whole["static_resources"]["listeners"] = [self.door]
        file = self.folder / "trial.json"
        file.write_text(json.dumps(whole))
        try:
            code, lines = await program.says("--mode", "validate", "-c", str(file), "-l", "error", folder=self.folder)
        finally:
            file.unlink()
        return "" if code == 0 else f"code {code}: {' '.join(lines[-3:])}"

    async def _can_inherit(self, serving: Envoy, program: Program) -> bool:
        if serving.lineage is None or program == serving.program:
            return serving.lineage is not None
        return await program.heritage(self.folder) == await serving.program.heritage(self.folder) != ""

    async def _replace(self, serving: Envoy, parent: Envoy | None) -> None:
        """By its child or, where that can't be, by one beside it."""
        envoy = await self._start(parent)
        try:
            await envoy.until_ready(unless_ended=parent)
        except BaseException:
            envoy.child.kill()
            raise
        self._serve(envoy)
        task = asyncio.create_task(self._see_off(serving, is_parent=parent is not None))
        self._retiring.add(task)
        task.add_done_callback(self._seen_off)
        log.info("envoy replaced", before=serving.node, node=envoy.node, inherits=parent is not None)

    async def _start(self, parent: Envoy | None = None) -> Envoy:
        lineage = parent.lineage if parent else self._free_lineage()
        envoy = await Envoy.start(
            f"imp-{next(self._numbers)}",
            folder=self.folder,
            sockets=self._sockets,
            discovery=self._discovery,
            hear=self.lines.append,
            lineage=lineage,
            epoch=parent.epoch + 1 if parent else 0,
        )
        self._living.add(envoy)
        envoy.child.when_ended(lambda: self._ended(envoy))
        return envoy

    def _ended(self, envoy: Envoy) -> None:
        self._living.discard(envoy)
        self._resources.leave(envoy.node)

    def _serve(self, envoy: Envoy) -> None:
        self._serving = envoy
        self.problem, self.version = "", envoy.version
        # For whoever looks from outside
        link = self._sockets / "admin.sock"
        link.unlink(missing_ok=True)
        link.symlink_to(envoy.admin.name)

    async def _see_off(self, envoy: Envoy, *, is_parent: bool) -> None:
        try:
            if is_parent:
                # Its child has told it to drain, and ends it
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(DRAIN_SECONDS + MARGIN_SECONDS):
                        await envoy.child.wait()
            else:
                await envoy.drain(DRAIN_SECONDS)
        finally:
            await envoy.child.stop(STOP_SECONDS)

    def _seen_off(self, task: asyncio.Task[None]) -> None:
        self._retiring.discard(task)
        self._news.set()

    def _lineage(self, number: int) -> Lineage:
        """Of this folder and no other on the machine; small enough for Envoy to make more of it."""
        mark = hashlib.blake2b(str(self._sockets).encode(), digest_size=3).digest()
        return Lineage(int.from_bytes(mark) * LINEAGES + number)

    def _free_lineage(self) -> Lineage | None:
        taken = {each.lineage for each in self._living}
        free = (each for each in map(self._lineage, range(LINEAGES)) if each not in taken)
        return next(free, None) if Lineage.can_be() else None
