"""The run's lock and its journal: who runs here, where it answers, and how each part is."""

import contextlib
import fcntl
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TextIO

import orjson

from apps.core.up.declaration import UpError


@dataclass
class PartState:
    name: str
    state: str = "waiting"
    pid: int | None = None
    restarts: int = 0
    last_end: str = ""
    message: str = ""


@dataclass
class Run:
    """What other processes may know about the run of a state folder."""

    pid: int
    address: str
    web_port: int
    live_port: int
    agents_port: int
    gateway_port: int
    parts: list[PartState] = field(default_factory=list)


class Journal:
    """Held by the one supervisor of a state folder. The kernel frees the lock when the process is gone."""

    def __init__(self, state: Path) -> None:
        self.folder = state / "up"
        self._path = self.folder / "run.json"
        self._lock: TextIO | None = None

    def acquire(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        lock = open(self.folder / "lock", "a")  # noqa: SIM115 - held until release()
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            raise UpError(self._already_running()) from None
        self._lock = lock

    def write(self, run: Run) -> None:
        temporary = self._path.with_suffix(".new")
        # A full disk must not take the product down: the journal only tells, the lock holds
        with contextlib.suppress(OSError):
            temporary.write_bytes(orjson.dumps(asdict(run)))
            temporary.replace(self._path)

    def release(self) -> None:
        """Leave no file behind; the lock's file goes before the lock, so nobody waits on a removed one."""
        if self._lock is None:
            return
        for path in (self._path, self._path.with_suffix(".new"), self.folder / "lock"):
            with contextlib.suppress(OSError):
                path.unlink()
        with contextlib.suppress(OSError):
            self.folder.rmdir()
        self._lock.close()
        self._lock = None

    def _already_running(self) -> str:
        run = read_run(self.folder.parent)
        if run is None:
            return "It's being started in this folder already; wait a moment, then look again."
        return (
            f"It's running in this folder already: process {run.pid}, {run.address}. "
            f"Stop that one with Ctrl-C or `kill {run.pid}`, or give this one another folder in IMP_STATE_DIR."
        )


def read_run(state: Path) -> Run | None:
    """The run of a state folder, as far as it was written down; `is_held` says if it still lives."""
    try:
        fields: dict[str, Any] = orjson.loads((state / "up" / "run.json").read_bytes())
        parts = [PartState(**part) for part in fields.pop("parts")]
        return Run(**fields, parts=parts)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def is_held(state: Path) -> bool:
    """Whether a supervisor holds the folder now."""
    try:
        descriptor = os.open(state / "up" / "lock", os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
