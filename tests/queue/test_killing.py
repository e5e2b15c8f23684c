"""kill -9 of every part of a running worker: nothing is lost, nothing runs twice that may not, nothing stays behind."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import psycopg
import pytest
from django_q.conf import Conf
from django_q.models import OrmQ

from apps.core.clock import now
from apps.core.dispatch import dispatch
from apps.core.ids import new_id
from apps.core.postgres.launcher import EmbeddedPostgres
from apps.core.queue.broker import PUSH_NOW, channel
from apps.core.queue.models import QueuedTask, TaskFailure
from apps.core.queue.packages import pack
from apps.core.queue.tasks import task_of
from tests.machine import database_url
from tests.queue import sample_tasks
from tests.queue.cluster import RunningCluster, running_cluster, wait_until
from tests.queue.conftest import Effects

# Under 3 s on an idle machine; the tests share theirs with others. What it doesn't wait for would take a minute
STOPS_WITHIN = 20

pytestmark = [pytest.mark.faults, pytest.mark.django_db(transaction=True)]


def queue_is_empty() -> bool:
    return not OrmQ.objects.exists() and not QueuedTask.objects.exists()


def busy_worker(effects: Effects, what: str) -> psutil.Process:
    return psutil.Process(wait_until(lambda: effects.rows(what))[-1][1])


class TestWorkerProcess:
    def test_one_killed_while_idle_stops_no_other(self, cluster: RunningCluster, effects: Effects) -> None:
        for round_number in range(3):
            victim = cluster.workers()[0]
            victim.kill()
            dispatch(sample_tasks.write, f"round {round_number}")
            wait_until(lambda n=round_number: effects.count(f"round {n}") == 1)
            wait_until(lambda: len(cluster.workers()) == 2)
        assert not TaskFailure.objects.exists()

    def test_all_killed_while_idle(self, cluster: RunningCluster, effects: Effects) -> None:
        for victim in cluster.children():
            victim.kill()
        dispatch(sample_tasks.write, "after")
        wait_until(lambda: effects.list() == ["after"])
        wait_until(cluster.is_up)

    def test_one_killed_while_busy_leaves_its_task_to_another_at_once(
        self, cluster: RunningCluster, effects: Effects
    ) -> None:
        dispatch(sample_tasks.write_once_allowed, "job")
        victim = busy_worker(effects, "job starts")
        victim.kill()
        # The queue itself would give it to another only after a minute and a half
        wait_until(lambda: effects.count("job starts") == 2, within=30)
        effects.allow()
        wait_until(queue_is_empty)
        assert effects.count("job ends") == 1
        assert effects.rows("job ends")[0][1] != victim.pid

    def test_an_atomic_task_has_its_effects_once_however_often_it_is_killed(
        self, cluster: RunningCluster, effects: Effects
    ) -> None:
        wanted: list[str] = []
        for kill in range(12):
            while QueuedTask.objects.count() < 20:
                wanted.append(f"job {len(wanted)}")
                dispatch(sample_tasks.write_in_one_transaction, wanted[-1], 0.05)
            for victim in cluster.workers()[kill % 2 : kill % 2 + 1]:
                victim.kill()
            time.sleep(0.15)
        wait_until(queue_is_empty)
        assert sorted(effects.list()) == sorted(wanted + [f"after {what}" for what in wanted])
        assert not TaskFailure.objects.exists()

    def test_no_task_runs_again_after_it_was_done(self, effects: Effects) -> None:
        """All are killed at the very moment in which tasks are being completed."""
        with running_cluster() as cluster:
            for number in range(200):
                dispatch(sample_tasks.write, f"job {number}")
            wait_until(lambda: effects.count() > 20)
            for victim in cluster.workers():
                victim.kill()
            wait_until(queue_is_empty)
            assert not TaskFailure.objects.exists()
            done = effects.list()
            assert set(done) == {f"job {number}" for number in range(200)}
            # A worker that is killed between the effect and its mark repeats that one task, and none besides
            assert len(done) <= 202


class TestMainProcess:
    def test_killed_it_leaves_no_orphan_and_its_successor_takes_the_task_over(
        self, cluster: RunningCluster, effects: Effects
    ) -> None:
        dispatch(sample_tasks.write_once_allowed, "job")
        busy_worker(effects, "job starts")
        children = cluster.children()
        assert len(children) == 3
        cluster.process.kill()
        cluster.process.wait()
        _, alive = psutil.wait_procs(children, timeout=STOPS_WITHIN)
        assert not alive
        effects.allow()
        with running_cluster():
            wait_until(lambda: effects.count("job ends") == 1, within=30)
            wait_until(queue_is_empty)
        assert effects.count("job starts") == 2

    def test_sweeper_killed_comes_back_and_beats_again(self, cluster: RunningCluster, effects: Effects) -> None:
        first = cluster.sweeper()
        first.kill()
        psutil.wait_procs([first], timeout=STOPS_WITHIN)
        wait_until(cluster.is_up)
        wait_until(lambda: cluster.sweeper().pid != first.pid)
        dispatch(sample_tasks.write, "after")
        wait_until(lambda: effects.list() == ["after"])

    def test_stopped_for_a_while_it_goes_on(self, cluster: RunningCluster, effects: Effects) -> None:
        cluster.process.send_signal(signal.SIGSTOP)
        dispatch(sample_tasks.write, "while it sleeps")
        wait_until(lambda: effects.list() == ["while it sleeps"])
        cluster.process.send_signal(signal.SIGCONT)
        assert cluster.stop() < STOPS_WITHIN


class TestStopping:
    def test_idle_it_ends_at_once(self, cluster: RunningCluster, effects: Effects) -> None:
        children = cluster.children()
        assert cluster.stop() < STOPS_WITHIN
        assert cluster.exit_code == 0
        assert not psutil.wait_procs(children, timeout=0)[1]

    def test_a_short_task_is_finished(self, cluster: RunningCluster, effects: Effects) -> None:
        dispatch(sample_tasks.write_once_allowed, "job")
        busy_worker(effects, "job starts")
        cluster.process.send_signal(signal.SIGTERM)
        effects.allow()
        assert cluster.process.wait(STOPS_WITHIN) == 0
        assert effects.list() == ["job starts", "job ends"]
        assert queue_is_empty()

    def test_a_long_task_is_given_back_uncounted(self, cluster: RunningCluster, effects: Effects) -> None:
        dispatch(sample_tasks.write_once_allowed, "job")
        dispatch(sample_tasks.hear_nothing, "deaf")
        dispatch(sample_tasks.write, "waits")
        busy_worker(effects, "job starts")
        busy_worker(effects, "deaf")
        assert cluster.stop() < STOPS_WITHIN
        assert cluster.exit_code == 0
        assert not QueuedTask.objects.exclude(worker="").exists()
        assert set(QueuedTask.objects.values_list("attempts", flat=True)) == {0}
        assert QueuedTask.objects.count() == 3 - effects.count("waits")

    def test_sigterm_to_the_whole_group_ends_the_command_cleanly(self, effects: Effects) -> None:
        with running_cluster(environment={"DATABASE_URL": database_url()}) as cluster:
            dispatch(sample_tasks.write_once_allowed, "job")
            busy_worker(effects, "job starts")
            children = cluster.children()
            os.killpg(cluster.process.pid, signal.SIGTERM)
            effects.allow()
            assert cluster.process.wait(STOPS_WITHIN) == 0
        assert not psutil.wait_procs(children, timeout=0)[1]
        assert effects.list() == ["job starts", "job ends"]
        assert queue_is_empty()


def test_postgres_itself_is_stopped_and_started(tmp_path_factory: pytest.TempPathFactory) -> None:
    """A server of its own, as the other tests need theirs."""
    folder: Path = tmp_path_factory.mktemp("pg")
    server = EmbeddedPostgres(folder / "postgres")
    server.start()
    try:
        url = server.url()
        _manage(url, "migrate", "--verbosity", "0")
        with psycopg.connect(url, autocommit=True) as setup:
            setup.execute(sample_tasks.TABLE)
        with running_cluster(environment={"DATABASE_URL": url}) as cluster:
            _dispatch_there(url, sample_tasks.write, "before")
            wait_until(lambda: _effects(url) == ["before"])
            _dispatch_there(url, sample_tasks.write_slowly, "through", 3.0)
            wait_until(lambda: "through starts" in _effects(url))
            with psycopg.connect(url) as backend:
                postmaster = psutil.Process(backend.info.backend_pid).parent()
            assert postmaster is not None
            assert postmaster.name() == "postgres"
            postmaster.kill()
            time.sleep(1.5)
            server.start()
            _dispatch_there(url, sample_tasks.write, "after")
            wait_until(lambda: "after" in _effects(url))
            wait_until(lambda: "through ends" in _effects(url))
            assert cluster.is_running()
            assert _effects(url).count("through ends") == 1
            assert _effects(url).count("before") == 1
    finally:
        server.stop()


def _manage(url: str, *arguments: str) -> None:
    subprocess.run(
        [sys.executable, "manage.py", *arguments],
        check=True,
        env={**os.environ, "DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "portal.settings.test"},
    )


def _dispatch_there(url: str, function: Callable[..., None], *arguments: object) -> None:
    """As `dispatch` does, in the database of that server."""
    subject = task_of(function)
    task_id = new_id("task")
    with psycopg.connect(url, autocommit=True) as caller:
        caller.execute(
            PUSH_NOW,
            {
                "key": Conf.CLUSTER_NAME,
                "payload": pack(subject, task_id, arguments, ""),
                "task_id": task_id,
                "function": subject.name,
                "arguments": "{}",
                "request_id": "",
                "now": now(),
                "channel": channel(),
            },
        )


def _effects(url: str) -> list[str]:
    with psycopg.connect(url) as reader:
        return [row[0] for row in reader.execute("SELECT what FROM queue_effect ORDER BY id")]
