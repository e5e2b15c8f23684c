"""Idempotency-Key: twice sent, once done, twice answered."""

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection, transaction
from django.http import HttpResponse

from apps.accounts.models import User
from apps.core import clock
from apps.core.api import idempotency
from apps.core.api.models import IdempotencyKey
from tests.contracts.api import assert_problem
from tests.people import Api, make_person
from tests.sample import services
from tests.sample.models import Note

KEY = "order-7"


def create(person: User, title: str = "Hello", key: str = KEY) -> HttpResponse:
    return Api(person).post("/v1/notes", {"title": title}, idempotency_key=key)


def test_the_second_gets_the_answer_to_the_first(alice: User) -> None:
    first, second = create(alice), create(alice)
    assert Note.objects.count() == 1
    assert "Idempotency-Replayed" not in first
    assert second["Idempotency-Replayed"] == "true"
    assert second.content == first.content
    assert second.status_code == 201
    for name in ("ETag", "Location", "Content-Type", "Cache-Control"):
        assert second[name] == first[name]


def test_without_a_key_twice_is_twice(alice: User) -> None:
    Api(alice).post("/v1/notes", {"title": "a"})
    Api(alice).post("/v1/notes", {"title": "a"})
    assert Note.objects.count() == 2
    assert not IdempotencyKey.objects.exists()


def test_verbs_are_repeated_safely_too(alice: User) -> None:
    note = Note.objects.create(owner=alice, title="a")
    path = f"/v1/notes/{note.pk}/archive"
    first = Api(alice).post(path, idempotency_key=KEY)
    second = Api(alice).post(path, idempotency_key=KEY)
    assert first.status_code == second.status_code == 200
    assert second["Idempotency-Replayed"] == "true"
    assert Api(alice).post(path, idempotency_key="another").status_code == 409


def test_another_request_may_not_use_the_key(alice: User) -> None:
    create(alice)
    response = create(alice, title="Something else")
    assert response.status_code == 422
    assert_problem(response, "idempotency-key-reused")
    note = Note.objects.get()
    elsewhere = Api(alice).post(f"/v1/notes/{note.pk}/archive", idempotency_key=KEY)
    assert_problem(elsewhere, "idempotency-key-reused")


def test_another_person_has_keys_of_their_own(alice: User, bob: User) -> None:
    create(alice)
    assert "Idempotency-Replayed" not in create(bob)
    assert Note.objects.count() == 2


def test_a_failure_leaves_the_key_free(alice: User) -> None:
    assert create(alice, title="Untitled").status_code == 422
    assert not IdempotencyKey.objects.exists()
    assert create(alice).status_code == 201


def test_a_breakdown_leaves_the_key_free(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(services, "create_note", lambda **_: 1 / 0)
        assert create(alice).status_code == 500
    assert not IdempotencyKey.objects.exists()
    assert create(alice).status_code == 201


def test_a_secret_in_the_answer_is_sealed(alice: User) -> None:
    secret = create(alice).json()["link_key"]
    with connection.cursor() as cursor:
        cursor.execute("SELECT answer FROM core_idempotencykey")
        stored = bytes(cursor.fetchone()[0])
    assert secret.encode() not in stored
    assert b"Hello" not in stored
    assert create(alice).json()["link_key"] == secret


@pytest.mark.parametrize("key", ["", "a" * 129, "a b", "ä", "a\tb"])
def test_a_key_that_is_none_is_refused(alice: User, key: str) -> None:
    response = create(alice, key=key)
    assert response.status_code == 400
    assert_problem(response, "malformed-request")
    assert not Note.objects.exists()


def test_a_day_later_the_key_is_free(alice: User) -> None:
    start = clock.now()
    with time_machine.travel(start, tick=False):
        create(alice)
    with time_machine.travel(start + timedelta(hours=23, minutes=59), tick=False):
        idempotency.forget_expired()
        Api(alice)
        assert IdempotencyKey.objects.count() == 1
    # Not swept yet, and still taken over
    IdempotencyKey.objects.update(created_at=start - timedelta(hours=25))
    response = create(alice, title="Another day")
    assert response.status_code == 201
    assert "Idempotency-Replayed" not in response
    assert create(alice, title="Another day").json() == response.json()


def test_the_sweep_forgets_what_has_had_its_day(alice: User) -> None:
    create(alice)
    IdempotencyKey.objects.update(created_at=clock.now() - timedelta(hours=24, seconds=1))
    create(alice, key="young")
    assert idempotency.forget_expired() == 1
    assert IdempotencyKey.objects.get().key == "young"


@pytest.mark.django_db(transaction=True)
class TestAtTheSameTime:
    """Real transactions, so that one really waits for the other."""

    def test_one_does_it_and_all_get_its_answer(self) -> None:
        alice = make_person("alice")
        answers = together(*[lambda: create(alice)] * 5)
        assert Note.objects.count() == 1
        assert {answer.status_code for answer in answers} == {201}
        assert len({answer.content for answer in answers}) == 1
        assert sum("Idempotency-Replayed" in answer for answer in answers) == 4

    def test_when_the_first_fails_the_next_takes_its_place(self, monkeypatch: pytest.MonkeyPatch) -> None:
        alice = make_person("alice")
        first_is_in, lock = threading.Event(), threading.Lock()
        real, calls = services.create_note, []

        def fail_once(**values: Any) -> Note:
            with lock:
                calls.append(1)
                is_first = len(calls) == 1
            if is_first:
                first_is_in.wait(timeout=2)
                raise ZeroDivisionError
            return real(**values)

        monkeypatch.setattr(services, "create_note", fail_once)
        answers = together(lambda: create(alice), lambda: (first_is_in.set(), create(alice))[1])
        assert sorted(answer.status_code for answer in answers) == [201, 500]
        assert Note.objects.count() == 1

    def test_whoever_waits_too_long_is_told_to_come_back(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(idempotency, "LONGEST_WAIT", timedelta(milliseconds=100))
        alice = make_person("alice")
        held, release = threading.Event(), threading.Event()

        def hold() -> None:
            with transaction.atomic():
                IdempotencyKey.objects.create(person_id=alice.pk, key=KEY, fingerprint=b"")
                held.set()
                release.wait(timeout=60)
                transaction.set_rollback(True)
            connection.close()

        holder = threading.Thread(target=hold)
        holder.start()
        held.wait(timeout=60)
        response = create(alice)
        release.set()
        holder.join()
        assert response.status_code == 409
        assert response["Retry-After"] == "2"
        assert_problem(response, "conflict")
        assert create(alice).status_code == 201


def together(*requests: Callable[[], HttpResponse]) -> list[HttpResponse]:
    answers: list[HttpResponse] = []

    def ask(request: Callable[[], HttpResponse]) -> None:
        try:
            answers.append(request())
        finally:
            connection.close()

    threads = [threading.Thread(target=ask, args=(request,)) for request in requests]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers
