"""What an idle gateway holds in memory, by its layout, and how many of them a machine of 16 GB holds.

Each has answered calls before. What a process holds for itself is told apart from what all of them share, the program
itself above all: that is there once, whoever else on the machine runs the same. The baseline is a bare Deno that
answers HTTP and nothing else, one for each process of the layout, measured beside them.

python -m benchmarks.memory
"""

import contextlib
import http.client
import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

from benchmarks.engine import Engine, engine, wait_until
from benchmarks.harness import record

EACH = 4
GOAL_MB = 90.0
MACHINE_MB = 16_000
# What the machine itself wants
SYSTEM_MB = 1_000
CALLS, IDLE_SECONDS = 50, 5.0
BARE = "Deno.serve({ port: 0, onListen() {} }, () => new Response('ok'));"


def main() -> None:
    record(name="memory: load of the machine at the beginning", value=os.getloadavg()[0], unit="")
    with engine() as found, bare_processes(EACH) as bare:
        found.start("worker", "agents", "agent")
        found.wait_for_agent()
        ids = {layout: make(found, layout) for layout in ("shared", "prod-apart", "per-stage")}
        for names in ids.values():
            call(found, names)
        time.sleep(IDLE_SECONDS)
        bare_own, bare_shared = mean_of(bare)
        fixed = sum(pss_mb(pid) for pid in platform_of(found))
        for (layout, names), processes in zip(ids.items(), (1, 2, 3), strict=True):
            own, shared = mean_of(runtimes_of(found, names))
            first = processes * own + shared
            is_promised = layout == "prod-apart"
            record(
                name=f"memory: an idle gateway, {layout}, the first of its machine", value=first, unit="MB",
                baseline=processes * bare_own + bare_shared, goal=GOAL_MB if is_promised else None,
                holds=first <= GOAL_MB if is_promised else None,
            )  # fmt: skip
            record(
                name=f"memory: an idle gateway, {layout}, each further one", value=processes * own, unit="MB",
                baseline=processes * bare_own,
            )  # fmt: skip
            record(
                name=f"memory: gateways in 16 GB beside what they need, {layout}",
                value=(MACHINE_MB - SYSTEM_MB - fixed - shared) // (processes * own), unit="",
                baseline=(MACHINE_MB - SYSTEM_MB - bare_shared) // (processes * bare_own),
            )  # fmt: skip
        record(name="memory: worker, agents' server, agent and Envoy", value=fixed, unit="MB")


def call(found: Engine, names: list[str]) -> None:
    """Each stage of each, so that what is measured has been at work."""
    connection = http.client.HTTPConnection("127.0.0.1", found.gateway_port, timeout=10)
    for name in names:
        for stage in ("dev", "staging", "prod"):
            for _ in range(CALLS):
                connection.request("GET", "/", headers={"Host": f"{name}.{stage}.localhost"})
                connection.getresponse().read()
    connection.close()


def make(found: Engine, layout: str) -> list[str]:
    from apps.gateways.models import FunctionGateway
    from apps.gateways.services.creating import create_gateway

    names = [f"{layout}-{number}" for number in range(EACH)]
    for name in names:
        create_gateway(actor=found.member, name=name, cluster=found.cluster, layout=layout)
    rows = FunctionGateway.objects.filter(name__in=names, phase="started", due_at=None)
    wait_until(lambda: rows.count() == EACH, f"{EACH} gateways in the layout {layout}")
    return names


def runtimes_of(found: Engine, names: list[str]) -> list[int]:
    """By the folder that each works in, which is its gateway's."""
    from apps.gateways.models import FunctionGateway
    from apps.gateways.rendering.names import namespace_of

    rows = FunctionGateway.objects.filter(name__in=names)
    folders = {str(found.folder / "agent" / "engine" / "gateways" / namespace_of(row.name, row.pk)) for row in rows}
    return [each.pid for each in below_agent(found) if each.name() == "deno" and each.cwd() in folders]


def platform_of(found: Engine) -> list[int]:
    pids = [process.pid for process in found.processes.values()]
    for name in ("worker", "agents"):
        pids += [each.pid for each in psutil.Process(found.processes[name].pid).children(recursive=True)]
    return pids + [each.pid for each in below_agent(found) if each.name() == "envoy"]


def below_agent(found: Engine) -> list[psutil.Process]:
    below: list[psutil.Process] = psutil.Process(found.processes["agent"].pid).children(recursive=True)
    return below


def pss_mb(pid: int) -> float:
    return rollup(pid)["Pss"]


def mean_of(pids: list[int]) -> tuple[float, float]:
    """What a process has for itself, and what it shares."""
    found = [rollup(pid) for pid in pids]
    own = sum(each["Private_Clean"] + each["Private_Dirty"] for each in found) / len(found)
    return own, sum(each["Rss"] for each in found) / len(found) - own


def rollup(pid: int) -> dict[str, float]:
    """In MB, by the kernel's names."""
    lines = [line.split() for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]]
    return {name.removesuffix(":"): int(value) / 1000 for name, value, *_ in lines}


@contextlib.contextmanager
def bare_processes(count: int) -> Iterator[list[int]]:
    from agent.engine.instances import deno_program

    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "bare.js"
        program.write_text(BARE)
        command = [deno_program(), "run", "--quiet", "--no-config", "--no-lock", "--allow-net", str(program)]
        environment = {"PATH": "/usr/bin:/bin", "DENO_DIR": folder, "NO_COLOR": "1"}
        processes = [subprocess.Popen(command, env=environment, cwd=folder) for _ in range(count)]
        try:
            yield [process.pid for process in processes]
        finally:
            for process in processes:
                process.kill()
                process.wait()


if __name__ == "__main__":
    main()
