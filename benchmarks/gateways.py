"""From somebody's wish to a gateway that is so: create, stop, start, delete; one after the other, and many at once.

Of a creation it's told where its time goes, step by step, as its timeline has it. The baseline is what all of it stands
on, done by hand in the same run and taking turns: a database made, and a Deno process for each part of the layout
started until it's ready.

python -m benchmarks.gateways
"""

import asyncio
import os
import secrets
import statistics
import time
from datetime import datetime
from pathlib import Path

import psutil

from benchmarks.engine import Engine, engine, wait_until
from benchmarks.harness import percentile, record

ALONE = 12
TOGETHER = 50
# Of two processes and its part of everything else; where there's less, fewer are made at once
GATEWAY_MB = 100
GOAL = 3.0
PHASES = {"create": "started", "stop": "stopped", "start": "started", "delete": "deleted"}


def main() -> None:
    record(name="gateways: load of the machine at the beginning", value=os.getloadavg()[0], unit="")
    with engine() as found:
        found.start("worker", "agents", "agent")
        found.wait_for_agent()
        alone(found)
        together(found)


def alone(found: Engine) -> None:
    seconds: dict[str, list[float]] = {wish: [] for wish in PHASES}
    steps: dict[str, list[float]] = {}
    by_hand = []
    for number in range(ALONE):
        by_hand.append(asyncio.run(made_by_hand(found, 1)))
        gateway_id = create(found, f"alone-{number}")
        seconds["create"].append(reached([gateway_id], "started", since="created_at"))
        for step, ms in steps_of(gateway_id):
            steps.setdefault(step, []).append(ms)
        for wish, phase in list(PHASES.items())[1:]:
            say(found, wish, gateway_id)
            seconds[wish].append(reached([gateway_id], phase, since="state_at"))
    baseline = statistics.median(by_hand)
    for wish, figures in seconds.items():
        is_promised = wish == "create"
        median = statistics.median(figures)
        record(
            name=f"gateways: {wish}, p50 of {ALONE}, against process and database by hand", value=median, unit="s",
            baseline=baseline, goal=GOAL if is_promised else None, holds=median <= GOAL if is_promised else None,
        )  # fmt: skip
        record(name=f"gateways: {wish}, slowest", value=max(figures), unit="s", baseline=baseline)
    for step, each in steps.items():
        record(
            name=f"gateways: of a creation, {step}, p50", value=statistics.median(each), unit="ms",
            baseline=statistics.median(seconds["create"]) * 1000,
        )  # fmt: skip


def steps_of(gateway_id: str) -> list[tuple[str, int]]:
    """With how long each took, from the end of the one before; the domain's own is a part of the last."""
    from apps.core.lifecycle.models import LifecycleEvent

    lines = LifecycleEvent.objects.filter(subject_id=gateway_id, kind=LifecycleEvent.Kind.DONE).order_by("id")
    return [(line.step, line.ms or 0) for line in lines]


def together(found: Engine) -> None:
    """Until the last of them is so."""
    count = min(TOGETHER, psutil.virtual_memory().available // 1_000_000 // GATEWAY_MB)
    baseline = asyncio.run(made_by_hand(found, count))
    ids = [create(found, f"together-{number}") for number in range(count)]
    took = reached(ids, "started", since="created_at")
    each = [reached([pk], "started", since="created_at") for pk in ids]
    tell_all(f"{count} at once created", took, each, baseline)
    for wish, phase in list(PHASES.items())[1:]:
        for gateway_id in ids:
            say(found, wish, gateway_id)
        took = reached(ids, phase, since="state_at")
        each = [reached([pk], phase, since="state_at") for pk in ids]
        tell_all(f"{count} at once {phase}", took, each, baseline)


def tell_all(what: str, took: float, each: list[float], baseline: float) -> None:
    record(name=f"gateways: {what}, p50", value=percentile(each, 50), unit="s", baseline=baseline)
    record(name=f"gateways: {what}, p95", value=percentile(each, 95), unit="s", baseline=baseline)
    record(name=f"gateways: {what}, the last", value=took, unit="s", baseline=baseline)


def create(found: Engine, name: str) -> str:
    from apps.gateways.services.creating import create_gateway

    return str(create_gateway(actor=found.member, name=name, cluster=found.cluster).pk)


def say(found: Engine, wish: str, gateway_id: str) -> None:
    from apps.gateways.models import FunctionGateway
    from apps.gateways.services import states

    services = {"stop": states.stop_gateway, "start": states.start_gateway, "delete": states.delete_gateway}
    services[wish](actor=found.member, gateway=FunctionGateway.objects.get(pk=gateway_id))


def reached(ids: list[str], phase: str, *, since: str) -> float:
    """From the first wish to the last of them that came to be so, by the rows' own times."""
    from apps.gateways.models import FunctionGateway

    rows = FunctionGateway.objects.filter(pk__in=ids)
    wait_until(lambda: rows.filter(phase=phase, due_at=None).count() == len(ids), f"{len(ids)} {phase}")
    moments: list[tuple[datetime, datetime]] = list(rows.values_list(since, "phase_at"))
    return (max(at for _, at in moments) - min(at for at, _ in moments)).total_seconds()


async def made_by_hand(found: Engine, count: int) -> float:
    """As many databases and pairs of processes, as many at the same time as the engine starts."""
    from agent.engine.machine import STARTS

    folder = found.folder / "by-hand"
    folder.mkdir(exist_ok=True)
    loop = asyncio.get_running_loop()
    turns = asyncio.Semaphore(STARTS)
    began = loop.time()
    await asyncio.gather(*(one_by_hand(folder, turns) for _ in range(count)))
    return loop.time() - began


async def one_by_hand(folder: Path, turns: asyncio.Semaphore) -> None:
    from agent.engine.instances import Instance, Spec
    from agent.engine.sayings import Sayings
    from apps.gateways import databases

    name = f"gw_db_bench_{secrets.token_hex(6)}"
    await asyncio.to_thread(databases.make_database, name, secrets.token_hex(12))
    try:
        for process, stages in (("dev-staging", ("dev", "staging")), ("prod", ("prod",))):
            async with turns:
                spec = Spec(
                    gateway={"id": "gw", "name": "by-hand", "title": "By hand"}, process=process, stages=stages,
                    memory_mb=256, milli_cpu=500, restarts=0, problem_types="/errors/", variables={}, secrets={},
                    database_url="",
                )  # fmt: skip
                said = Sayings(lambda line: None, lambda: None, lambda why: None, lambda: None)
                instance = await Instance.start(spec, folder, folder, said=said, cgroups=None, cache=folder / "cache")
            instance.child.kill()
            await instance.child.wait()
    finally:
        await asyncio.to_thread(drop, name)


def drop(name: str) -> None:
    """However long the server takes for it, as many at once have it take."""
    from apps.gateways import databases

    while True:
        try:
            databases.drop_database(name)
        except databases.Busy:
            time.sleep(0.1)
        else:
            return


if __name__ == "__main__":
    main()
