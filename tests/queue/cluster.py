"""A real worker in a process of its own, for tests that kill it."""

import contextlib
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
from django.conf import settings
from django.db import connections

from apps.core.logs import configure
from apps.core.processes.models import ProcessHeartbeat
from apps.core.queue.cluster import Cluster
from apps.core.queue.companions import all_companions

ROOT = Path(__file__).resolve().parents[2]
# How long a test waits at most for what comes in a moment: the machine may have much else to do
PATIENCE = 60


def wait_until(holds: Callable[[], Any], within: float = PATIENCE, what: str = "") -> Any:
    """Returns what `holds` returns once that is true; fails when it doesn't come."""
    give_up_at = time.monotonic() + within
    while not (found := holds()):
        assert time.monotonic() < give_up_at, f"not within {within} s: {what or holds}"
        time.sleep(0.005)
    return found


class RunningCluster:
    """The worker's main process and its children, in a process group of their own, as a supervisor gives it.

    It is forked from the test's process, which has everything loaded. With `environment` it is the real command.
    """

    def __init__(self, workers: int, environment: dict[str, str] | None) -> None:
        self.lines: list[str] = []
        # The real command also runs what works beside the queue
        self.expected = workers + 1 + (len(all_companions()) if environment is not None else 0)
        self.seen: set[psutil.Process] = set()
        reading, writing = os.pipe()
        self.process = self._fork(workers, writing) if environment is None else self._run(workers, writing, environment)
        os.close(writing)
        self.reader = threading.Thread(target=self._read, args=[reading], daemon=True)
        self.reader.start()
        wait_until(self.is_up, what="the worker's start")

    def _fork(self, workers: int, output: int) -> psutil.Process:
        # The child must not end the connections of its parent
        connections.close_all()
        pid = os.fork()
        if pid:
            return psutil.Process(pid)
        try:
            os.setpgid(0, 0)
            os.dup2(output, 1)
            os.dup2(output, 2)
            sys.stdout = sys.stderr = os.fdopen(1, "w", buffering=1)
            configure(settings.LOGGING)
            Cluster(workers, companions={}).run()
            os._exit(0)
        except BaseException:
            traceback.print_exc()
            os._exit(1)

    def _run(self, workers: int, output: int, environment: dict[str, str]) -> psutil.Process:
        return psutil.Popen(
            [sys.executable, "manage.py", "worker", "--workers", str(workers)],
            cwd=ROOT,
            env={**os.environ, "DJANGO_SETTINGS_MODULE": "portal.settings.test", **environment},
            stdout=output,
            stderr=output,
            process_group=0,
        )

    def _read(self, descriptor: int) -> None:
        with os.fdopen(descriptor) as output:
            for line in output:
                self.lines.append(line)

    def log(self) -> str:
        return "".join(self.lines)

    def is_up(self) -> bool:
        assert self.is_running(), f"the worker ended:\n{self.log()}"
        return len(self.children()) == self.expected and self.log().count("process starts") >= self.expected

    def is_running(self) -> bool:
        runs: bool = self.process.is_running() and self.process.status() != psutil.STATUS_ZOMBIE
        return runs

    def children(self) -> list[psutil.Process]:
        with contextlib.suppress(psutil.NoSuchProcess):
            found = [child for child in self.process.children() if child.status() != psutil.STATUS_ZOMBIE]
            self.seen.update(found)
            return found
        return []

    def sweeper(self) -> psutil.Process:
        """The one that keeps the heartbeat."""

        def found() -> psutil.Process | None:
            pids = set(ProcessHeartbeat.objects.filter(kind="worker").values_list("pid", flat=True))
            return next((child for child in self.children() if child.pid in pids), None)

        process: psutil.Process = wait_until(found, what="a heartbeat")
        return process

    def workers(self) -> list[psutil.Process]:
        sweeper = self.sweeper().pid
        return [child for child in self.children() if child.pid != sweeper]

    def stop(self) -> float:
        """The seconds that it took to end after SIGTERM."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        self.exit_code = self.process.wait(PATIENCE)
        return time.monotonic() - began

    def destroy(self) -> None:
        self.children()
        with contextlib.suppress(psutil.NoSuchProcess):
            self.process.kill()
            self.process.wait()
        # What was seen once, too: a test that finds an orphan must not leave it behind
        for process in self.seen:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(self.seen, timeout=PATIENCE)
        self.reader.join(PATIENCE)


@contextlib.contextmanager
def running_cluster(workers: int = 2, environment: dict[str, str] | None = None) -> Iterator[RunningCluster]:
    cluster = RunningCluster(workers, environment)
    try:
        yield cluster
    finally:
        cluster.destroy()
