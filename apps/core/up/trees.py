"""A process and everything it started, also what moved to a group of its own or lost its parent."""

import contextlib
import ctypes
import os
import signal
import sys
import time
from collections.abc import Iterable

import psutil

PR_SET_CHILD_SUBREAPER = 36


def adopt_orphans() -> None:
    """From now on a process whose parent died becomes a child of this one, so that none gets lost (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def members(leader: int) -> set[int]:
    """The pids below a session leader: those of its session, and their descendants in other sessions."""
    parents = _parents()
    found = {pid for pid in parents if _session(pid) == leader} | {leader}
    grown = True
    while grown:
        below = {pid for pid, parent in parents.items() if parent in found} - found
        found |= below
        grown = bool(below)
    return found - ({leader} - parents.keys())


def kill_tree(leader: int) -> None:
    """SIGKILL for the leader and everything below it; repeated, as a process may fork meanwhile."""
    for _ in range(5):
        alive = {pid for pid in members(leader) if is_alive(pid)}
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
    own = os.getsid(0)
    for child in psutil.Process().children():
        # What this process runs for a moment, such as initdb, stays in its own session
        if child.pid in known or _session(child.pid) == own:
            continue
        if is_alive(child.pid):
            found.add(child.pid)
        else:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(child.pid, os.WNOHANG)
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
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def _parents() -> dict[int, int]:
    found = {}
    for pid in psutil.pids():
        with contextlib.suppress(psutil.Error):
            found[pid] = psutil.Process(pid).ppid()
    return found


def _session(pid: int) -> int:
    try:
        return os.getsid(pid)
    except OSError:
        return -1
