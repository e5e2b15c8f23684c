"""What callers notice: while gateways are restarted and changed, several at once, and while the portal is away.

Nothing may fail when something is changed. With the portal away for a minute, Envoy is replaced, and then it and a
process of a gateway are killed; what that costs is told, and how long the worst-off host gave no answer. Beside each,
in the same run, the same calls while nothing is done.

python -m benchmarks.changes
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import psutil

from benchmarks.engine import ROOT, Engine, engine, wait_until
from benchmarks.harness import percentile, record

GATEWAYS = 4
ROUNDS = 5
CALM_SECONDS = 10.0
AWAY_SECONDS = 60.0
# Into the minute without a portal
RUNTIME_DIES_AFTER, ENVOY_GOES_AFTER, ENVOY_DIES_AFTER = 10.0, 20.0, 40.0
# Of the worst-off host, from the death of all that answers to the next answer
LONGEST_GAP = 3.0
PORTAL = ("worker", "agents")
# What isn't a change of gateways
AWAY = {
    "calm": "calm",
    "away": "portal away",
    "process killed": "portal away and a process killed",
    "Envoy replaced": "portal away and Envoy replaced",
    "Envoy killed": "portal away and Envoy killed",
}


class Callers:
    """As a process of their own, so that they don't share a lock with what is measured."""

    def __init__(self, port: int, hosts: list[str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "benchmarks/callers.py", str(port), *hosts],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def note(self, name: str) -> None:
        """What is being done from now on."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(f"{name}\n")
        self._process.stdin.flush()
        self._process.stdout.readline()

    def end(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self._process.communicate()[0].splitlines()[-1])
        return found

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()


def main() -> None:
    record(name="changes: load of the machine at the beginning", value=os.getloadavg()[0], unit="")
    with engine() as found:
        found.start("worker", "agents", "agent")
        found.wait_for_agent()
        ids = [create(found, f"changed-{number}") for number in range(GATEWAYS)]
        settle(ids)
        hosts = [f"changed-{number}.{stage}.localhost" for number in range(GATEWAYS) for stage in ("dev", "prod")]
        callers = Callers(found.gateway_port, hosts)
        try:
            callers.note("calm")
            time.sleep(CALM_SECONDS)
            change(found, callers, ids)
            agrees = leave_alone(found, callers)
            met = callers.end()
        finally:
            callers.kill()
    tell(met)
    record(
        name="changes: agent and portal agree by digest after its minute away", value=float(agrees), unit="",
        goal=1, holds=agrees,
    )  # fmt: skip


def create(found: Engine, name: str) -> str:
    from apps.gateways.services.creating import create_gateway

    return str(create_gateway(actor=found.member, name=name, cluster=found.cluster).pk)


def settle(ids: list[str]) -> None:
    from apps.gateways.models import FunctionGateway

    rows = FunctionGateway.objects.filter(pk__in=ids, phase="started", due_at=None)
    wait_until(
        lambda: sum(not row.is_changed and row.state == "running" for row in rows.all()) == len(ids), "all settled"
    )


def change(found: Engine, callers: Callers, ids: list[str]) -> None:
    """Of all of them at once, again and again."""
    for turn in range(ROUNDS):
        for name, make in changes_of(found, turn).items():
            callers.note(name)
            for gateway_id in ids:
                make(gateway_id)
            settle(ids)
            # The old processes drain after that
            time.sleep(1)


def changes_of(found: Engine, turn: int) -> dict[str, Callable[[str], object]]:
    from apps.gateways.models import FunctionGateway
    from apps.gateways.services.changes import change_gateway
    from apps.gateways.services.states import restart_gateway
    from apps.gateways.services.variables import Setting, set_variables

    size, layout = ("standard", "per-stage") if turn % 2 == 0 else ("small", "prod-apart")
    secret = Setting("API_KEY", f"secret-{turn}", is_secret=True)

    def row(pk: str) -> FunctionGateway:
        return FunctionGateway.objects.get(pk=pk)

    return {
        "restart": lambda pk: restart_gateway(actor=found.member, gateway=row(pk)),
        "bundle": lambda pk: change_gateway(actor=found.member, gateway=row(pk), size=size),
        "secret": lambda pk: set_variables(actor=found.member, gateway=row(pk), settings=[secret]),
        "layout": lambda pk: change_gateway(actor=found.member, gateway=row(pk), layout=layout),
    }


def leave_alone(found: Engine, callers: Callers) -> bool:
    """A minute without a portal, in which what answers dies too. Whether both sides agree afterwards."""
    from apps.fleet.models import Agent

    callers.note("away")
    for name in PORTAL:
        end(found, name)
    began = time.monotonic()
    sleep_until(began + RUNTIME_DIES_AFTER)
    callers.note("process killed")
    below(found, "deno")[0].kill()
    sleep_until(began + RUNTIME_DIES_AFTER + 5)
    callers.note("away")
    sleep_until(began + ENVOY_GOES_AFTER)
    callers.note("Envoy replaced")
    found.processes["agent"].send_signal(signal.SIGHUP)
    sleep_until(began + ENVOY_GOES_AFTER + 10)
    callers.note("away")
    sleep_until(began + ENVOY_DIES_AFTER)
    callers.note("Envoy killed")
    below(found, "envoy")[0].kill()
    sleep_until(began + ENVOY_DIES_AFTER + 5)
    callers.note("away")
    sleep_until(began + AWAY_SECONDS)
    found.start(*reversed(PORTAL))
    synced = Agent.objects.filter(leads=True, synced_at__gt=Agent.objects.values_list("seen_at", flat=True).get())
    wait_until(synced.exists, "agent and portal agree")
    return bool(Agent.objects.get().state_digest == wanted_digest(found))


def wanted_digest(found: Engine) -> str:
    from apps.fleet.delivery import wanted_of

    wanted = wanted_of(found.cluster.pk)
    assert wanted
    return wanted.digest


def end(found: Engine, name: str) -> None:
    """With all that is below it, at once."""
    process = found.processes.pop(name)
    for each in psutil.Process(process.pid).children(recursive=True):
        each.kill()
    process.kill()
    process.wait()


def below(found: Engine, program: str) -> list[psutil.Process]:
    children = psutil.Process(found.processes["agent"].pid).children(recursive=True)
    return [each for each in children if each.name() == program]


def sleep_until(moment: float) -> None:
    time.sleep(max(0.0, moment - time.monotonic()))


def tell(met: dict[str, Any]) -> None:
    calm = met["calm"]
    record(name="changes: calls while nothing is done", value=calm["answers"], unit="")
    for name, each in met.items():
        if not name:
            continue
        failed, dies = sum(each["failures"].values()), name.endswith("killed")
        if failed:
            print(f"{name}: {each['failures']}", file=sys.stderr)
        what = AWAY.get(name) or f"{name} of {GATEWAYS} gateways at once, {ROUNDS} times"
        record(
            name=f"changes: failed of {each['answers'] + failed:,} calls, {what}", value=failed, unit="",
            goal=None if dies else 0, holds=None if dies else failed == 0,
        )  # fmt: skip
        record(
            name=f"changes: p99 of a call, {name}, against calm", value=percentile(each["ms"], 99), unit="ms",
            baseline=percentile(calm["ms"], 99),
        )  # fmt: skip
        if dies:
            gap = each["longest_gap"]
            record(
                name=f"changes: longest without an answer of a host, {name}", value=gap, unit="s",
                baseline=calm["longest_gap"], goal=LONGEST_GAP, holds=gap <= LONGEST_GAP,
            )  # fmt: skip


if __name__ == "__main__":
    main()
