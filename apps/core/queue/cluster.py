"""The main process of a worker: starts the worker processes, one that sweeps, and what else runs beside them; and
starts another for each that ends.

django-q2's own cluster hands tasks from process to process through queues and timers whose locks a killed process
never gives back, and then stands still. Here the processes share nothing but a number each, and the database.
The main process has no thread and no connection, so it can fork at any time.
"""

import ctypes
import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from multiprocessing.connection import wait
from multiprocessing.context import ForkProcess
from types import FrameType
from typing import Any

import structlog
from django.db import DatabaseError, connections
from django_q.conf import Conf

from apps.core.queue.claims import give_back_all, name_of_worker
from apps.core.queue.companions import Run, all_companions
from apps.core.queue.worker import GRACE, Slot, Worker

log = structlog.get_logger(__name__)

LOOK_EVERY = 0.2
# After it a task that doesn't react to its timeout is killed with its process
PATIENCE = 1.0
# From SIGTERM to SIGKILL for what hasn't ended
STOP_WITHIN = GRACE + 0.7
# A process that ends sooner is started again more slowly
SHORT_LIFE = 1.0
HUNG_AFTER = 10.0
REPORTED_DEATHS = 50
PR_SET_PDEATHSIG = 1


@dataclass
class Place:
    """A process that must run: which one does now, and what it tells the main process."""

    title: str
    slot: Slot
    process: ForkProcess | None = None
    name: str = ""
    started_at: float = 0.0
    killed_for: str = ""

    def start_not_before(self) -> float:
        return self.started_at + SHORT_LIFE if self.started_at else 0.0


@dataclass
class Cluster:
    workers: int = Conf.WORKERS
    with_sweeper: bool = True
    companions: Mapping[str, Run] = field(default_factory=all_companions)
    stopping: bool = False
    deaths: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.fork = multiprocessing.get_context("fork")
        # No lock around these numbers: one process writes, the others read
        self.tick: Slot = self.fork.Value("d", time.monotonic(), lock=False)
        self.places = [Place(f"worker {number + 1}", self._new_slot()) for number in range(self.workers)]
        self.sweeper_place = Place("sweeper", self._new_slot())
        self.companion_places = [Place(title, self._new_slot()) for title in self.companions]
        self.main_pid = os.getpid()

    def _new_slot(self) -> Slot:
        slot: Slot = self.fork.Value("d", 0.0, lock=False)
        return slot

    def run(self) -> None:
        """Until SIGTERM or SIGINT."""
        signal.signal(signal.SIGTERM, self._on_stop)
        signal.signal(signal.SIGINT, self._on_stop)
        log.info("worker starts", workers=self.workers, pid=self.main_pid)
        while not self.stopping:
            self.tick.value = time.monotonic()
            for place in self._all_places():
                self._look_at(place)
            wait([place.process.sentinel for place in self._all_places() if place.process], timeout=LOOK_EVERY)
        self._stop()

    def _all_places(self) -> list[Place]:
        return [*self.places, *([self.sweeper_place, *self.companion_places] if self.with_sweeper else [])]

    def _on_stop(self, signum: int, frame: FrameType | None) -> None:
        self.stopping = True

    # --- Keeping them alive ---

    def _look_at(self, place: Place) -> None:
        if place.process is not None and not place.process.is_alive():
            self._bury(place)
        if place.process is None and time.monotonic() >= place.start_not_before():
            self._start(place)
        elif place.process is not None and place.slot.value and time.monotonic() > place.slot.value + PATIENCE:
            place.killed_for = "It ran over its timeout and didn't react, so its process was killed."
            place.process.kill()

    def _bury(self, place: Place) -> None:
        process = place.process
        assert process is not None
        code = process.exitcode or 0
        if code < 0:
            ended = signal.Signals(-code).name
            log.error("process ended", process=place.title, pid=process.pid, signal=ended)
            self.deaths[place.name] = place.killed_for or f"Its worker process was ended by {ended} while it ran."
        elif code:
            log.error("process ended", process=place.title, pid=process.pid, exit_code=code)
            self.deaths[place.name] = f"Its worker process ended with exit code {code} while it ran."
        if time.monotonic() - place.started_at >= SHORT_LIFE:
            place.started_at = 0.0
        process.close()
        place.process, place.killed_for, place.slot.value = None, "", 0.0

    def _start(self, place: Place) -> None:
        place.started_at = time.monotonic()
        if place is self.sweeper_place:
            target: Callable[..., None] = self._sweep
            arguments: tuple[Any, ...] = ()
        elif place.title in self.companions:
            target, arguments = self._accompany, (place.title, place.slot)
        else:
            # Every recent one, not only those since the last start: that process may have ended before it reported
            self.deaths = dict(list(self.deaths.items())[-REPORTED_DEATHS:])
            target, arguments = self._work, (place.slot, self.deaths)
        # A connection must not be shared with a child
        connections.close_all()
        place.process = self.fork.Process(target=target, args=arguments, name=place.title)
        place.process.start()
        place.name = name_of_worker(place.process.pid or 0, self.main_pid)
        log.info("process starts", process=place.title, pid=place.process.pid)

    # --- In the children ---

    def _work(self, slot: Slot, deaths: dict[str, str]) -> None:
        _die_with(self.main_pid)
        Worker(slot).work(deaths)

    def _accompany(self, title: str, slot: Slot) -> None:
        _die_with(self.main_pid)
        self.companions[title](slot)

    def _sweep(self) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        _die_with(self.main_pid)
        from apps.core.processes.heartbeat import start_heartbeat
        from apps.core.queue.sweeper import Sweeper

        start_heartbeat("worker", detail=self._detail, is_well=self._is_well)
        Sweeper().work()

    def _detail(self) -> dict[str, Any]:
        from apps.core.queue.selectors import get_lag

        busy = sum(place.slot.value > 0 for place in self.places)
        return {"workers": self.workers, "busy": busy, "lag_seconds": round(get_lag().total_seconds(), 1)}

    def _is_well(self) -> bool:
        return time.monotonic() - self.tick.value < HUNG_AFTER

    # --- Ending ---

    def _stop(self) -> None:
        """Workers finish what runs or give it back; what doesn't end in time is killed and given back here."""
        log.info("worker stops")
        living = [place for place in self._all_places() if place.process]
        for place in living:
            if place.process and place.process.is_alive():
                place.process.terminate()
        give_up_at = time.monotonic() + STOP_WITHIN
        killed = set()
        for place in living:
            assert place.process is not None
            place.process.join(max(0.0, give_up_at - time.monotonic()))
            if place.process.is_alive():
                place.process.kill()
                place.process.join()
            if place.process.exitcode:
                killed.add(place.name)
        if killed:
            try:
                with connections[Conf.ORM].cursor() as cursor:
                    give_back_all(cursor, killed)
            except DatabaseError as error:
                log.warning("tasks not given back; the next worker does it", error=str(error).strip())
        log.info("worker stopped")


def _die_with(parent: int) -> None:
    """Linux kills this process when its parent dies, however that happens."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)
