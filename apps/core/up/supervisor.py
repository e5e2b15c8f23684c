"""Starts the parts in order, watches them, heals what dies or hangs, and takes all of them away."""

import asyncio
import re
import signal
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from pathlib import Path

import psutil

from apps.core.up import trees
from apps.core.up.child import Child
from apps.core.up.declaration import Part, Process, Step
from apps.core.up.guard import Guard
from apps.core.up.journal import PartState
from apps.core.up.output import Output
from apps.core.up.probes import Unhealthy

DEATHS_BEFORE_GIVING_UP = 5
WINDOW_SECONDS = 60.0
TICK_WHILE_STARTING = 0.05
TICK = 2.0
# How often to look for orphans in the seconds after a death
STRAYS_TICK = 0.25
WATCHFUL_SECONDS = 5.0
LINES_OF_A_PROCESS = 15
LINES_OF_A_STEP = 200


class StepFailed(Exception):
    """A step didn't succeed, so nothing after it can be started."""


class Supervisor:
    def __init__(
        self,
        parts: Sequence[Part],
        *,
        environment: Mapping[str, str],
        folder: Path,
        output: Output,
        on_change: Callable[[], None],
        on_ready: Callable[[], Awaitable[None]],
        on_stop: Callable[[], None],
    ) -> None:
        self.parts = parts
        self.states = {part.name: PartState(part.name) for part in parts}
        self._environment = dict(environment)
        self._folder = folder
        self._output = output
        self._on_change = on_change
        self._on_ready = on_ready
        self._on_stop = on_stop
        self._children: dict[str, Child] = {}
        self._well = {part.name: asyncio.Event() for part in parts}
        self._settled = {part.name: asyncio.Event() for part in parts}
        self._stopping = asyncio.Event()
        self._watchful_until = 0.0
        self._guard = Guard(self._environment, folder)

    # --- The run as a whole ---

    async def run(self) -> int:
        """Returns the exit code once everything is gone."""
        trees.adopt_orphans()
        self._listen_to_signals()
        helpers = [asyncio.create_task(self._clear_strays()), asyncio.create_task(self._announce())]
        code = 0
        try:
            async with asyncio.TaskGroup() as keepers:
                kept = [keepers.create_task(self._keep(part)) for part in self.parts]
                await self._stopping.wait()
                await asyncio.to_thread(self._on_stop)
                await self._stop_all()
                for task in kept:
                    task.cancel()
        except* StepFailed:
            code = 1
        finally:
            self._stopping.set()
            await self._stop_all()
            for task in helpers:
                task.cancel()
            await asyncio.gather(*helpers, return_exceptions=True)
            self._guard.dismiss()
        return code

    def _listen_to_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._asked_to_stop)

    def _asked_to_stop(self) -> None:
        if not self._stopping.is_set():
            self._output.event("up", "stopping; once more kills everything at once")
            self._stopping.set()
            return
        for child in self._children.values():
            child.kill()

    async def _announce(self) -> None:
        """Once each part works or was given up."""
        for event in self._settled.values():
            await event.wait()
        try:
            await self._on_ready()
        # The parts run; no failure to say so may end them
        except Exception as error:
            self._output.event("up", f"it runs, but can't be summed up: {error!r}", bad=True)

    async def _clear_strays(self) -> None:
        while True:
            await asyncio.sleep(STRAYS_TICK if time.monotonic() < self._watchful_until else TICK)
            try:
                trees.kill(trees.strays(self._own_pids()))
                if not self._guard.is_alive():
                    self._replace_guard()
            except (OSError, psutil.Error) as error:
                self._output.event("up", f"what was left behind can't be cleared: {error!r}", bad=True)

    def _replace_guard(self) -> None:
        self._guard = Guard(self._environment, self._folder)
        for part in self.parts:
            if child := self._children.get(part.name):
                self._guard.started(child.pid, _stop_signal(part))

    def _own_pids(self) -> set[int]:
        return {self._guard.pid, *(child.pid for child in self._children.values())}

    async def _stop_all(self) -> None:
        """The last ones first: whatever a part needs is there until it has stopped."""
        waiting = {part.name: part for part in self.parts}
        while waiting:
            needed = {name for part in waiting.values() for name in part.after}
            last = [part for part in waiting.values() if part.name not in needed] or list(waiting.values())
            await asyncio.gather(*(self._stop(part) for part in last))
            for part in last:
                del waiting[part.name]

    async def _stop(self, part: Part) -> None:
        child = self._children.get(part.name)
        if child is None:
            return
        started = time.monotonic()
        await child.stop(_stop_signal(part), part.stop_seconds if isinstance(part, Process) else 1.0)
        self._forget(part, child)
        self._change(part, state="stopped", pid=None)
        self._output.event(part.name, f"stopped in {time.monotonic() - started:.1f} s")

    # --- One part ---

    async def _keep(self, part: Part) -> None:
        for name in part.after:
            await self._well[name].wait()
        if isinstance(part, Step):
            await self._run_step(part)
        else:
            await self._keep_process(part)

    async def _run_step(self, step: Step) -> None:
        if self._stopping.is_set():
            return
        self._change(step, state="running")
        child = self._start(step)
        await child.ended.wait()
        child.kill()
        self._forget(step, child)
        if self._stopping.is_set():
            return
        seconds = time.monotonic() - child.started
        if child.code:
            child.finish_reading()
            self._change(step, state="failed", last_end=child.describe_end())
            said = _quoted(child.lines)
            self._output.event(step.name, f"{child.describe_end()}, so nothing goes on. It said:\n{said}", bad=True)
            raise StepFailed(step.name)
        self._change(step, state="done")
        self._output.event(step.name, f"done in {seconds:.2f} s", seconds=round(seconds, 3))
        self._well[step.name].set()
        self._settled[step.name].set()

    async def _keep_process(self, process: Process) -> None:
        deaths: list[float] = []
        given_up = False
        while not self._stopping.is_set():
            began = time.monotonic()
            reason, lines = await self._live_once(process)
            if self._stopping.is_set():
                return
            self._well[process.name].clear()
            now = time.monotonic()
            deaths = [moment for moment in deaths if now - moment < WINDOW_SECONDS] + [now]
            self._change(process, state="restarting", pid=None, last_end=reason)
            given_up = given_up and now - began < WINDOW_SECONDS
            if given_up:
                self._change(process, state="given up", message=reason)
            elif len(deaths) >= DEATHS_BEFORE_GIVING_UP:
                self._give_up(process, reason, lines)
                given_up = True
            if given_up:
                await asyncio.sleep(process.rest_seconds)
                self.states[process.name].restarts += 1
                continue
            delay = process.backoff[min(len(deaths), len(process.backoff)) - 1]
            self._output.event(
                process.name, f"{reason}; starting it again" + (f" in {delay:g} s" if delay else ""), bad=True
            )
            await asyncio.sleep(delay)
            self.states[process.name].restarts += 1

    async def _live_once(self, process: Process) -> tuple[str, list[str]]:
        """From start to death; says how it ended and what it wrote last."""
        self._change(process, state="starting")
        started = time.monotonic()
        try:
            child = self._start(process)
        except OSError as error:
            return f"can't be started: {error}", []
        self._change(process, pid=child.pid)
        watch = asyncio.create_task(self._watch(process, child, started))
        ended = asyncio.create_task(child.ended.wait())
        try:
            await asyncio.wait([watch, ended], return_when=asyncio.FIRST_COMPLETED)
        finally:
            watch.cancel()
            ended.cancel()
        if self._stopping.is_set():
            return "", []
        reason = child.describe_end() if child.ended.is_set() else watch.result()
        child.kill()
        await child.ended.wait()
        child.finish_reading()
        self._forget(process, child)
        return reason, list(child.lines)

    async def _watch(self, process: Process, child: Child, started: float) -> str:
        """Returns only when the process has to go, with the reason."""
        last_well = time.monotonic()
        was_well = False
        while True:
            try:
                await process.probe.check(child.pid)
            except Unhealthy as error:
                patience = process.hang_seconds if was_well else process.start_seconds
                if not self._needs_are_well(process):
                    last_well = time.monotonic()
                elif time.monotonic() - last_well > patience:
                    return f"didn't work for {patience:g} s ({error})"
                self._change(process, message=str(error))
            else:
                last_well = time.monotonic()
                if not was_well:
                    was_well = True
                    seconds = last_well - started
                    self._change(process, state="healthy", message="")
                    self._output.event(process.name, f"ready in {seconds:.2f} s", seconds=round(seconds, 3))
                    self._well[process.name].set()
                    self._settled[process.name].set()
                else:
                    self._change(process, message="")
            await asyncio.sleep(TICK if was_well else TICK_WHILE_STARTING)

    def _needs_are_well(self, process: Process) -> bool:
        return all(self._well[name].is_set() for name in process.after)

    def _give_up(self, process: Process, reason: str, lines: list[str]) -> None:
        self._change(process, state="given up", message=reason)
        self._output.event(
            process.name,
            f"{reason}, {DEATHS_BEFORE_GIVING_UP} times within a minute; the others go on without it,"
            f" and it's tried again each {process.rest_seconds:g} s. It said last:\n{_quoted(lines)}\n"
            "Put right what it complains about; `manage.py doctor` helps.",
            bad=True,
            lines=lines,
        )
        self._settled[process.name].set()

    # --- Bookkeeping ---

    def _start(self, part: Part) -> Child:
        child = Child(
            part.command,
            environment={**self._environment, **part.environment},
            folder=self._folder,
            on_line=self._reader_of(part),
            kept_lines=LINES_OF_A_STEP if isinstance(part, Step) else LINES_OF_A_PROCESS,
        )
        self._children[part.name] = child
        self._guard.started(child.pid, _stop_signal(part))
        return child

    def _reader_of(self, part: Part) -> Callable[[str], None]:
        if isinstance(part, Step):
            # Told only if it fails
            return lambda text: None
        hidden = re.compile(part.hidden) if part.hidden else None

        def read(text: str) -> None:
            if not (hidden and self._output.terminal and hidden.search(text)):
                self._output.line(part.name, text)

        return read

    def _forget(self, part: Part, child: Child) -> None:
        if self._children.get(part.name) is child:
            del self._children[part.name]
        self._guard.ended(child.pid)
        self._watchful_until = time.monotonic() + WATCHFUL_SECONDS

    def _change(self, part: Part, **values: object) -> None:
        state = self.states[part.name]
        if any(getattr(state, name) != value for name, value in values.items()):
            for name, value in values.items():
                setattr(state, name, value)
            self._on_change()


def _quoted(lines: Iterable[str]) -> str:
    return "\n".join(f"    {line}" for line in lines) or "    (nothing)"


def _stop_signal(part: Part) -> signal.Signals:
    return part.stop_signal if isinstance(part, Process) else signal.SIGTERM
