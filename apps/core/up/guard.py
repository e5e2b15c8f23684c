"""Outlives a supervisor that was killed, only to take its processes away.

Runs as a process of its own; its input is a pipe whose other end only the supervisor holds. A line names a process
that started (`+pid signal`) or ended (`-pid`). The end of the input without the line `done` means that the
supervisor is gone: then every process gets its stop signal, and after a moment SIGKILL with all below it.
"""

import signal
import subprocess
import sys
import time
from pathlib import Path

from apps.core.up import trees

GRACE_SECONDS = 2.5


class Guard:
    """The supervisor's end of the pipe."""

    def __init__(self, environment: dict[str, str], folder: Path) -> None:
        self._popen = subprocess.Popen(
            [sys.executable, "-m", "apps.core.up.guard"],
            env=environment,
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self.pid = self._popen.pid

    def is_alive(self) -> bool:
        return self._popen.poll() is None

    def started(self, pid: int, number: signal.Signals) -> None:
        self._say(f"+{pid} {int(number)}")

    def ended(self, pid: int) -> None:
        self._say(f"-{pid}")

    def dismiss(self) -> None:
        """Everything is gone already."""
        self._say("done")
        assert self._popen.stdin is not None
        self._popen.stdin.close()
        try:
            self._popen.wait(timeout=1)
        except subprocess.TimeoutExpired:
            self._popen.kill()
            self._popen.wait()

    def _say(self, line: str) -> None:
        assert self._popen.stdin is not None
        try:
            self._popen.stdin.write(f"{line}\n".encode())
            self._popen.stdin.flush()
        except OSError:
            pass


def watch() -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    charges: dict[int, signal.Signals] = {}
    for line in sys.stdin:
        if line == "done\n":
            return
        pid, *rest = line[1:].split()
        if line[0] == "+":
            charges[int(pid)] = signal.Signals(int(rest[0]))
        else:
            charges.pop(int(pid), None)
    take_away(charges)


def take_away(charges: dict[int, signal.Signals]) -> None:
    everything = {pid: trees.members(pid) | {pid} for pid in charges}
    for pid, number in charges.items():
        trees.kill([pid], number)
    deadline = time.monotonic() + GRACE_SECONDS
    while time.monotonic() < deadline and any(trees.is_alive(pid) for pids in everything.values() for pid in pids):
        time.sleep(0.05)
    for pid, pids in everything.items():
        trees.kill(pids)
        trees.kill_tree(pid)


if __name__ == "__main__":
    watch()
