"""How many gateways this machine has memory for: each is a process or two of its own."""

import contextlib

import psutil

from agent.engine.limits import own_cgroup

MB = 1024 * 1024
# What the product itself takes, with the gateways of the demo, and what others on this machine shall keep
PRODUCT_MB, OTHERS_MB = 1_500, 1_000
# Of a process, busy as it is while it starts, and of its gateway's part of everything else
PROCESS_MB, GATEWAY_MB = 40, 15
# Most gateways in one process, the cheapest layout; every so many as people have them
APART_EVERY = 5


def layout_of(number: int) -> str:
    return "shared" if number % APART_EVERY else "prod-apart"


def processes_of(gateways: int) -> int:
    """One each, and another for those whose prod is apart."""
    return gateways + -(-gateways // APART_EVERY)


def needed_mb(gateways: int) -> int:
    return PRODUCT_MB + OTHERS_MB + gateways * GATEWAY_MB + processes_of(gateways) * PROCESS_MB


def room_for(wanted: int, free_mb: float) -> int:
    """As many of them as there's memory for."""
    return next((count for count in range(wanted, 0, -1) if needed_mb(count) <= free_mb), 0)


def free_mb() -> float:
    """Of the machine, or of the container that this runs in where that is less."""
    found = [float(psutil.virtual_memory().available)]
    group = own_cgroup()
    for folder in (group, *group.parents) if group else ():
        with contextlib.suppress(OSError, ValueError, StopIteration):
            most = int((folder / "memory.max").read_text())
            # What is cached of files goes when it's needed
            lines = (folder / "memory.stat").read_text().splitlines()
            found.append(most - next(int(line.split()[1]) for line in lines if line.startswith("anon ")))
    return min(found) / MB
