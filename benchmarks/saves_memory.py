"""Memory over 2,000 saves of one function: of the gateway's processes, of the web process and its compiler.

The first hundred are warming up. After that nothing may grow with the number of saves: the baseline of each figure is
what it was then.

python -m benchmarks.saves_memory
"""

import os

import psutil

from benchmarks.harness import record
from benchmarks.saving import Saving, saving

SAVES = 2_000
WARM_UP = 100
EVERY = 100
# What is collected at its own time may lie around at any moment
MOST_GROWTH = 1.35
MB = 1024 * 1024


def main() -> None:
    record(name="saves_memory: load of the machine at the beginning", value=os.getloadavg()[0], unit="")
    with saving() as place:
        place.make("dev/hello")
        measure(place)


def measure(place: Saving) -> None:
    connection = place.connect()
    seen: dict[str, list[float]] = {}
    for version in range(1, SAVES + WARM_UP + 1):
        place.save(connection, "dev/hello", version)
        if version >= WARM_UP and version % EVERY == 0:
            for name, value in sizes(place).items():
                seen.setdefault(name, []).append(value)
    connection.close()
    for name, values in seen.items():
        # Of the last quarter, as one moment may be one before a collection
        last = values[-max(1, len(values) // 4) :]
        value = sum(last) / len(last)
        record(
            name=f"saves_memory: {name} after {SAVES} saves", value=value, unit="MB", baseline=values[0],
            goal=round(values[0] * MOST_GROWTH, 1), holds=value <= values[0] * MOST_GROWTH,
        )  # fmt: skip
    rows = in_database(place)
    record(name="saves_memory: artifacts in the gateway's database once it's cleaned", value=rows, unit="", goal=1,
           holds=rows == 1)  # fmt: skip


def sizes(place: Saving) -> dict[str, float]:
    """In memory of their own: what they share with others of their kind isn't counted."""
    found: dict[str, float] = {"runtime": 0, "web": 0, "compiler": 0}
    web = psutil.Process(place.web.pid)
    for process in (web, *web.children(recursive=True)):
        kind = "compiler" if process.name() == "esbuild" else "web"
        found[kind] += process.memory_full_info().uss / MB
    agent = psutil.Process(place.found.processes["agent"].pid)
    for process in agent.children(recursive=True):
        # The one that loads what is saved is the larger one of them
        if process.name() == "deno":
            found["runtime"] = max(found["runtime"], process.memory_full_info().uss / MB)
    return found


def in_database(place: Saving) -> int:
    from apps.functions.publishing.comparing import prune
    from apps.gateways.store import connect

    with connect(place.gateway.pk) as there:
        there.execute("UPDATE imp.artifacts SET made_at = made_at - interval '1 day'")
    prune(place.gateway.pk)
    with connect(place.gateway.pk) as there:
        row = there.execute("SELECT count(*) FROM imp.artifacts").fetchone()
    assert row is not None
    return int(row[0])


if __name__ == "__main__":
    main()
