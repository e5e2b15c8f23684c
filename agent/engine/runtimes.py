"""What runs some stages of a gateway. A process is replaced by starting another first, so that no call is dropped.

runtime = Runtime(…, destination, …)     `moved` is told whenever what serves, or why nothing does, is another
runtime.want(spec)                       roll-replaces the process when the spec is another
await runtime.stop()
"""

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import structlog

from agent.engine.instances import READY_WITHIN, Instance, NotReady, Spec
from agent.engine.limits import Cgroups
from agent.engine.listeners import LET_GO_SECONDS, Destination
from agent.engine.patience import DRAIN_SECONDS, MARGIN_SECONDS, Backoff
from agent.engine.quelling import quell
from agent.engine.resources import Refused
from agent.engine.sayings import LINES_KEPT, Sayings
from agent.engine.turns import Turns

log = structlog.get_logger(__name__)

# So long at most is a process kept that Envoy hasn't let go of
SETTLE_WITHIN = 30.0
BACKOFF, CALM_SECONDS = (0.0, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0), 60.0
# A start isn't given up for a newer wish before this: or wishes in quick succession would never see one ready
GIVE_UP_AFTER = 2.0
# A process with code that doesn't end is replaced no more often
RELIEVE_EVERY = 5.0
# Callers wait for the one that follows a dead one, where that is started as soon as this
HELD_SECONDS = 1.0
UNFORESEEN = "The process can't be started, for a reason that nobody foresaw; the agent's log says more."


class Died(NotReady):
    """It had served."""


class Runtime:
    """One process that serves, and for moments another beside it."""

    def __init__(
        self,
        folder: Path,
        sockets: Path,
        destination: Destination,
        *,
        starts: Turns,
        cgroups: Cgroups | None,
        cache: Path,
        way_out: Path,
        moved: Callable[[], None],
    ) -> None:
        self.problem = ""
        self.lines: deque[str] = deque(maxlen=LINES_KEPT)
        self.serving: Instance | None = None
        # How often another database was found in the place of its own
        self.replacements = 0
        self._folder, self._sockets = folder, sockets
        self._destination = destination
        self._starts = starts
        self._cgroups = cgroups
        self._cache = cache
        self._way_out = way_out
        self._moved = moved
        self._wanted: Spec | None = None
        # Where Envoy sends calls, as it has confirmed
        self._reached: Instance | None = None
        self._waits_since: float | None = None
        self._relieved_at = -RELIEVE_EVERY
        self._backoff = Backoff(BACKOFF, calm=CALM_SECONDS)
        self._changed = asyncio.Event()
        self._keeper: asyncio.Task[None] | None = None
        self._errands: set[asyncio.Task[None]] = set()

    def serves(self, spec: Spec) -> bool:
        """Calls come to a process with this spec, and to no other."""
        serving = self.serving
        return serving is not None and serving is self._reached and serving.spec == spec

    @property
    def is_failing(self) -> bool:
        """More than once in a row, or for long without its database: it may help to try on, but don't count on it."""
        waits = self._waits_since is not None and time.monotonic() - self._waits_since >= READY_WITHIN
        return bool(self.problem) and (waits or self._backoff.failures > 1)

    def want(self, spec: Spec) -> None:
        """At once if it's another; what serves now goes on until the new one is ready."""
        if spec != self._wanted:
            self._wanted = spec
            self.problem = ""
            self._changed.set()
        if self._keeper is None:
            self._keeper = asyncio.create_task(self._keep(spec))

    async def stop(self, patience: float) -> None:
        """Nothing of it is left afterwards; cancelled, it has less patience."""
        if self._keeper:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
        serving, self.serving = self.serving, None
        self._destination.lead_to([])
        if serving:
            self._errand(self._retire(serving, patience))
        try:
            if self._errands:
                await asyncio.wait(self._errands, timeout=patience + LET_GO_SECONDS + 1)
        finally:
            # Also those that began to retire with more patience before
            left = list(self._errands)
            for errand in left:
                errand.cancel()
            await asyncio.gather(*left, return_exceptions=True)

    async def _keep(self, spec: Spec) -> None:
        """Start what is wanted, watch it, start another when it dies or hangs or something else is wanted."""
        backoff = self._backoff
        while True:
            assert self._wanted
            if self._wanted != spec:
                spec = self._wanted
                backoff.reset()
            self._changed.clear()
            began, is_held = time.monotonic(), False
            try:
                if self.serving is None or self.serving.spec != spec:
                    await self._replace(spec)
                elif self.serving.said.is_zombie:
                    await self._relieve(spec)
                await self._watch()
                continue
            except NotReady as error:
                self.problem, is_held = str(error), isinstance(error, Died)
            except OSError as error:
                # Without the names of files: tenants read it
                self.problem = f"The process can't be started: {error.strerror or error}."
            # A keeper that ended would leave its process to itself
            except Exception:
                log.exception("runtime", gateway=spec.gateway["id"], process=spec.process)
                self.problem = UNFORESEEN
            pause = backoff.after(time.monotonic() - began)
            if self.serving and self.serving.child.has_ended:
                # The one that was to be replaced is gone as well
                self.serving = None
            if not is_held or pause > HELD_SECONDS:
                self._lead_nowhere()
            log.warning("runtime", gateway=spec.gateway["id"], process=spec.process, problem=self.problem, pause=pause)
            self._moved()
            await self._wish_within(pause, spec)

    async def _replace(self, spec: Spec) -> None:
        """Or nothing, when something else came to be wanted before it was ready."""
        starting = asyncio.create_task(self._start(spec))
        changed = asyncio.create_task(self._changed.wait())
        try:
            await asyncio.wait({starting}, timeout=GIVE_UP_AFTER)
            await asyncio.wait({starting, changed}, return_when=asyncio.FIRST_COMPLETED)
            if not starting.done():
                return
            before, self.serving = self.serving, starting.result()
        finally:
            changed.cancel()
            starting.cancel()
            # A process that was on its way has been ended by then
            await asyncio.gather(starting, return_exceptions=True)
        self.problem = ""
        self._destination.lead_to([self.serving.socket])
        self.serving.child.when_ended(self._changed.set)
        self._errand(self._be_reached(self.serving))
        if before:
            self._errand(self._retire(before, DRAIN_SECONDS + MARGIN_SECONDS))

    async def _relieve(self, spec: Spec) -> None:
        """Of code that doesn't end. The process answers calls by another worker, so there is no hurry."""
        assert self.serving
        self._errand(self._quell(self.serving))
        wait = self._relieved_at + RELIEVE_EVERY - time.monotonic()
        if wait > 0:
            # Somebody may call the same function again and again; each time takes a start
            await self._wish_within(wait, spec)
        if self._wanted == spec and not self.serving.child.has_ended:
            log.info("runtime", gateway=spec.gateway["id"], process=spec.process, relieved=self.serving.child.pid)
            self._relieved_at = time.monotonic()
            await self._replace(spec)

    async def _quell(self, instance: Instance) -> None:
        await quell(instance.child.pid)

    async def _start(self, spec: Spec) -> Instance:
        # All at once, after a restart of everything, none would be ready in time
        turn = await self._starts.take(is_first=spec.is_prod)

        def waits(why: str) -> None:
            # It takes no CPU from others meanwhile, and would keep them from their starts
            turn.end()
            self._wait_for_database(spec, why)

        try:
            return await Instance.start(
                spec,
                self._folder,
                self._sockets,
                said=Sayings(self.lines.append, self._changed.set, waits, self._replaced),
                cgroups=self._cgroups,
                cache=self._cache,
                way_out=self._way_out,
            )
        finally:
            self._waits_since = None
            turn.end()

    def _wait_for_database(self, spec: Spec, why: str) -> None:
        self._waits_since = time.monotonic() if why else None
        self.problem = f"The process waits for its database: {why}" if why else ""
        if why:
            log.warning("runtime", gateway=spec.gateway["id"], process=spec.process, waits=why)
            self._lead_nowhere()
            # From then on, that is a failure
            asyncio.get_running_loop().call_later(READY_WITHIN, self._moved)
        self._moved()

    def _replaced(self) -> None:
        self.replacements += 1
        self._moved()

    async def _watch(self) -> None:
        """Until something else is wanted. NotReady: the process has gone."""
        serving = self.serving
        if serving and not (serving.child.has_ended or serving.said.is_zombie):
            await self._changed.wait()
        if serving and serving.child.has_ended:
            # Calls still go where it was: nobody takes them there, so Envoy tries again until the next one does
            self.serving = None
            await serving.retire(0)
            raise Died(await serving.describe_end())

    def _lead_nowhere(self) -> None:
        """Unless there is one that serves. Whoever calls needn't wait."""
        if self.serving is None:
            self._destination.lead_to([])

    async def _be_reached(self, instance: Instance) -> None:
        with contextlib.suppress(Refused):
            await self._destination.settled()
        if self.serving is instance:
            self._reached = instance
            self._moved()

    async def _retire(self, instance: Instance, patience: float) -> None:
        try:
            with contextlib.suppress(TimeoutError, Refused):
                async with asyncio.timeout(SETTLE_WITHIN):
                    await self._destination.let_go()
            await instance.retire(patience)
        finally:
            instance.discard()

    def _errand(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._errands.add(task)
        task.add_done_callback(self._errand_done)

    def _errand_done(self, task: asyncio.Task[None]) -> None:
        self._errands.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.error("runtime", error=f"{type(error).__name__}: {error}")

    async def _wish_within(self, seconds: float, spec: Spec) -> None:
        """Another one than that. Ends of processes are no reason to hurry."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self._wanted == spec:
                    self._changed.clear()
                    await self._changed.wait()
