"""A change of packages that doesn't end as it should: whoever waits for it is told, and nothing of it stays behind."""

import os
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path

import psutil
import pytest
import time_machine

from apps.core import clock
from apps.core.queue.models import QueuedTask, TaskFailure
from apps.functions.dependencies import sweeps
from apps.functions.dependencies.folders import own_folder
from apps.functions.dependencies.problems import DependenciesBusy
from apps.functions.dependencies.services import set_dependencies
from apps.functions.dependencies.shown import because_of
from apps.functions.models import Dependencies, Function
from apps.functions.services import save_function
from apps.gateways.models import FunctionGateway
from apps.tenants.member import Member
from tests.dependencies.registry import Registry
from tests.functions.contract import some_function
from tests.gateways.contract import some_gateway
from tests.queue.cluster import RunningCluster, running_cluster, wait_until
from tests.tasks import run_due_tasks

State = Dependencies.State
ESM = {"type": "module", "exports": "./index.js"}
USES = 'import { said } from "greet";\n\nexport default async () => %s;\n'


@pytest.fixture(autouse=True)
def packages(registry: Registry) -> Registry:
    for version in ("1.0.0", "2.0.0"):
        registry.add("greet", {"index.js": f"export const said = '{version}'"}, version=version, **ESM)
    return registry


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where folders of packages are made, and nobody else's."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@pytest.fixture
def workers(transactional_db: None, scratch: Path, packages: Registry) -> Iterator[RunningCluster]:
    with running_cluster() as started:
        yield started


def of(gateway: FunctionGateway) -> Dependencies:
    return Dependencies.objects.select_related("lock").get(gateway=gateway)


def at_it(workers: RunningCluster) -> psutil.Process | None:
    """What fetches packages for one of these."""
    with suppress(psutil.NoSuchProcess):
        below = workers.process.children(recursive=True)
        return next((each for each in below if each.name() == "deno"), None)
    return None


@pytest.mark.django_db
def test_what_fails_for_no_fault_of_the_packages_is_tried_again(
    owner: Member, gateway: FunctionGateway, scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(tempfile, "tempdir", str(scratch / "nowhere"))
        set_dependencies(actor=owner, gateway=gateway, wanted={"greet": "1"})
        run_due_tasks(may_fail=True)
    sweeps.end_abandoned_changes()
    assert (of(gateway).state, of(gateway).step) == (State.RESOLVING, "fetching")
    with time_machine.travel(clock.now() + timedelta(seconds=2)):
        run_due_tasks()
    assert of(gateway).state == State.READY


@pytest.mark.django_db
def test_once_it_has_failed_for_good_whoever_waits_and_the_operators_know(
    owner: Member, gateway: FunctionGateway, scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(scratch / "nowhere"))
    set_dependencies(actor=owner, gateway=gateway, wanted={"greet": "1"})
    for later in range(2):
        with time_machine.travel(clock.now() + timedelta(seconds=2 * later)):
            run_due_tasks(may_fail=True)
    failure = TaskFailure.objects.get()
    assert (failure.attempts, failure.error.partition(":")[0]) == (2, "FileNotFoundError")
    sweeps.end_abandoned_changes()
    row = of(gateway)
    assert (row.state, row.step, row.lock_id) == (State.FAILED, "", None)
    assert "for a reason of ours" in because_of(row)
    # Asked for again, it waits for its own task
    set_dependencies(actor=owner, gateway=gateway, wanted={"greet": "1"})
    sweeps.end_abandoned_changes()
    assert of(gateway).state == State.WAITING


@contextmanager
def somebody_at_it() -> Iterator[None]:
    """Until they're killed."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        try:
            with own_folder() as folder:
                (folder / "fetched").mkdir()
                os.write(writing, b".")
                signal.pause()
        finally:
            os._exit(1)
    try:
        os.read(reading, 1)
        yield
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(reading)
        os.close(writing)


def test_a_folder_stays_as_long_as_somebody_is_at_it(scratch: Path) -> None:
    with somebody_at_it():
        with own_folder() as other:
            assert len(list(scratch.iterdir())) == 2
        assert not other.exists()
    assert len(list(scratch.iterdir())) == 1
    with own_folder() as other:
        assert list(scratch.iterdir()) == [other]


@pytest.mark.django_db(transaction=True)
def test_who_is_killed_over_it_leaves_nothing_and_it_is_tried_again(
    workers: RunningCluster, owner: Member, gateway: FunctionGateway, packages: Registry, scratch: Path
) -> None:
    packages.speaks.clear()
    set_dependencies(actor=owner, gateway=gateway, wanted={"greet": "1"})
    for attempt in (1, 2):
        tasks = QueuedTask.objects.filter(function__endswith=".resolve_dependencies", attempts=attempt)
        wait_until(tasks.exists, what="an attempt")
        fetching = wait_until(lambda: at_it(workers), what="it to be fetching")
        # That of before is gone
        assert len(list(scratch.glob("imp-packages-*"))) == 1
        fetching.parent().kill()
        fetching.wait(20)
    wait_until(TaskFailure.objects.exists, what="it to be among failed tasks")
    wait_until(lambda: of(gateway).state == State.FAILED, what="whoever waits to be told")
    assert "for a reason of ours" in because_of(of(gateway))
    packages.speaks.set()
    set_dependencies(actor=owner, gateway=gateway, wanted={"greet": "1"})
    wait_until(lambda: of(gateway).state == State.READY, what="the packages")
    assert list(scratch.glob("imp-packages-*")) == []


@pytest.mark.django_db(transaction=True)
def test_two_changes_and_a_save_at_once(
    workers: RunningCluster, owner: Member, gateway: FunctionGateway, packages: Registry
) -> None:
    other = some_gateway(owner.tenant, owner.person, "another")
    set_dependencies(actor=owner, gateway=gateway, wanted={"greet": "1"})
    wait_until(lambda: of(gateway).state == State.READY, what="the first packages")
    function = some_function(owner, gateway, "dev/uses", files={"handler.ts": USES % "said"})
    packages.speaks.clear()
    for each in (gateway, other):
        set_dependencies(actor=owner, gateway=each, wanted={"greet": "2"})
    wait_until(lambda: Dependencies.objects.filter(step="fetching").count() == 2, what="both to be at it")
    with pytest.raises(DependenciesBusy):
        set_dependencies(actor=owner, gateway=gateway, wanted={})
    save_function(actor=owner, function=function, files={"handler.ts": USES % "said + 1"}, base_version=1)
    packages.speaks.set()
    wait_until(lambda: Dependencies.objects.filter(state=State.READY).count() == 2, what="the packages")
    head = Function.objects.select_related("head__artifact").get(pk=function.pk).head
    assert head is not None
    assert (head.number, head.kind, head.dependencies) == (3, "rebuilt", {"greet": "2.0.0"})
    assert "+ 1" in head.artifact.code  # type: ignore[union-attr]
    # Each has fetched the same, and nothing of the other's
    assert {each.lock.digest for each in map(of, (gateway, other))} == {head.artifact.vendor}  # type: ignore[union-attr]
