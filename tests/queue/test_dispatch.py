"""A task exists if and only if the transaction commits, and what doesn't fit is refused at once."""

from datetime import timedelta

import pytest
from django.db import transaction
from django_q.models import OrmQ

from apps.core import context
from apps.core.clock import now
from apps.core.crypto import MASK
from apps.core.dispatch import dispatch
from apps.core.queue.models import QueuedTask
from apps.core.queue.packages import ForgedPackage, unpack
from apps.core.queue.tasks import UnknownTask, task

pytestmark = pytest.mark.django_db


@task
def greet(name: str, password: str = "", options: dict[str, str] | None = None) -> None: ...


def not_registered() -> None: ...


class TestDispatch:
    def test_queues_one_signed_package_with_the_request_it_came_from(self) -> None:
        with context.bound(request_id="req_1"):
            task_id = dispatch(greet, "Greenmarket")
        row = OrmQ.objects.get()
        package = unpack(row.payload)
        assert package.task_id == task_id
        assert package.function == "tests.queue.test_dispatch.greet"
        assert package.arguments == ("Greenmarket",)
        assert package.request_id == "req_1"
        assert row.lock <= now()

    def test_tells_operators_what_waits_with_secrets_masked(self) -> None:
        dispatch(greet, "Greenmarket", "hunter2", {"api_key": "k", "colour": "c" * 300})
        shown = QueuedTask.objects.get()
        assert shown.arguments == {
            "name": "Greenmarket",
            "password": MASK,
            "options": {"api_key": MASK, "colour": "c" * 200 + "…"},
        }
        assert shown.attempts == 0
        assert "hunter2" not in str(shown.arguments)

    def test_a_delay_is_in_the_row(self) -> None:
        before = now()
        dispatch(greet, "later", delay=timedelta(minutes=5))
        assert before <= OrmQ.objects.get().lock - timedelta(minutes=5) <= now()

    def test_a_rollback_leaves_no_task(self) -> None:
        with transaction.atomic():
            dispatch(greet, "nobody")
            transaction.set_rollback(True)
        assert not OrmQ.objects.exists()
        assert not QueuedTask.objects.exists()

    def test_costs_one_statement(self, django_assert_num_queries) -> None:
        with django_assert_num_queries(1):
            dispatch(greet, "Greenmarket")

    @pytest.mark.parametrize(
        ("function", "arguments", "error", "says"),
        [
            (not_registered, (), UnknownTask, "decorate it with @task"),
            (lambda: None, (), UnknownTask, "decorate it with @task"),
            (greet, (), TypeError, "name"),
            (greet, ("a", "b", {}, "d"), TypeError, "too many"),
            (greet, (object(),), TypeError, "pass an id"),
            (greet, ("a", "b", {"at": now()}), TypeError, "pass an id"),
            (greet, ("a", "b", {1: "x"}), TypeError, "pass an id"),
            (greet, ("a\0b",), TypeError, "can't be stored"),
            (greet, ("a", "b", {"\ud800": 1}), TypeError, "can't be stored"),
            (greet, ([float("nan")],), TypeError, "JSON has none such"),
            (greet, ("x" * 70_000,), TypeError, "save them and pass an id"),
        ],
    )
    def test_refuses_what_a_worker_could_not_run(self, function, arguments, error, says) -> None:
        with pytest.raises(error, match=says):
            dispatch(function, *arguments)
        assert not OrmQ.objects.exists()


def test_a_package_that_was_changed_in_the_table_is_not_loaded() -> None:
    dispatch(greet, "Greenmarket")
    payload = OrmQ.objects.get().payload
    with pytest.raises(ForgedPackage):
        unpack("gASV" + payload[4:])
