"""The limits in time fit together, every task can be imported, and nobody goes around `dispatch`."""

import ast
from datetime import timedelta
from importlib import import_module
from pathlib import Path

import pytest
from django_q.conf import Conf

from apps.core.queue import sweeper
from apps.core.queue.checks import check_queue
from apps.core.queue.tasks import UnknownTask, registry, task, task_named, task_of

APPS = Path(__file__).resolve().parents[2] / "apps"


@pytest.fixture
def clean_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tasks of other tests don't matter here."""
    for name in [name for name in registry if name.startswith("tests.")]:
        monkeypatch.delitem(registry, name)


def ids() -> set[str]:
    return {str(message.id) for message in check_queue()}


@pytest.mark.usefixtures("clean_registry")
class TestChecks:
    def test_nothing_is_wrong_as_it_is(self) -> None:
        assert check_queue() == []

    @pytest.mark.parametrize(
        ("name", "value", "found"),
        [
            ("BROKER_CLASS", "django_q.brokers.orm.ORM", "queue.E001"),
            ("SAVE_LIMIT", 250, "queue.E002"),
            ("SCHEDULER", True, "queue.E003"),
            ("TIMEOUT", None, "queue.E004"),
            ("MAX_ATTEMPTS", 0, "queue.E004"),
            ("TIMEOUT", 6, "queue.E005"),
            ("TIMEOUT", 45, "queue.E005"),
            ("RETRY", 45, "queue.E005"),
        ],
    )
    def test_each_wrong_setting_is_found(self, monkeypatch: pytest.MonkeyPatch, name, value, found) -> None:
        monkeypatch.setattr(Conf, name, value)
        assert found in ids()

    def test_a_lease_that_a_task_could_outlive(self, settings) -> None:
        settings.LEASE = timedelta(seconds=20)
        assert "queue.E005" in ids()
        settings.LEASE = timedelta(seconds=90)
        assert "queue.E005" in ids()

    def test_a_task_that_the_queue_would_start_twice(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("apps.core.queue.tasks.registry", registry)
        task(timeout=timedelta(seconds=Conf.RETRY))(run_for_ever)
        assert "queue.E007" in ids()
        monkeypatch.delitem(registry, f"{__name__}.run_for_ever")

    def test_a_task_that_no_worker_can_import(self) -> None:
        def inner() -> None: ...

        task(inner)
        try:
            assert "queue.E008" in ids()
        finally:
            del registry[f"{inner.__module__}.{inner.__qualname__}"]


def run_for_ever() -> None: ...


class TestRegistry:
    def test_every_task_and_sweep_resolves_to_its_function(self) -> None:
        ours = {name: each.function for name, each in registry.items() if name.startswith("apps.")}
        ours |= {name: each.function for name, each in sweeper.registry.items() if name.startswith("apps.")}
        assert ours
        for name, function in ours.items():
            module, _, attribute = name.rpartition(".")
            assert getattr(import_module(module), attribute) is function, name

    @pytest.mark.parametrize("name", ["apps.core.queue.nowhere.run", "apps.core.queue.tasks.task", "run", ""])
    def test_an_unknown_name_says_so(self, name: str) -> None:
        with pytest.raises(UnknownTask, match="No task"):
            task_named(name)

    def test_a_copy_of_a_task_is_none(self) -> None:
        with pytest.raises(UnknownTask):
            task_of(lambda: None)

    def test_waits_grow_and_end_growing(self) -> None:
        waits = [task_named("tests.queue.sample_tasks.write").delay_after(attempt) for attempt in (1, 2, 3, 9, 500)]
        assert timedelta(seconds=0.75) <= waits[0] <= timedelta(seconds=1)
        assert timedelta(seconds=3) <= waits[2] <= timedelta(seconds=4)
        assert waits[0] < waits[1] < waits[2] < waits[3]
        assert waits[4] <= timedelta(minutes=5)


# What django-q2 offers besides, and what of it may be used in apps/core/queue only
FORBIDDEN = {"async_task", "async_iter", "async_chain", "AsyncTask", "schedule", "Schedule", "OrmQ", "get_broker"}


def uses_of_django_q(path: Path) -> list[str]:
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "django_q":
            found += [f"{path}:{node.lineno} {alias.name}" for alias in node.names if alias.name in FORBIDDEN]
        elif isinstance(node, ast.Import):
            found += [f"{path}:{node.lineno} {alias.name}" for alias in node.names if alias.name.startswith("django_q")]
    return found


def test_nobody_goes_around_dispatch() -> None:
    inside = APPS / "core" / "queue"
    assert uses_of_django_q(inside / "models.py"), "the search finds nothing any more, not even where it's used"
    outside = [
        path for path in APPS.rglob("*.py") if not path.is_relative_to(inside) and "migrations" not in path.parts
    ]
    assert len(outside) > 20
    assert [use for path in outside for use in uses_of_django_q(path)] == []
