"""The running server, seen from outside: is it there, is it ready, make it stop, clear what a crash left."""

import contextlib
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from apps.core.postgres.errors import PostgresError
from apps.core.postgres.places import digest

# `fast` disconnects the clients and writes everything down; `immediate` leaves the rest to the next start's recovery
STOP_FAST, STOP_IMMEDIATELY = signal.SIGINT, signal.SIGQUIT
STOPPED_WITHIN = 10.0
# How long connections of a killed server may take to notice before they're ended
ORPHANS_NOTICE_WITHIN = 1.0


def find(data: Path) -> int | None:
    """The process id of the server of this data folder. The file alone doesn't prove it: ids are used again."""
    with contextlib.suppress(FileNotFoundError, ValueError, IndexError, psutil.NoSuchProcess):
        pid = int((data / "postmaster.pid").read_text().splitlines()[0])
        if str(data) in _command_line(psutil.Process(pid)):
            return pid
    return None


def is_ready(data: Path) -> bool:
    """Takes connections: the server says so in the eighth line of its file."""
    with contextlib.suppress(FileNotFoundError):
        lines = (data / "postmaster.pid").read_text().splitlines()
        return len(lines) > 7 and lines[7].strip() == "ready" and find(data) is not None
    return False


def stop(data: Path) -> None:
    pid = find(data)
    if pid is None:
        return
    for how in (STOP_FAST, STOP_IMMEDIATELY):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, how)
        if _becomes_true(lambda: find(data) != pid, STOPPED_WITHIN):
            return
    raise PostgresError(f"PostgreSQL (process {pid}) doesn't stop: see its log beside {data}.")


def wait_until_gone(data: Path, pid: int) -> None:
    # Not the process's own end: it stays in the table until its parent has looked
    while find(data) == pid:
        time.sleep(0.1)


def cluster_name(data: Path) -> str:
    """What the server's processes carry in their titles, which everybody may read."""
    return f"imp-{digest(data)}"


def end_orphans(data: Path) -> None:
    """Connections that outlived a killed server: they notice by themselves, unless they are busy."""
    for how in (None, signal.SIGQUIT, signal.SIGKILL):
        if how:
            for process in _orphans(data):
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.send_signal(how)
        if _becomes_true(lambda: not _orphans(data), ORPHANS_NOTICE_WITHIN):
            return


def clear_after_crash(data: Path, socket_folder: Path) -> None:
    """Take away what a killed server couldn't; only for the holder of the lock, with no server running."""
    if (data / "postmaster.pid").exists():
        end_orphans(data)
        (data / "postmaster.pid").unlink(missing_ok=True)
    for left in socket_folder.glob(".s.PGSQL.*"):
        left.unlink(missing_ok=True)


def _orphans(data: Path) -> list[psutil.Process]:
    title = f"postgres: {cluster_name(data)}: "
    return [process for process in psutil.process_iter() if " ".join(_command_line(process)).startswith(title)]


def _becomes_true(condition: Callable[[], bool], within: float) -> bool:
    deadline = time.monotonic() + within
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def _command_line(process: psutil.Process) -> list[str]:
    # Not the working directory: root without the right to trace can't read another user's
    with contextlib.suppress(psutil.Error):
        command_line: list[str] = process.cmdline()
        return command_line
    return []
