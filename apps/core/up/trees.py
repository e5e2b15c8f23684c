"""A process and everything it started, also what moved to a group of its own or lost its parent."""

import contextlib
import ctypes
import os
import signal
import sys
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil

PR_SET_CHILD_SUBREAPER = 36
HAS_PROC = Path("/proc/self/stat").exists()


def adopt_orphans() -> None:
    """From now on a process whose parent died becomes a child of this one, so that none gets lost (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


@dataclass(frozen=True)
class Row:
    """What the system says about a process."""

    parent: int
    session: int
    is_zombie: bool


def table() -> dict[int, Row]:
    """All processes. Straight from /proc where there is one, as asking psutil for each takes ten times as long."""
    found = {}
    for pid in psutil.pids():
        with contextlib.suppress(OSError, psutil.Error, ValueError):
            found[pid] = _row(pid)
    return found


def members(leader: int, rows: Mapping[int, Row] | None = None) -> set[int]:
    """The pids below a session leader: those of its session, and their descendants in other sessions."""
    rows = table() if rows is None else rows
    found = {pid for pid, row in rows.items() if row.session == leader} | {leader}
    grown = True
    while grown:
        below = {pid for pid, row in rows.items() if row.parent in found} - found
        found |= below
        grown = bool(below)
    return found & rows.keys()


def kill_tree(leader: int) -> None:
    """SIGKILL for the leader and everything below it; repeated, as a process may fork meanwhile."""
    for _ in range(5):
        rows = table()
        alive = {pid for pid in members(leader, rows) if not rows[pid].is_zombie}
        if not alive:
            return
        kill(alive)
        time.sleep(0.01)


def kill(pids: Iterable[int], number: signal.Signals = signal.SIGKILL) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)


def strays(known: set[int]) -> set[int]:
    """Adopted orphans: children of this process that it didn't start itself. Reaps those that ended."""
    found = set()
    own_session = os.getsid(0)
    for pid in _children() - known:
        try:
            row = _row(pid)
        except (OSError, psutil.Error):
            continue
        # What this process runs for a moment stays in its own session
        if row.session == own_session:
            continue
        if row.is_zombie:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)
        else:
            found.add(pid)
    return found


def marked(name: str, value: str) -> set[int]:
    """Processes that carry this variable in their environment, this one left out."""
    found = set()
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.pid != os.getpid() and process.environ().get(name) == value:
                found.add(process.pid)
    return found


def is_alive(pid: int) -> bool:
    try:
        return not _row(pid).is_zombie
    except (OSError, psutil.Error):
        return False


def _children() -> set[int]:
    with contextlib.suppress(OSError):
        # Each thread's own; asked four times a second, so not by looking at every process there is
        lists = [(thread / "children").read_text() for thread in Path("/proc/self/task").iterdir()]
        return {int(pid) for pids in lists for pid in pids.split()}
    return {pid for pid, row in table().items() if row.parent == os.getpid()}


def _row(pid: int) -> Row:
    if HAS_PROC:
        # The name of the program may hold spaces and parentheses, so what counts comes after the last one
        with open(f"/proc/{pid}/stat", "rb", buffering=0) as file:
            state, parent, _, session, _ = file.read(1024).rpartition(b")")[2].split(maxsplit=4)
        return Row(int(parent), int(session), state == b"Z")
    process = psutil.Process(pid)
    return Row(process.ppid(), os.getsid(pid), process.status() == psutil.STATUS_ZOMBIE)
