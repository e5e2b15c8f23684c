"""Sweeps come at their time, in one place, and none stops another."""

import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from django.db import connections

from apps.core.clock import now
from apps.core.queue.models import QueuedTask, Sweep
from apps.core.queue.sweeper import RegisteredSweep, Sweeper
from apps.core.queue.sweeps import release_tasks_of_dead_clusters
from tests.queue.cluster import PATIENCE, RunningCluster, running_cluster, wait_until
from tests.queue.conftest import Effects

pytestmark = pytest.mark.django_db(transaction=True)

SECOND = timedelta(seconds=1)


def registered(
    name: str, function: Callable[[], object], every: timedelta = SECOND, seconds: float = 5
) -> RegisteredSweep:
    return RegisteredSweep(f"tests.{name}", function, every, timedelta(seconds=seconds))


class TestSweeper:
    @pytest.fixture
    def sweeper(self) -> Iterator[Callable[..., Sweeper]]:
        made: list[Sweeper] = []

        def make(*sweeps: RegisteredSweep) -> Sweeper:
            sweeper = Sweeper(sweeps)
            # Each thread closes its own connection, as the threads of the pool end with the test
            run_one = sweeper.run_one

            def run_and_close(each: RegisteredSweep) -> None:
                try:
                    run_one(each)
                finally:
                    connections.close_all()

            sweeper.run_one = run_and_close  # type: ignore[method-assign]
            made.append(sweeper)
            sweeper.register()
            return sweeper

        yield make
        for sweeper in made:
            sweeper.threads.shutdown()

    def test_one_that_is_due_runs_and_is_due_again_an_interval_after_it_was(self, sweeper) -> None:
        ran = threading.Event()
        subject = sweeper(registered("run", ran.set, timedelta(minutes=1)))
        due_at = now() - timedelta(seconds=10)
        Sweep.objects.update(due_at=due_at)
        assert subject.start_due() == ["tests.run"]
        assert ran.wait(PATIENCE)
        row = wait_until(lambda: Sweep.objects.filter(ended_at__isnull=False).first())
        assert row.due_at == due_at + timedelta(minutes=1)
        assert row.error == ""
        assert row.worker == ""
        assert subject.start_due() == []

    def test_what_was_missed_is_not_made_up_for(self, sweeper) -> None:
        subject = sweeper(registered("run", lambda: None, timedelta(minutes=1)))
        Sweep.objects.update(due_at=now() - timedelta(days=1))
        before = now()
        subject.start_due()
        assert before <= Sweep.objects.get().due_at - timedelta(minutes=1) <= now()

    def test_of_two_clusters_one_takes_it(self, sweeper) -> None:
        runs: list[int] = []
        one, other = (sweeper(registered("run", lambda: runs.append(1), timedelta(minutes=1))) for _ in range(2))
        assert one.start_due() + other.start_due() == ["tests.run"]

    def test_it_does_not_overlap_itself(self, sweeper) -> None:
        end = threading.Event()
        one, other = (sweeper(registered("run", lambda: end.wait(PATIENCE))) for _ in range(2))
        # Two processes in truth
        other.worker = one.worker.replace("@", "@1")
        assert one.start_due() == ["tests.run"]
        Sweep.objects.update(due_at=now() - SECOND)
        assert one.start_due() == other.start_due() == []
        end.set()

    def test_one_that_fails_is_recorded_and_stops_no_other(self, sweeper) -> None:
        ran = threading.Event()

        def fail() -> None:
            raise ValueError("no broom")

        subject = sweeper(registered("fail", fail), registered("run", ran.set))
        assert sorted(subject.start_due()) == ["tests.fail", "tests.run"]
        assert ran.wait(PATIENCE)
        wait_until(lambda: all(run.future.done() for run in subject.running.values()))
        assert "ValueError: no broom" in Sweep.objects.get(name="tests.fail").error
        Sweep.objects.update(due_at=now() - SECOND)
        subject.end_if_one_hangs()
        assert sorted(subject.start_due()) == ["tests.fail", "tests.run"]

    def test_one_that_waits_does_not_hold_up_another(self, sweeper) -> None:
        end, ran = threading.Event(), threading.Event()
        subject = sweeper(registered("wait", lambda: end.wait(PATIENCE)), registered("run", ran.set))
        subject.start_due()
        assert ran.wait(PATIENCE)
        end.set()

    def test_one_that_hangs_is_recorded_and_ended_with_its_process(self, sweeper, monkeypatch) -> None:
        exits: list[int] = []
        monkeypatch.setattr("apps.core.queue.sweeper.os._exit", exits.append)
        end = threading.Event()
        subject = sweeper(registered("hang", lambda: end.wait(PATIENCE), seconds=30))
        subject.start_due()
        subject.end_if_one_hangs()
        assert exits == []
        subject.running["tests.hang"].must_end_by -= 30
        subject.end_if_one_hangs()
        assert exits == [1]
        row = Sweep.objects.get()
        assert row.error == "It ran for longer than 30 s and was ended."
        assert row.running_until is None
        end.set()

    def test_what_an_ended_process_was_at_is_free_for_its_successor(self, sweeper) -> None:
        Sweep.objects.create(
            name="tests.run", every=SECOND, timeout=SECOND, due_at=now() - SECOND,
            worker=f"{Sweeper([]).worker.split('/')[0]}/1@1.00/999999@1.00", running_until=now() + timedelta(hours=1),
        )  # fmt: skip
        subject = sweeper(registered("run", lambda: None))
        assert Sweep.objects.get().error == "The worker process ended while it ran."
        assert subject.start_due() == ["tests.run"]


@pytest.mark.faults
class TestInTheWorker:
    def test_sweeps_run_and_survive_the_end_of_their_process(self, cluster: RunningCluster, effects: Effects) -> None:
        name = "apps.core.queue.sweeps.release_tasks_of_dead_clusters"
        first = wait_until(lambda: Sweep.objects.filter(name=name, ended_at__isnull=False).first())
        cluster.sweeper().kill()
        wait_until(lambda: Sweep.objects.filter(name=name, ended_at__gt=first.ended_at + SECOND).first())

    def test_a_claim_of_another_host_waits_for_its_lock(self, cluster: RunningCluster, effects: Effects) -> None:
        from django.db import connection

        from apps.core.dispatch import dispatch
        from apps.core.queue.claims import claim_next
        from tests.queue import sample_tasks

        cluster.destroy()
        dispatch(sample_tasks.write, "elsewhere")
        with connection.cursor() as cursor:
            assert claim_next(cursor, worker="another.host/7@1.00/8@1.00")
        release_tasks_of_dead_clusters()
        assert QueuedTask.objects.get().worker == "another.host/7@1.00/8@1.00"

    def test_two_clusters_share_the_sweeps(self, cluster: RunningCluster, effects: Effects) -> None:
        with running_cluster():
            wait_until(lambda: Sweep.objects.filter(ended_at__isnull=False).first())
            starts: dict[datetime, datetime] = {}

            def have_been_three() -> bool:
                row = Sweep.objects.get(name__endswith="dead_clusters")
                if row.started_at:
                    starts[row.started_at] = row.due_at
                return len(starts) >= 3

            wait_until(have_been_three)
        for (_, due_at), (started_at, _) in pairwise(sorted(starts.items())):
            assert due_at <= started_at < due_at + timedelta(seconds=20)
