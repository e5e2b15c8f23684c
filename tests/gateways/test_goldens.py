"""What happens on the way to each wish, line by line, kept as text beside this.

`python -m pytest -n0 tests/gateways/test_goldens.py --update-golden` writes what happens now. Read the difference
before you commit it.
"""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from apps.core import clock
from apps.core.lifecycle import kernel, wake
from apps.core.lifecycle.machine import all_machines
from apps.core.lifecycle.models import LifecycleEvent
from apps.fleet.models import Bundle
from apps.gateways.lifecycle.machines import GATEWAY
from apps.gateways.lifecycle.table import Phase, State
from apps.gateways.models import FunctionGateway
from apps.tenants.models import Tenant
from tests.gateways.world import ObedientCluster, databases_there, make_cluster, make_gateway

pytestmark = pytest.mark.django_db

FOLDER = Path(__file__).with_name("goldens")
MOST_ROUNDS = 80


class Trace:
    """Workers and the cluster take turns; each line is what one of them did."""

    def __init__(self, gateway: FunctionGateway) -> None:
        self.gateway = gateway
        self.cluster = ObedientCluster()
        self.lines: list[str] = []
        self.told: set[str] = set()

    def say(self, what: str) -> None:
        self.lines += ["", f"# {what}"] if self.lines else [f"# {what}"]

    def want(self, state: State, **values: object) -> None:
        self.say(f"wanted {state.value}")
        FunctionGateway.objects.filter(pk=self.gateway.pk).update(state=state, **values)
        wake(GATEWAY, self.gateway.pk)

    def run(self, until: Callable[[FunctionGateway], bool] = lambda gateway: False) -> None:
        for _ in range(MOST_ROUNDS):
            worked = self._work()
            self.gateway.refresh_from_db()
            if until(self.gateway):
                return
            before = len(self.cluster.log)
            self.cluster.obey()
            self.lines += [f"cluster  {line}" for line in self.cluster.log[before:]]
            if not worked and len(self.cluster.log) == before:
                return
        raise AssertionError(f"Nothing came to rest within {MOST_ROUNDS} rounds:\n" + "\n".join(self.lines))

    def _work(self) -> bool:
        worked = False
        for machine in all_machines():
            for pk in list(machine.model._base_manager.filter(due_at__isnull=False).values_list("pk", flat=True)):
                machine.model._base_manager.filter(pk=pk).update(due_at=clock.now())
                kernel.advance(machine, pk)
                self._read()
                worked = True
        return worked

    def _read(self) -> None:
        for line in LifecycleEvent.objects.exclude(pk__in=self.told).order_by("id"):
            self.told.add(line.pk)
            what = f"{line.phase}/{line.step}" if line.step else line.phase
            self.lines.append(f"{line.machine:8} {what}" + ("" if line.kind == "moved" else f"  {line.kind}"))

    def rest(self) -> None:
        """A second run applies nothing."""
        for machine in all_machines():
            for pk in machine.model._base_manager.values_list("pk", flat=True):
                wake(machine, pk)
        before, revisions = list(self.lines), set(Bundle.objects.values_list("key", "revision"))
        self.run()
        assert self.lines == before
        assert set(Bundle.objects.values_list("key", "revision")) == revisions


@pytest.fixture
def trace(tidewater: Tenant, monkeypatch: pytest.MonkeyPatch) -> Trace:
    # However slow the machine is, turns end where they ended before
    monkeypatch.setattr(kernel, "TURN", timedelta(hours=1))
    return Trace(make_gateway(tidewater, make_cluster()))


def create(trace: Trace) -> None:
    trace.say("created")
    trace.run()
    assert trace.gateway.phase == Phase.STARTED


def stop(trace: Trace) -> None:
    create(trace)
    trace.want(State.STOPPED)
    trace.run()
    assert trace.gateway.phase == Phase.STOPPED


def start(trace: Trace) -> None:
    stop(trace)
    trace.want(State.RUNNING)
    trace.run()
    assert trace.gateway.phase == Phase.STARTED


def restart(trace: Trace) -> None:
    create(trace)
    trace.want(State.RESTARTING, restarts=1, generation=2)
    trace.run()
    assert (trace.gateway.phase, trace.gateway.state) == (Phase.STARTED, State.RUNNING)


def delete(trace: Trace) -> None:
    create(trace)
    trace.want(State.DELETED)
    trace.run()
    assert_gone(trace)


def delete_while_creating(trace: Trace) -> None:
    trace.say("created")
    trace.run(until=lambda gateway: gateway.phase == Phase.CREATING)
    trace.want(State.DELETED)
    trace.run()
    assert_gone(trace)


def stop_while_starting(trace: Trace) -> None:
    trace.say("created")
    trace.run(until=lambda gateway: gateway.checkpoint == "runtime")
    assert trace.gateway.phase == Phase.STARTING
    trace.want(State.STOPPED)
    trace.run()
    assert trace.gateway.phase == Phase.STOPPED


def start_while_stopping(trace: Trace) -> None:
    create(trace)
    trace.want(State.STOPPED)
    trace.run(until=lambda gateway: gateway.phase == Phase.STOPPING)
    trace.want(State.RUNNING)
    trace.run()
    assert trace.gateway.phase == Phase.STARTED


def change_while_starting(trace: Trace) -> None:
    trace.say("created")
    trace.run(until=lambda gateway: gateway.checkpoint == "runtime")
    trace.say("something else is wanted of the runtime")
    FunctionGateway.objects.filter(pk=trace.gateway.pk).update(generation=2)
    wake(GATEWAY, trace.gateway.pk)
    trace.run()
    assert (trace.gateway.phase, trace.gateway.observed_generation) == (Phase.STARTED, 2)


def assert_gone(trace: Trace) -> None:
    assert trace.gateway.phase == Phase.DELETED
    assert not Bundle.objects.exists()
    assert not databases_there()


SCENES: tuple[Callable[[Trace], None], ...] = (
    create, stop, start, restart, delete, delete_while_creating, stop_while_starting, start_while_stopping,
    change_while_starting,
)  # fmt: skip


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.__name__.replace("_", "-"))
def test_it_goes_the_way_that_is_kept(trace: Trace, scene: Callable[[Trace], None], request) -> None:
    scene(trace)
    path = FOLDER / f"{scene.__name__.replace('_', '-')}.txt"
    happened = "\n".join(trace.lines) + "\n"
    if request.config.getoption("update_golden"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(happened)
    assert happened == path.read_text()
    trace.rest()


def test_no_golden_belongs_to_nothing() -> None:
    assert set(_kept()) == {scene.__name__.replace("_", "-") for scene in SCENES}


def _kept() -> Iterator[str]:
    return (path.stem for path in FOLDER.glob("*.txt"))
