"""A run over HTTP, by the API as by the page: while the function is at work, nothing of the database is held for it."""

import json
import socket
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from django.test import Client

from apps.accounts.models import User
from apps.audit.models import AuditEvent
from apps.core.notify import parameters
from apps.functions.calling import services
from apps.functions.calling.limits import CALLS_AT_ONCE
from apps.functions.models import Call, Function
from apps.gateways.models import FunctionGateway
from tests.functions.peer import OK, peer
from tests.functions.test_calling import at, cluster, function, gateway  # noqa: F401 (fixtures)
from tests.people import Api

pytestmark = pytest.mark.django_db(transaction=True)
HELD = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in transaction%%'"
Run = Callable[[], Any]


@pytest.fixture
def held() -> list[int]:
    """How many transactions were open while the function was at work, call by call."""
    return []


@pytest.fixture(autouse=True)
def at_work(gateway: FunctionGateway, held: list[int]) -> Iterator[list[bytes]]:  # noqa: F811
    def answer(line: socket.socket) -> None:
        with psycopg.connect(**parameters()) as connection:
            held.append(connection.execute(HELD).fetchall()[0][0])
        OK(line)

    with peer(answer) as (port, asked):
        at(gateway, port)
        yield asked


def url_of(function: Function) -> str:  # noqa: F811
    return f"/v1/api-gateways/{function.gateway_id}/functions/{function.pk}/run"


def by_page(client: Client, function: Function) -> Any:  # noqa: F811
    path = f"/t/tidewater/gateways/{function.gateway_id}/functions/{function.pk}/run"
    return client.post(path, json.dumps({"path": "/user/me"}), content_type="application/json")


def test_by_the_api(alice: User, function: Function, held: list[int]) -> None:  # noqa: F811
    answer = Api(alice).post(url_of(function), {})
    assert (answer.status_code, answer.json()["status"]) == (200, 200), answer.content
    assert held == [0]
    call = Call.objects.get()
    assert (answer.json()["id"], answer.json()["request_id"]) == (call.pk, call.request_id)
    assert AuditEvent.objects.get(verb="function.called").after["status"] == 200


def test_by_the_page(alice: User, function: Function, held: list[int]) -> None:  # noqa: F811
    client = Client()
    client.force_login(alice)
    answer = by_page(client, function)
    assert answer.status_code == 200, answer.content
    assert b"sum" in answer.content
    assert held == [0]
    assert Call.objects.get().answer["status"] == 200
    assert AuditEvent.objects.filter(verb="function.called").count() == 1


def test_sent_again_under_its_key_it_is_answered_as_before_and_not_called(
    alice: User,
    function: Function,  # noqa: F811
    at_work: list[bytes],
) -> None:
    first, second = (Api(alice).post(url_of(function), {}, idempotency_key="k-1") for _ in range(2))
    assert (first.status_code, first.content) == (200, second.content)
    assert second["Idempotency-Replayed"] == "true"
    assert len(at_work) == 1


def test_what_was_not_called_may_be_asked_for_again_under_its_key(
    alice: User,
    function: Function,  # noqa: F811
    at_work: list[bytes],
) -> None:
    places = [services._places.acquire(blocking=False) for _ in range(CALLS_AT_ONCE)]
    try:
        answer = Api(alice).post(url_of(function), {}, idempotency_key="k-1")
    finally:
        for _ in places:
            services._places.release()
    assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (429, "too-many-runs")
    assert Api(alice).post(url_of(function), {}, idempotency_key="k-1").json()["status"] == 200
    assert len(at_work) == 1


def test_what_keeps_it_from_being_called_is_told_on_the_page(
    alice: User,
    function: Function,  # noqa: F811
    gateway: FunctionGateway,  # noqa: F811
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        at(gateway, closed.getsockname()[1])
    client = Client()
    client.force_login(alice)
    assert by_page(client, function).status_code == 503
    assert not Call.objects.exists()


def test_whatever_nobody_foresaw_it_is_said_that_it_was_begun(
    alice: User,
    function: Function,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("something nobody thought of")

    monkeypatch.setattr(services, "invoke", broken)
    answer = Api(alice).post(url_of(function), {})
    assert (answer.status_code, answer.json()["status"], answer.json()["error"]) == (200, 0, "no-answer")
    assert answer.json()["request_id"].startswith("req_")
