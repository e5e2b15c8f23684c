"""One holder at a time, and a holder that was overtaken changes nothing."""

import multiprocessing
import os
import signal
import time
from collections.abc import Iterator
from datetime import timedelta

import pytest
import time_machine
from django.db import connection, connections, models
from django.test.utils import isolate_apps

from apps.core.clock import now
from apps.core.leases import Lease, Leased, LeaseLost, acquire
from tests.at_once import at_once

pytestmark = pytest.mark.django_db(transaction=True)

with isolate_apps("tests.sample"):

    class Job(Leased):
        note = models.CharField(max_length=40, default="")
        steps = models.IntegerField(default=0)

        class Meta:
            app_label = "sample"
            db_table = "lease_job"


@pytest.fixture
def job() -> Iterator[Job]:
    with connection.schema_editor() as editor:
        editor.create_model(Job)
    yield Job.objects.create()
    with connection.schema_editor() as editor:
        editor.delete_model(Job)


def take(job: Job) -> Lease:
    lease = acquire(Job.objects.all(), job.pk)
    assert lease is not None
    return lease


class TestAcquire:
    def test_the_first_gets_it_and_the_second_does_not(self, job: Job) -> None:
        before = now()
        lease = acquire(Job.objects.all(), job.pk, duration=timedelta(seconds=30), note="taken")
        assert lease is not None
        after = now()
        assert acquire(Job.objects.all(), job.pk, note="stolen") is None
        job.refresh_from_db()
        assert job.note == "taken"
        assert job.fence == lease.fence == 1
        assert before <= job.leased_until - timedelta(seconds=30) <= after

    def test_only_rows_that_were_asked_for(self, job: Job) -> None:
        assert acquire(Job.objects.filter(note="due"), job.pk) is None
        job.refresh_from_db()
        assert job.fence == 0

    def test_it_is_free_again_after_release_and_after_its_time(self, job: Job) -> None:
        take(job).release(note="done")
        second = take(job)
        assert second.fence == 2
        with time_machine.travel(now() + timedelta(minutes=2)):
            assert take(job).fence == 3

    def test_of_many_threads_one_gets_it(self, job: Job) -> None:
        won: list[int] = []

        def compete() -> None:
            for _ in range(20):
                if lease := acquire(Job.objects.all(), job.pk):
                    won.append(lease.fence)
                    before = Job.objects.get(pk=job.pk).steps
                    time.sleep(0.002)
                    lease.release(steps=before + 1)

        assert at_once(*[compete] * 8) == [None] * 8
        job.refresh_from_db()
        assert len(won) >= 2
        assert len(set(won)) == len(won), "two held it with the same fence"
        assert job.steps == len(won) == job.fence, "two held it at once and one step was overwritten"


class TestOvertaken:
    @pytest.fixture
    def slow(self, job: Job) -> Lease:
        """Its lease ran out while it worked, and another has it now."""
        lease = take(job)
        Job.objects.update(leased_until=now() - timedelta(seconds=1))
        assert acquire(Job.objects.all(), job.pk, note="by another") is not None
        return lease

    @pytest.mark.parametrize(
        "write",
        [
            lambda lease: lease.renew(),
            lambda lease: lease.save(note="too late"),
            lambda lease: lease.release(note="too late"),
        ],
    )
    def test_it_can_write_nothing(self, job: Job, slow: Lease, write) -> None:
        with pytest.raises(LeaseLost):
            write(slow)
        job.refresh_from_db()
        assert job.note == "by another"
        assert job.leased_until > now()

    def test_its_commit_does_not_happen(self, job: Job, slow: Lease) -> None:
        with pytest.raises(LeaseLost), slow.commit(note="too late"):
            Job.objects.create(note="side effect")
        assert not Job.objects.filter(note="side effect").exists()

    def test_one_who_released_it_has_it_no_longer(self, job: Job) -> None:
        lease = take(job)
        lease.release()
        with pytest.raises(LeaseLost):
            lease.save(note="after the release")

    def test_one_whose_time_is_over_goes_on_when_nobody_took_it(self, job: Job) -> None:
        lease = take(job)
        Job.objects.update(leased_until=now() - timedelta(seconds=1))
        lease.renew()
        assert acquire(Job.objects.all(), job.pk) is None
        with lease.commit(note="done"):
            Job.objects.create(note="side effect")
        job.refresh_from_db()
        assert job.note == "done"
        assert job.leased_until is None
        assert Job.objects.filter(note="side effect").exists()

    def test_an_error_inside_the_commit_keeps_the_lease(self, job: Job) -> None:
        lease = take(job)
        with pytest.raises(ZeroDivisionError), lease.commit(note="done"):
            raise ZeroDivisionError
        job.refresh_from_db()
        assert job.note == ""
        lease.release()


def test_a_killed_holder_is_followed_by_another_when_its_time_is_over(job: Job) -> None:
    fork = multiprocessing.get_context("fork")
    held = fork.Event()
    connections.close_all()

    def hold() -> None:
        assert acquire(Job.objects.all(), job.pk, duration=timedelta(minutes=5))
        held.set()
        time.sleep(60)

    process = fork.Process(target=hold)
    process.start()
    assert held.wait(60)
    assert process.pid
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    assert acquire(Job.objects.all(), job.pk) is None
    with time_machine.travel(now() + timedelta(minutes=5)):
        assert take(job).fence == 2
