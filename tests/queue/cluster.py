"""A real worker in a process of its own, for tests that kill it."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
from django.db import connection

ROOT = Path(__file__).resolve().parents[2]
START_WITHIN = 30


def wait_until(holds: Callable[[], Any], within: float = 15, what: str = "") -> Any:
    """Returns what `holds` returns once that is true; fails when it doesn't come."""
    give_up_at = time.monotonic() + within
    while not (found := holds()):
        assert time.monotonic() < give_up_at, f"not within {within} s: {what or holds}"
        time.sleep(0.005)
    return found


def url_of_test_database() -> str:
    known = connection.settings_dict
    from urllib.parse import quote

    return (
        f"postgres://{known['USER']}:{quote(known['PASSWORD'])}@{quote(known['HOST'], safe='')}:{known['PORT']}"
        f"/{known['NAME']}"
    )


class RunningCluster:
    def __init__(self, workers: int, database_url: str, **environment: str) -> None:
        self.lines: list[str] = []
        self.process = subprocess.Popen(
            [sys.executable, "manage.py", "worker", "--workers", str(workers)],
            cwd=ROOT,
            env={
                **os.environ,
                "DJANGO_SETTINGS_MODULE": "portal.settings.test",
                "DATABASE_URL": database_url,
                "PYTHONUNBUFFERED": "1",
                **environment,
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            # A group of its own, as a supervisor gives it
            process_group=0,
        )
        self.main = psutil.Process(self.process.pid)
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        self.expected = workers + 1
        wait_until(self.is_up, START_WITHIN, "the worker's start")

    def _read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self.lines.append(line)

    def log(self) -> str:
        return "".join(self.lines)

    def is_up(self) -> bool:
        assert self.process.poll() is None, f"the worker ended:\n{self.log()}"
        return len(self.children()) == self.expected and self.log().count("process starts") >= self.expected

    def children(self) -> list[psutil.Process]:
        with contextlib.suppress(psutil.NoSuchProcess):
            return [child for child in self.main.children() if child.status() != psutil.STATUS_ZOMBIE]
        return []

    def sweeper(self) -> psutil.Process:
        """The one that keeps the heartbeat."""
        from apps.core.processes.models import ProcessHeartbeat

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
        self.process.wait(15)
        return time.monotonic() - began

    def destroy(self) -> None:
        children = self.children()
        self.process.kill()
        self.process.wait()
        psutil.wait_procs(children, timeout=5)
        self.reader.join(5)
        assert self.process.stdout
        self.process.stdout.close()


@contextlib.contextmanager
def running_cluster(workers: int = 2, database_url: str = "", **environment: str) -> Iterator[RunningCluster]:
    cluster = RunningCluster(workers, database_url or url_of_test_database(), **environment)
    try:
        yield cluster
    finally:
        cluster.destroy()
