"""What operators may do to tasks, and that a worker which is just taking one isn't disturbed."""

from datetime import timedelta

import pytest
from django.db import connection
from django_q.models import OrmQ

from apps.core.clock import now
from apps.core.dispatch import dispatch
from apps.core.queue import services
from apps.core.queue.claims import Claim, claim_next, fail, finish, give_back, run_later
from apps.core.queue.models import QueuedTask, TaskFailure
from apps.core.queue.selectors import get_counts, get_lag, list_delayed, list_failures, list_running, list_waiting
from tests.queue import sample_tasks
from tests.queue.sample_tasks import TABLE
from tests.tasks import run_due_tasks

pytestmark = pytest.mark.django_db


def claim() -> Claim:
    with connection.cursor() as cursor:
        taken = claim_next(cursor, worker="host/1@1.00/2@1.00")
    assert taken is not None
    return taken


@pytest.fixture
def failure() -> TaskFailure:
    dispatch(sample_tasks.write, "again")
    with connection.cursor() as cursor:
        assert fail(cursor, claim(), error="ValueError: no", traceback="lines")
    return TaskFailure.objects.get()


class TestLists:
    def test_each_task_is_in_one_of_them(self, failure: TaskFailure) -> None:
        dispatch(sample_tasks.write, "runs")
        claim()
        dispatch(sample_tasks.write, "waits")
        dispatch(sample_tasks.write, "later", delay=timedelta(hours=1))
        assert [task.arguments["what"] for task in list_running()] == ["runs"]
        assert [task.arguments["what"] for task in list_waiting()] == ["waits"]
        assert [task.arguments["what"] for task in list_delayed()] == ["later"]
        assert [task.arguments["what"] for task in list_failures()] == ["again"]
        counts = get_counts()
        assert (counts.queued, counts.running, counts.delayed, counts.failed) == (1, 1, 1, 1)
        assert counts.lag is not None

    def test_lag_is_the_wait_of_the_oldest(self) -> None:
        assert get_lag() == timedelta()
        dispatch(sample_tasks.write, "waits")
        due_at = now() - timedelta(seconds=30)
        OrmQ.objects.update(lock=due_at)
        assert timedelta(seconds=30) <= get_lag() <= now() - due_at
        claim()
        assert get_lag() == timedelta()


class TestClaims:
    def test_the_longest_due_comes_first_and_none_twice(self) -> None:
        for what in ("first", "second"):
            dispatch(sample_tasks.write, what)
        dispatch(sample_tasks.write, "not yet", delay=timedelta(seconds=60))
        first, second = claim(), claim()
        assert first.queue_id < second.queue_id
        with connection.cursor() as cursor:
            assert claim_next(cursor, worker="host/1@1.00/3@1.00") is None

    @pytest.mark.parametrize(
        "settle",
        [
            finish,
            give_back,
            lambda cursor, claim: run_later(cursor, claim, delay=timedelta(), error="no"),
            lambda cursor, claim: fail(cursor, claim, error="no"),
        ],
    )
    def test_one_that_was_overtaken_settles_nothing(self, settle) -> None:
        dispatch(sample_tasks.write, "once")
        slow = claim()
        OrmQ.objects.update(lock=now() - timedelta(seconds=1))
        successor = claim()
        assert successor.attempts == slow.attempts + 1
        with connection.cursor() as cursor:
            assert not settle(cursor, slow)
            assert QueuedTask.objects.get().worker
            assert finish(cursor, successor)
        assert not OrmQ.objects.exists()
        assert not TaskFailure.objects.exists()


class TestRetry:
    def test_it_runs_again_under_its_old_id(self, failure: TaskFailure) -> None:
        with connection.cursor() as cursor:
            cursor.execute(TABLE)
        assert services.retry_failures(task_ids=[failure.pk, "task_gone"]) == [failure]
        assert not TaskFailure.objects.exists()
        waiting = QueuedTask.objects.get()
        assert (waiting.task_id, waiting.attempts) == (failure.task_id, 0)
        assert len(run_due_tasks()) == 1

    def test_dropped_it_is_gone(self, failure: TaskFailure) -> None:
        services.drop_failures(task_ids=[failure.pk])
        assert not TaskFailure.objects.exists()
        assert not OrmQ.objects.exists()


class TestWaiting:
    def test_a_delayed_one_runs_now(self) -> None:
        dispatch(sample_tasks.write, "later", delay=timedelta(hours=1))
        services.run_now(queue_ids=[QueuedTask.objects.get().pk])
        assert claim()

    def test_a_cancelled_one_is_gone(self) -> None:
        dispatch(sample_tasks.write, "no")
        services.cancel_tasks(queue_ids=[QueuedTask.objects.get().pk])
        assert not OrmQ.objects.exists()
        assert not QueuedTask.objects.exists()

    def test_a_running_one_is_left_alone(self) -> None:
        dispatch(sample_tasks.write, "runs")
        running = claim()
        assert services.cancel_tasks(queue_ids=[running.queue_id]) == []
        assert services.run_now(queue_ids=[running.queue_id]) == []
        with connection.cursor() as cursor:
            assert finish(cursor, running)


@pytest.mark.django_db(transaction=True)
def test_cancelling_what_a_worker_is_just_taking_does_not_wait_for_it() -> None:
    import psycopg

    from tests.machine import database_url

    dispatch(sample_tasks.write, "contended")
    key = QueuedTask.objects.get().pk
    with psycopg.connect(database_url()) as other:
        assert claim_next(other.cursor(), worker="host/1@1.00/2@1.00")
        assert services.cancel_tasks(queue_ids=[key]) == []
        other.commit()
    assert QueuedTask.objects.get().worker
