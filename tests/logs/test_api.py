"""`/v1/api-gateways/{id}/logs`, of a function, and how long it's kept."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from apps.accounts.models import User
from apps.gateways.models import FunctionGateway
from apps.tenants.models import Tenant
from tests.access.tokens import TokenApi, make_token
from tests.contracts.api import assert_problem
from tests.functions.contract import some_function
from tests.gateways.contract import some_gateway
from tests.logs.world import Written, gateway_row
from tests.people import Api
from tests.tenants.world import member

pytestmark = pytest.mark.django_db


@pytest.fixture
def gateway(tidewater: Tenant, hanbit: Tenant, alice: User, gateway_id: str) -> FunctionGateway:
    return gateway_row(tidewater, alice, gateway_id)


def url_of(gateway: FunctionGateway, below: str = "/logs") -> str:
    return f"/v1/api-gateways/{gateway.pk}{below}"


def texts(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.content
    return [line["text"] for line in answer.json()["items"]]


def test_lines_come_the_newest_first_in_pages(gateway: FunctionGateway, written: Written, bob: User) -> None:
    written.lines([{"text": str(number)} for number in range(7)])
    first = Api(bob).get(url_of(gateway), {"limit": 3})
    assert texts(first) == ["6", "5", "4"]
    assert first.json()["previous_cursor"] is None
    second = Api(bob).get(url_of(gateway), {"limit": 3, "cursor": first.json()["next_cursor"]})
    assert texts(second) == ["3", "2", "1"]
    assert 'rel="next"' in second["Link"]
    assert 'rel="prev"' in second["Link"]
    back = Api(bob).get(url_of(gateway), {"limit": 3, "cursor": second.json()["previous_cursor"]})
    assert texts(back) == ["6", "5", "4"]


def test_a_line_as_it_was_written(gateway: FunctionGateway, written: Written, alice: User) -> None:
    written.line(
        "boom", level="error", request_id="req_1", fields={"stack": "Error", "zone": "KR"}, function="user/:id"
    )
    (line,) = Api(alice).get(url_of(gateway), {"request_id": "req_1"}).json()["items"]
    assert line.pop("id").isdigit()
    assert line.pop("at").endswith("Z")
    assert line == {
        "stage": "dev",
        "function": "user/:id",
        "version": 3,
        "request_id": "req_1",
        "level": "error",
        "source": "console",
        "text": "boom",
        "fields": {"stack": "Error", "zone": "KR"},
    }


def test_of_one_function_in_one_stage(gateway: FunctionGateway, written: Written, alice: User) -> None:
    some_function(member(alice, gateway.tenant), gateway, "dev/user/:id")
    written.lines(
        [
            {"text": "of it", "function": "user/:id"},
            {"text": "in prod", "function": "user/:id", "stage": "prod"},
            {"text": "of another"},
        ]
    )
    assert texts(Api(alice).get(url_of(gateway, "/functions/dev%2Fuser%2F:id/logs"))) == ["of it"]
    assert_problem(Api(alice).get(url_of(gateway, "/functions/qa%2Fuser/logs")), "not-found")
    assert_problem(Api(alice).get(url_of(gateway, "/functions/dev%2Ftrack/logs"), {"stage": "prod"}), "invalid-input")


@pytest.mark.parametrize(
    ("query", "path"),
    [
        ({"stage": "qa"}, "?stage"),
        ({"since": "noon"}, "?since"),
        ({"nothing": "1"}, "?nothing"),
        ({"limit": "201"}, "?limit"),
        ({"cursor": "x.y"}, "?cursor"),
        ({"follow": "yes"}, "?follow"),
        ({"follow": "1", "until": "2026-11-22T00:00:00Z"}, "?until"),
        ({"follow": "1", "cursor": "x"}, "?cursor"),
    ],
)
def test_a_parameter_that_cannot_be_meant_is_named(
    query: dict[str, str], path: str, gateway: FunctionGateway, written: Written, alice: User
) -> None:
    document = assert_problem(Api(alice).get(url_of(gateway), query), "invalid-input")
    assert document["errors"][0]["path"] == path


def test_who_follows_is_sent_on_with_a_ticket_instead_of_the_token(
    gateway: FunctionGateway, alice: User, settings: Any
) -> None:
    settings.LIVE_PORT = 8123
    token = make_token(alice, "functions:read", "gateways:read")
    secret = token.secret.reveal()
    answer = TokenApi(secret).get(f"{url_of(gateway)}?follow=1&level=warn,error")
    assert answer.status_code == 307
    where = urlsplit(answer["Location"])
    query = parse_qs(where.query)
    assert (where.port, where.path) == (8123, "/live/logs")
    assert query.pop("ticket")
    assert secret not in answer["Location"]
    assert query == {"gateway": [gateway.pk], "level": ["warn,error"]}
    some_function(member(alice, gateway.tenant), gateway, "dev/track")
    of_one = TokenApi(secret).get(url_of(gateway, "/functions/dev%2Ftrack/logs?follow=1"))
    query = parse_qs(urlsplit(of_one["Location"]).query)
    assert (query["stage"], query["function"]) == (["dev"], ["track"])
    # A session's cookie goes along by itself
    assert "ticket" not in Api(alice).get(url_of(gateway), {"follow": "1"})["Location"]


def test_walls_and_scopes(gateway: FunctionGateway, written: Written, alice: User, charlie: User) -> None:
    written.line("ours")
    some_function(member(alice, gateway.tenant), gateway, "dev/track")
    for path in (url_of(gateway), url_of(gateway, "/logs/retention"), url_of(gateway, "/functions/dev%2Ftrack/logs")):
        assert_problem(Api(charlie).get(path), "not-found")
        assert_problem(Api().get(path), "not-signed-in")
        narrow = make_token(alice, "gateways:read")
        assert_problem(TokenApi(narrow.secret.reveal()).get(path), "token-too-narrow")
    assert_problem(Api(charlie).get(url_of(gateway), {"follow": "1"}), "not-found")


def test_without_its_database_it_says_so(tidewater: Tenant, alice: User) -> None:
    assert_problem(Api(alice).get(url_of(some_gateway(tidewater, alice))), "gateway-database-away")


def test_how_long_it_is_kept(gateway: FunctionGateway, alice: User, bob: User) -> None:
    path = url_of(gateway, "/logs/retention")
    answer = Api(bob).get(path)
    assert answer.json() == {"days": 7, "megabytes": 512}
    assert_problem(Api(alice).patch(path, {"days": 30}), "version-required")
    assert_problem(Api(bob).patch(path, {"days": 30}, if_match=answer["ETag"]), "not-allowed")
    assert_problem(Api(alice).patch(path, {"days": 0}, if_match=answer["ETag"]), "invalid-input")
    assert_problem(Api(alice).patch(path, {"days": "30"}, if_match=answer["ETag"]), "invalid-input")
    changed = Api(alice).patch(path, {"days": 30}, if_match=answer["ETag"])
    assert changed.json() == {"days": 30, "megabytes": 512}
    assert_problem(Api(alice).patch(path, {"days": 3}, if_match=answer["ETag"]), "stale-version")
    assert Api(alice).patch(path, {"megabytes": 64}, if_match=changed["ETag"]).json() == {"days": 30, "megabytes": 64}
