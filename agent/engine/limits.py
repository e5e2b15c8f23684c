"""What a process may take: by a cgroup where this user may make some; by the kernel's limits and by watching elsewhere.

Cgroups of version 2 can be divided by whom they're delegated to (`Delegate=yes` in a unit of systemd, or root).
"""

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path

import structlog

log = structlog.get_logger(__name__)

MB = 1024 * 1024
# What Deno has mapped for itself before it does anything counts as data, and most of it is never touched
DENO_DATA_MB = 640
# The same of each isolate beside the first, most of it the range for its code
ISOLATE_DATA_MB = 520
CPU_PERIOD = 100_000


class Cgroups:
    """Groups below the one that the agent runs in. A group with children has no members: it moves into a child too."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def find(cls) -> "Cgroups | None":
        own = own_cgroup()
        return cls.divide(own, ("memory", "cpu")) if own else None

    @classmethod
    def divide(cls, own: Path, controllers: tuple[str, ...]) -> "Cgroups | None":
        """None where it isn't ours to divide, or others live in it."""
        try:
            if not set(controllers) <= set((own / "cgroup.controllers").read_text().split()):
                return None
            (own / "imp-agent").mkdir(exist_ok=True)
            (own / "imp-agent" / "cgroup.procs").write_text(str(os.getpid()))
            try:
                (own / "cgroup.subtree_control").write_text(" ".join(f"+{each}" for each in controllers))
            except OSError:
                (own / "cgroup.procs").write_text(str(os.getpid()))
                (own / "imp-agent").rmdir()
                return None
        except OSError:
            return None
        found = cls(own)
        found.clear()
        return found

    def clear(self) -> None:
        """Of processes that died with an agent before."""
        for left in self.folder.glob("imp-run-*"):
            remove_cgroup(left)

    def make(self, name: str, limits: dict[str, str]) -> Path:
        folder = self.folder / f"imp-run-{name}"
        folder.mkdir()
        for file, value in limits.items():
            # Not each kernel has each of them
            if (folder / file).exists():
                (folder / file).write_text(value)
        return folder


@dataclass
class Limit:
    """Of one process."""

    memory_mb: int
    # How many the process may have for a moment, with those that stand in for others
    isolates: int = 0
    cgroup: Path | None = None

    @classmethod
    def make(cls, cgroups: Cgroups | None, name: str, *, memory_mb: int, milli_cpu: int, isolates: int = 0) -> "Limit":
        if cgroups is None:
            return cls(memory_mb, isolates)
        limits = {
            "memory.max": str(memory_mb * MB),
            "memory.swap.max": "0",
            "memory.oom.group": "1",
            "cpu.max": f"{milli_cpu * CPU_PERIOD // 1000} {CPU_PERIOD}",
        }
        try:
            return cls(memory_mb, isolates, cgroups.make(name, limits))
        except OSError as error:
            log.warning("no cgroup", reason=str(error))
            return cls(memory_mb, isolates)

    @property
    def data_bytes(self) -> int:
        """Beyond what a cgroup or the watch allow: for who takes it faster than anybody looks."""
        return (self.memory_mb + DENO_DATA_MB + self.isolates * ISOLATE_DATA_MB) * MB

    def is_passed_by(self, pid: int) -> bool:
        # The kernel watches over a group
        return self.cgroup is None and own_memory(pid) > self.memory_mb * MB

    def was_reached(self) -> bool:
        if self.cgroup is None:
            return False
        with contextlib.suppress(OSError):
            return "oom_kill 0" not in (self.cgroup / "memory.events").read_text().splitlines()
        return False

    def end(self) -> None:
        if self.cgroup:
            remove_cgroup(self.cgroup)


def own_memory(pid: int) -> int:
    """Bytes that are this process's alone; 0 when it has gone."""
    try:
        with open(f"/proc/{pid}/statm") as statm:
            _, resident, shared, *_ = map(int, statm.read().split())
    except (OSError, ValueError):
        return 0
    return (resident - shared) * os.sysconf("SC_PAGE_SIZE")


def own_cgroup() -> Path | None:
    """Of this process, in version 2's hierarchy."""
    with contextlib.suppress(OSError, StopIteration):
        path = next(line[3:] for line in Path("/proc/self/cgroup").read_text().splitlines() if line.startswith("0::"))
        for mount in Path("/proc/self/mountinfo").read_text().splitlines():
            fields, _, kind = mount.partition(" - ")
            if kind.startswith("cgroup2 "):
                return Path(fields.split()[4] + path)
    return None


def remove_cgroup(folder: Path) -> None:
    with contextlib.suppress(OSError):
        (folder / "cgroup.kill").write_text("1")
    with contextlib.suppress(OSError):
        folder.rmdir()
