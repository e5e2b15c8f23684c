"""What a running worker does with tasks: at once, later, again, failed, ended."""

import time
from datetime import timedelta
from itertools import pairwise

import pytest
from django.db import connection, transaction
from django_q.conf import Conf
from django_q.models import OrmQ

from apps.core import context
from apps.core.clock import now
from apps.core.dispatch import dispatch
from apps.core.queue.models import QueuedTask, TaskFailure
from tests.queue import sample_tasks
from tests.queue.cluster import RunningCluster, running_cluster, wait_until
from tests.queue.conftest import Effects

pytestmark = [pytest.mark.faults, pytest.mark.django_db(transaction=True)]


def queue_is_empty() -> bool:
    return not OrmQ.objects.exists() and not QueuedTask.objects.exists()


# What starts sooner was told to, or woke at its moment: the look comes much later
LOOKS_EVERY = 120
SOON = timedelta(seconds=20)


@pytest.fixture
def hardly_looking(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever starts soon wasn't found by a worker that looks every two seconds."""
    monkeypatch.setattr(Conf, "POLL", LOOKS_EVERY)


@pytest.mark.usefixtures("hardly_looking")
class TestDelivery:
    def test_a_task_starts_at_the_commit_and_knows_its_request(self, cluster: RunningCluster, effects: Effects) -> None:
        cluster.workers()
        with context.bound(request_id="req_7"), transaction.atomic():
            task_id = dispatch(sample_tasks.write, "hello")
            time.sleep(0.3)
            assert not effects.list(), "it must not start before the commit"
        committed_at = now()
        wait_until(lambda: effects.list() == ["hello"])
        _, _, at, request_id, seen_task_id = effects.rows()[0]
        assert at - committed_at < SOON, "it waited for a look, not for the notice"
        assert (request_id, seen_task_id) == ("req_7", task_id)
        wait_until(queue_is_empty)
        wait_until(lambda: task_id in cluster.log())
        assert "req_7" in cluster.log()

    def test_a_delayed_task_starts_at_its_moment(self, cluster: RunningCluster, effects: Effects) -> None:
        cluster.workers()
        asked_at = now()
        dispatch(sample_tasks.write, "later", delay=timedelta(seconds=1.5))
        dispatch(sample_tasks.write, "sooner", delay=timedelta(seconds=0.7))
        wait_until(lambda: effects.count() == 2)
        started_at = {row[0]: row[2] for row in effects.rows()}
        for what, delay in (("sooner", 0.7), ("later", 1.5)):
            assert timedelta() <= started_at[what] - asked_at - timedelta(seconds=delay) < SOON

    def test_each_of_many_runs_once_over_two_clusters(self, cluster: RunningCluster, effects: Effects) -> None:
        wanted = [f"task {number}" for number in range(300)]
        with running_cluster() as other:
            for what in wanted:
                dispatch(sample_tasks.write, what)

            def all_have_had_a_share() -> bool:
                """As many more as it takes: a busy machine may let one of them sleep through the first ones."""
                wanted.append(f"task {len(wanted)}")
                dispatch(sample_tasks.write, wanted[-1])
                pids = {row[1] for row in effects.rows()}
                return all(pids & {child.pid for child in each.children()} for each in (cluster, other))

            wait_until(all_have_had_a_share, what="a share for each cluster")
            wait_until(queue_is_empty)
            assert sorted(effects.list()) == sorted(wanted)


class TestFailure:
    @pytest.mark.usefixtures("hardly_looking")
    def test_it_is_tried_again_with_growing_waits_and_then_kept_as_failed(
        self, cluster: RunningCluster, effects: Effects
    ) -> None:
        task_id = dispatch(sample_tasks.fail_always, "this")
        failure = wait_until(TaskFailure.objects.first)
        assert failure.task_id == task_id
        assert failure.attempts == 3
        assert failure.error == "ValueError: this can't work"
        assert "sample_tasks.py" in failure.traceback
        assert failure.arguments == {"what": "this"}
        starts = [row[2] for row in effects.rows()]
        first, second = (later - earlier for earlier, later in pairwise(starts))
        assert len(starts) == 3
        assert timedelta(seconds=0.14) <= first < SOON
        assert timedelta(seconds=0.29) <= second < SOON
        assert queue_is_empty()

    def test_one_that_succeeds_at_last_leaves_nothing(self, cluster: RunningCluster, effects: Effects) -> None:
        dispatch(sample_tasks.fail_twice, "third time")
        wait_until(lambda: effects.count() == 3)
        wait_until(queue_is_empty)
        assert not TaskFailure.objects.exists()

    def test_one_that_kills_its_process_each_time_ends_as_failed(
        self, cluster: RunningCluster, effects: Effects
    ) -> None:
        dispatch(sample_tasks.kill_own_process, "poison")
        failure = wait_until(TaskFailure.objects.first)
        assert effects.list() == ["poison"] * 3
        assert failure.attempts == 3
        assert "SIGKILL" in failure.error
        dispatch(sample_tasks.write, "the others go on")
        wait_until(lambda: effects.count("the others%") == 1)
        wait_until(queue_is_empty)

    @pytest.mark.parametrize(
        ("function", "says"),
        [
            (sample_tasks.sleep_too_long, "TaskTimedOut: It ran for longer than 1 s."),
            (sample_tasks.swallow_every_exception, "TaskTimedOut: It ran for longer than 1 s."),
            (sample_tasks.ignore_timeout, "didn't react"),
        ],
    )
    def test_one_over_its_timeout_is_ended(self, cluster: RunningCluster, effects: Effects, function, says) -> None:
        dispatch(function, "slow")
        failure = wait_until(TaskFailure.objects.first)
        assert says in failure.error
        assert failure.failed_at - effects.rows()[0][2] < SOON, "it slept for a minute"
        assert queue_is_empty()
        dispatch(sample_tasks.write, "the others go on")
        wait_until(lambda: effects.count("the others%") == 1)

    def test_what_was_renamed_or_forged_fails_and_says_so(self, cluster: RunningCluster, effects: Effects) -> None:
        with transaction.atomic():
            dispatch(sample_tasks.write, "forged")
            OrmQ.objects.update(payload="gASV:1:forged")
        failure = wait_until(TaskFailure.objects.first)
        assert "isn't signed" in failure.error
        assert not effects.list()

    def test_a_connection_that_broke_between_two_tasks_is_replaced(self, effects: Effects) -> None:
        with running_cluster(workers=1):
            dispatch(sample_tasks.leave_a_dead_connection, "first")
            dispatch(sample_tasks.write, "second")
            wait_until(lambda: effects.list() == ["first", "second"])
            wait_until(queue_is_empty)
            assert not TaskFailure.objects.exists()


class TestDatabaseTrouble:
    def test_all_connections_dropped(self, cluster: RunningCluster, effects: Effects) -> None:
        dispatch(sample_tasks.write, "before")
        wait_until(lambda: effects.list() == ["before"])
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
            )
        dispatch(sample_tasks.write, "after")
        wait_until(lambda: effects.list() == ["before", "after"])
        wait_until(queue_is_empty)

    def test_a_task_that_ended_while_the_connection_was_gone_does_not_run_again(
        self, cluster: RunningCluster, effects: Effects
    ) -> None:
        dispatch(sample_tasks.write_slowly, "once", 1.0)
        wait_until(lambda: effects.count("once starts") == 1)
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
            )
        # Its next statement fails on the broken connection, so this attempt counts and there is another
        wait_until(lambda: effects.count("once ends") == 1)
        wait_until(queue_is_empty)
        time.sleep(1)
        assert effects.count("once ends") == 1
