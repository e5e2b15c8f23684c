from datetime import timedelta

import pytest
import time_machine

from apps.core.clock import now
from apps.core.dispatch import dispatch
from apps.core.queue.models import QueuedTask, TaskFailure
from apps.core.queue.tasks import task
from tests.tasks import run_due_tasks

pytestmark = pytest.mark.django_db

seen: list[str] = []


@task
def see(what: str) -> None:
    seen.append(what)


@task
def see_and_go_on(what: str) -> None:
    seen.append(what)
    dispatch(see, f"after {what}")


@task(attempts=2)
def break_down() -> None:
    raise ValueError("no")


class Speechless(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no words")


@task(attempts=1)
def break_down_oddly(how: str) -> None:
    raise {
        "nul": ValueError("a\0b"),
        "half": ValueError("a\ud800b"),
        "speechless": Speechless(),
        "leaky": ValueError("postgres://imp:hunter2@db refused token=abc123"),
    }[how]


@pytest.fixture(autouse=True)
def forget() -> None:
    seen.clear()


class TestRunDueTasks:
    def test_runs_in_order_and_what_that_queues(self) -> None:
        dispatch(see_and_go_on, "one")
        dispatch(see, "two")
        assert [name.rpartition(".")[2] for name in run_due_tasks()] == ["see_and_go_on", "see", "see"]
        assert seen == ["one", "two", "after one"]
        assert not QueuedTask.objects.exists()

    def test_delayed_ones_follow_the_clock_of_the_test(self) -> None:
        dispatch(see, "in an hour", delay=timedelta(hours=1))
        assert run_due_tasks() == []
        with time_machine.travel(now() + timedelta(minutes=59)):
            assert run_due_tasks() == []
        with time_machine.travel(now() + timedelta(minutes=61)):
            run_due_tasks()
        assert seen == ["in an hour"]

    def test_a_test_in_another_year_runs_its_tasks_too(self) -> None:
        with time_machine.travel("2021-05-04T03:02:01Z"):
            dispatch(see, "then")
            dispatch(see, "a day later", delay=timedelta(days=1))
            run_due_tasks()
            assert seen == ["then"]

    def test_a_failure_fails_the_test_unless_expected(self) -> None:
        dispatch(break_down)
        with pytest.raises(AssertionError, match=r"break_down\(\) again: ValueError: no"):
            run_due_tasks()
        with time_machine.travel(now() + timedelta(minutes=1)):
            run_due_tasks(may_fail=True)
        assert TaskFailure.objects.get().attempts == 2

    @pytest.mark.parametrize(
        ("how", "error"),
        [
            ("nul", "ValueError: a\\0b"),
            ("half", "ValueError: a\\ud800b"),
            ("speechless", "Speechless: its text can't be made"),
            ("leaky", "ValueError: postgres://imp:(hidden)@db refused token=(hidden)"),
        ],
    )
    def test_an_error_that_cannot_be_stored_as_it_is_is_told_all_the_same(self, how: str, error: str) -> None:
        dispatch(break_down_oddly, how)
        run_due_tasks(may_fail=True)
        failure = TaskFailure.objects.get()
        assert failure.error == error
        assert "break_down_oddly" in failure.traceback
