"""Runs queued tasks inside a test, without a worker."""

from django.db import connection

from apps.core.clock import now
from apps.core.queue.claims import Claim, claim_next, this_worker
from apps.core.queue.models import QueuedTask, TaskFailure
from apps.core.queue.packages import unpack
from apps.core.queue.runner import Outcome, run


def run_due_tasks(*, may_fail: bool = False) -> list[str]:
    """Run what is due, and what that queues for now, in this process and transaction; returns the functions' names.

    What is due follows the test's clock, so a test travels in time to run delayed tasks. A task that fails fails the
    test, unless it `may_fail`: then it's settled as a worker would, tried again later or kept as failed.
    """
    ran = []
    while claim := _claim():
        package = unpack(claim.payload)
        ran.append(package.function)
        outcome = run(claim)
        if outcome is not Outcome.DONE and not may_fail:
            raise AssertionError(f"{package.function}{package.arguments} {outcome}: {_error(package.task_id)}")
    return ran


def _claim() -> Claim | None:
    with connection.cursor() as cursor:
        return claim_next(cursor, worker=this_worker(), at=now())


def _error(task_id: str) -> str:
    waiting = QueuedTask.objects.filter(task_id=task_id).values_list("error", flat=True)
    failed = TaskFailure.objects.filter(task_id=task_id).values_list("traceback", flat=True)
    return next(iter([*failed, *waiting]), "")
