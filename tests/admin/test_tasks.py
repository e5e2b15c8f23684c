"""Operators see tasks and act on them; everything they do is in the audit log."""

from datetime import timedelta

import pytest
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.auth import get_user_model
from django.db import connection
from django.test import Client
from django.urls import reverse
from django_q.models import OrmQ

from apps.audit.models import AuditEvent
from apps.core import context
from apps.core.crypto import MASK
from apps.core.dispatch import dispatch
from apps.core.queue.claims import claim_next, fail, run_later
from apps.core.queue.models import QueuedTask, TaskFailure
from apps.core.queue.tasks import task

pytestmark = pytest.mark.django_db

LISTS = ["waitingtask", "runningtask", "delayedtask", "taskfailure", "sweep"]


@task
def send_parcel(parcel_id: str, token: str = "") -> None: ...


@pytest.fixture
def operator(client: Client, settings) -> Client:
    settings.OPERATORS_NEED_SECOND_FACTOR = False
    person = get_user_model().objects.create_superuser(email="olive@tidewater.test", password="a-long-password")
    client.force_login(person)
    return client


def url(name: str, *arguments: object) -> str:
    return reverse(f"admin:core_{name}", args=arguments)


def choose(client: Client, model: str, action: str, *keys: object, **extra: str):
    return client.post(
        url(f"{model}_changelist"), {"action": action, ACTION_CHECKBOX_NAME: list(keys), **extra}, follow=True
    )


def make(state: str) -> QueuedTask | TaskFailure:
    delay = timedelta(hours=1) if state == "delayedtask" else None
    with context.bound(request_id="req_9"):
        task_id = dispatch(send_parcel, "parcel_7", "t0ps3cret", delay=delay)
    with connection.cursor() as cursor:
        if state == "runningtask":
            claim_next(cursor, worker="host/1@1.00/2@1.00")
        elif state == "taskfailure":
            claim = claim_next(cursor, worker="host/1@1.00/2@1.00")
            assert claim
            fail(cursor, claim, error="ValueError: no van", traceback="Traceback (most recent call last):\n  no van")
            return TaskFailure.objects.get(pk=task_id)
    return QueuedTask.objects.get(task_id=task_id)


@pytest.mark.parametrize("state", LISTS[:-1])
class TestLists:
    def test_it_shows_the_task_with_its_secret_masked(self, operator: Client, state: str) -> None:
        made = make(state)
        for address in (url(f"{state}_changelist"), url(f"{state}_change", made.pk)):
            page = operator.get(address).content.decode()
            for text in ("send_parcel", "parcel_7", "req_9"):
                assert text in page, address
            assert MASK in page
            assert "t0ps3cret" not in page

    def test_nobody_else_sees_it(self, client: Client, state: str) -> None:
        make(state)
        person = get_user_model().objects.create_user(email="bob@tidewater.test", password="a-long-password")
        client.force_login(person)
        response = client.get(url(f"{state}_changelist"))
        assert response.status_code in (302, 403)
        assert b"parcel_7" not in response.content

    def test_its_page_can_change_nothing(self, operator: Client, state: str) -> None:
        made = make(state)
        assert operator.post(url(f"{state}_change", made.pk), {"function": "x"}).status_code == 403
        assert operator.post(url(f"{state}_delete", made.pk), {"post": "yes"}).status_code == 403
        assert operator.get(url(f"{state}_add")).status_code == 403

    def test_searching_finds_it(self, operator: Client, state: str) -> None:
        make(state)
        assert b"parcel_7" in operator.get(url(f"{state}_changelist"), {"q": "req_9"}).content
        assert b"parcel_7" not in operator.get(url(f"{state}_changelist"), {"q": "req_8"}).content


class TestCounts:
    def test_each_page_shows_all_of_them(self, operator: Client) -> None:
        make("taskfailure")
        make("runningtask")
        for name in LISTS:
            response = operator.get(url(f"{name}_changelist"))
            shown = {
                each["url"].removeprefix("admin:core_").removesuffix("_changelist"): each["count"]
                for each in response.context["task_lists"]
            }
            assert shown == {
                "waitingtask": 0,
                "runningtask": 1,
                "delayedtask": 0,
                "taskfailure": 1,
                "sweep": shown["sweep"],
            }

    @pytest.mark.parametrize("model", ["ormq", "success", "failure", "schedule"])
    def test_django_q_has_no_pages_of_its_own(self, operator: Client, model: str) -> None:
        assert operator.get(f"/admin/django_q/{model}/").status_code == 404


class TestActions:
    def test_a_failed_one_runs_again(self, operator: Client) -> None:
        failure = make("taskfailure")
        choose(operator, "taskfailure", "retry", failure.pk)
        assert not TaskFailure.objects.exists()
        assert QueuedTask.objects.get().task_id == failure.pk
        event = AuditEvent.objects.get(verb="task.retried")
        assert (event.target_id, event.target_label) == (failure.pk, "tests.admin.test_tasks.send_parcel")
        assert event.actor_label
        assert "t0ps3cret" not in str(event.after)

    def test_a_delayed_one_runs_now(self, operator: Client) -> None:
        delayed = make("delayedtask")
        choose(operator, "delayedtask", "run_now", delayed.pk)
        with connection.cursor() as cursor:
            assert claim_next(cursor, worker="host/1@1.00/2@1.00")
        assert AuditEvent.objects.get(verb="task.hastened").target_id == delayed.task_id

    @pytest.mark.parametrize(
        ("state", "action"), [("waitingtask", "cancel"), ("delayedtask", "cancel"), ("taskfailure", "drop")]
    )
    def test_removing_asks_first_and_names_the_task(self, operator: Client, state: str, action: str) -> None:
        made = make(state)
        page = choose(operator, state, action, made.pk)
        assert b"send_parcel" in page.content
        assert b"parcel_7" in page.content
        assert QueuedTask.objects.exists() or TaskFailure.objects.exists()
        assert not AuditEvent.objects.filter(verb="task.dropped").exists()
        choose(operator, state, action, made.pk, confirmed="yes")
        assert not QueuedTask.objects.exists()
        assert not TaskFailure.objects.exists()
        assert not OrmQ.objects.exists()
        assert AuditEvent.objects.get(verb="task.dropped").target_id == made.task_id

    def test_one_that_a_worker_took_meanwhile_is_left_alone(self, operator: Client) -> None:
        waiting = make("waitingtask")
        page = choose(operator, "waitingtask", "cancel", waiting.pk)
        with connection.cursor() as cursor:
            claim_next(cursor, worker="host/1@1.00/2@1.00")
        page = choose(operator, "waitingtask", "cancel", waiting.pk, confirmed="yes")
        assert page.status_code == 200
        assert QueuedTask.objects.get().worker
        assert not AuditEvent.objects.filter(verb="task.dropped").exists()

    def test_one_who_may_only_look_has_no_actions(self, operator: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(get_user_model(), "has_perm", lambda self, permission, obj=None: ".view_" in permission)
        failure = make("taskfailure")
        assert b"parcel_7" in operator.get(url("taskfailure_changelist")).content
        choose(operator, "taskfailure", "retry", failure.pk)
        assert TaskFailure.objects.exists()
        assert not AuditEvent.objects.filter(verb="task.retried").exists()


def test_one_that_waits_for_its_next_attempt_shows_its_last_error(operator: Client) -> None:
    dispatch(send_parcel, "parcel_8")
    with connection.cursor() as cursor:
        claim = claim_next(cursor, worker="host/1@1.00/2@1.00")
        assert claim
        run_later(cursor, claim, delay=timedelta(minutes=5), error="ValueError: no van yet")
    assert b"no van yet" in operator.get(url("delayedtask_changelist")).content
