"""Code that doesn't end can't be ended without its process, and that one finishes its calls first. Until then it gets
what CPU nobody else wants."""

import asyncio
import contextlib
import os
from pathlib import Path

LOOK_FOR, BUSY_SHARE = 0.2, 0.5
TICKS = os.sysconf("SC_CLK_TCK")
# Deno's names for the threads of workers
WORKER = "worker-"


async def quell(pid: int) -> list[int]:
    """Those of its workers that are at it all the time. Returns their threads."""
    before = _ticks(pid)
    await asyncio.sleep(LOOK_FOR)
    busy = [
        thread
        for thread, ticks in _ticks(pid).items()
        if ticks - before.get(thread, ticks) > LOOK_FOR * TICKS * BUSY_SHARE
    ]
    for thread in busy:
        with contextlib.suppress(OSError):
            os.sched_setscheduler(thread, os.SCHED_IDLE, os.sched_param(0))
    return busy


def _ticks(pid: int) -> dict[int, int]:
    """What each thread of a worker has taken so far."""
    found = {}
    for folder in Path(f"/proc/{pid}/task").glob("*"):
        with contextlib.suppress(OSError, ValueError, IndexError):
            name, _, rest = (folder / "stat").read_text().partition("(")[2].rpartition(")")
            if name.startswith(WORKER):
                fields = rest.split()
                found[int(folder.name)] = int(fields[11]) + int(fields[12])
    return found
