"""/v1/audit-events: a workspace's log for those of its roles that read it, everything for operators;
/v1/me/audit-events: what concerns whoever asks. Both as a list, one by one, and as an export."""

import csv
import io
import json
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import User
from apps.audit.models import AuditEvent
from apps.audit.services import record
from apps.core import clock
from apps.tenants.models import Membership, Tenant
from apps.tenants.roles import Role
from tests.access.tokens import TokenApi, make_token
from tests.contracts.api import ReadContract, assert_problem
from tests.people import Api
from tests.tenants.world import join, member


def write(actor: Any, verb: str = "account.signed_in", target: Any = None) -> AuditEvent:
    with transaction.atomic():
        return record(actor=actor, verb=verb, target=target or actor)


class TestPersonalEventsApi(ReadContract):
    """Alice did it, to bob."""

    url = "/v1/me/audit-events"
    model = AuditEvent
    narrowing = {"verb": "account.signed_out"}

    def make(self, alice: User, bob: User, count: int = 1) -> list[AuditEvent]:
        verbs = ("person.changed", "account.signed_out")
        return [write(alice, verbs[number % 2], bob) for number in range(count)]


class TestTenantEventsApi(ReadContract):
    """Alice owns the workspace; bob is made one who may read its log."""

    url = "/v1/audit-events"
    model = AuditEvent
    narrowing = {"verb": "sign-ins"}

    @pytest.fixture(autouse=True)
    def _two_workspaces(self, tidewater: Tenant, hanbit: Tenant, bob: User) -> None:
        Membership.objects.filter(person=bob).update(role=Role.GATEWAY_OWNER)
        self.tenant = tidewater

    def make(self, alice: User, bob: User, count: int = 1) -> list[AuditEvent]:
        actor, verbs = member(alice, self.tenant), ("person.changed", "account.signed_out")
        return [write(actor, verbs[number % 2], bob) for number in range(count)]


@pytest.fixture
def in_both(alice: User, charlie: User, tidewater: Tenant, hanbit: Tenant) -> tuple[AuditEvent, AuditEvent]:
    return write(member(alice, tidewater), target=alice), write(member(charlie, hanbit), target=charlie)


def ids(person: User, path: str = "/v1/audit-events", query: dict[str, str] | None = None, **headers: str) -> list[str]:
    response = Api(person).get(path, query, **headers)
    assert response.status_code == 200, response.content
    return [item["id"] for item in response.json()["items"]]


def test_a_workspaces_log_is_for_the_roles_that_may_read_it(
    alice: User, bob: User, charlie: User, in_both: tuple[AuditEvent, AuditEvent]
) -> None:
    tidewaters, hanbits = in_both
    assert ids(alice) == [tidewaters.pk]
    assert ids(charlie) == [hanbits.pk]
    document = assert_problem(Api(bob).get("/v1/audit-events"), "not-allowed")
    assert (document["roles"], document["own_role"]) == (["owner", "admin", "gateway-owner"], "viewer")
    assert_problem(Api(alice).get(f"/v1/audit-events/{hanbits.pk}"), "not-found")
    assert_problem(Api(alice).get("/v1/audit-events", imp_tenant="hanbit"), "not-found")


def test_operators_read_everything_or_the_workspace_that_they_name(
    operator: User, in_both: tuple[AuditEvent, AuditEvent], bob: User
) -> None:
    tidewaters, hanbits = in_both
    personal = write(bob)
    assert ids(operator) == [personal.pk, hanbits.pk, tidewaters.pk]
    assert ids(operator, imp_tenant="tidewater") == [tidewaters.pk]
    assert ids(operator, imp_tenant=hanbits.tenant_id) == [hanbits.pk]
    assert_problem(Api(operator).get("/v1/audit-events", imp_tenant="nowhere"), "not-found")


def test_somebody_in_several_workspaces_says_which(
    alice: User, hanbit: Tenant, in_both: tuple[AuditEvent, AuditEvent]
) -> None:
    join(alice, hanbit, Role.ADMIN)
    assert_problem(Api(alice).get("/v1/audit-events"), "choose-tenant")
    assert ids(alice, imp_tenant="hanbit") == [in_both[1].pk]


def test_a_person_reads_what_they_did_where_they_still_are(
    alice: User, tidewater: Tenant, in_both: tuple[AuditEvent, AuditEvent]
) -> None:
    personal = write(alice)
    assert ids(alice, "/v1/me/audit-events") == [personal.pk, in_both[0].pk]
    Membership.objects.filter(person=alice).delete()
    assert ids(alice, "/v1/me/audit-events") == [personal.pk]


def test_it_is_found_by_actor_verb_target_and_time(operator: User, alice: User, bob: User) -> None:
    first, second = write(alice, "person.changed", bob), write(bob)

    def found(**query: str) -> list[str]:
        return ids(operator, query=query)

    assert found(actor=alice.pk) == [first.pk]
    assert found(actor="operators") == []
    assert found(verb="account.signed_in") == [second.pk]
    assert found(verb="accounts") == [first.pk]
    assert found(target=bob.pk, target_type="user") == [second.pk, first.pk]
    assert found(since=(clock.now() - timedelta(hours=1)).isoformat()) == [second.pk, first.pk]
    assert found(until=(clock.now() - timedelta(hours=1)).isoformat()) == []
    by_operator = write(operator, "person.changed", bob)
    assert found(actor="operators") == [by_operator.pk]


@pytest.mark.parametrize("method", ["post", "patch", "delete"])
def test_nobody_writes_it(operator: User, method: str) -> None:
    event = write(operator)
    path = "/v1/audit-events" + ("" if method == "post" else f"/{event.pk}")
    assert_problem(getattr(Api(operator), method)(path), "method-not-allowed")


# --- The export ------------------------------------------------------------------------------------


def exported(person: User, query: dict[str, str], path: str = "/v1/audit-events/export") -> str:
    response = Api(person).get(path, query)
    assert response.status_code == 200, response
    assert "attachment" in response["Content-Disposition"]
    return b"".join(response.streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]


def test_an_export_holds_what_the_list_holds(alice: User, in_both: tuple[AuditEvent, AuditEvent]) -> None:
    tidewaters, _hanbits = in_both
    lines = [json.loads(line) for line in exported(alice, {"format": "jsonl"}).splitlines()]
    (item,) = Api(alice).get("/v1/audit-events").json()["items"]
    assert [line["id"] for line in lines] == [tidewaters.pk]
    assert set(lines[0]) == set(item)
    assert lines[0]["tenant_id"] == tidewaters.tenant_id
    rows = list(csv.reader(io.StringIO(exported(alice, {"format": "csv"}))))
    assert rows[0] == list(item)
    assert [row[0] for row in rows[1:]] == [tidewaters.pk]


def test_an_export_keeps_to_the_filters_and_the_order(operator: User, alice: User, bob: User) -> None:
    events = [write(alice), write(bob, "person.changed", alice), write(bob)]
    text = exported(operator, {"format": "jsonl", "verb": "sign-ins", "sort": "at"})
    assert [json.loads(line)["id"] for line in text.splitlines()] == [events[0].pk, events[2].pk]
    mine = exported(alice, {"format": "jsonl"}, "/v1/me/audit-events/export")
    assert [json.loads(line)["id"] for line in mine.splitlines()] == [events[1].pk, events[0].pk]


def test_an_export_reads_inside_the_workspaces_wall(alice: User, in_both: tuple[AuditEvent, AuditEvent]) -> None:
    """The rows are sent after the view and its transaction are over."""
    response = Api(alice).get("/v1/audit-events/export", {"format": "jsonl"})
    with CaptureQueriesContext(connection) as asked:
        b"".join(response.streaming_content)  # type: ignore[attr-defined]
    assert any("imp.tenant_id" in query["sql"] and in_both[0].tenant_id in query["sql"] for query in asked)


def test_an_export_says_what_it_can_not_do(alice: User, bob: User, tidewater: Tenant) -> None:
    path = "/v1/audit-events/export"
    for query, wrong in (({}, "?format"), ({"format": "xls"}, "?format"), ({"format": "csv", "limit": "3"}, "?limit")):
        document = assert_problem(Api(alice).get(path, query), "invalid-input")
        assert [error["path"] for error in document["errors"]] == [wrong]
    assert_problem(Api(bob).get(path, {"format": "csv"}), "not-allowed")
    assert_problem(Api().get(path, {"format": "csv"}), "not-signed-in")


# --- By token --------------------------------------------------------------------------------------


def test_a_token_reads_what_its_scope_and_its_workspace_allow(
    alice: User, in_both: tuple[AuditEvent, AuditEvent], tidewater: Tenant
) -> None:
    reads = TokenApi(make_token(alice, "workspace:read", tenant=tidewater))
    items = reads.get("/v1/audit-events").json()["items"]
    assert in_both[0].pk in [item["id"] for item in items]
    assert {item["tenant_id"] for item in items} == {tidewater.pk}
    document = assert_problem(TokenApi(make_token(alice, "functions:read")).get("/v1/audit-events"), "token-too-narrow")
    assert document["scope"] == "workspace:read"


def test_an_operators_token_reads_no_further_than_it_says(
    operator: User, in_both: tuple[AuditEvent, AuditEvent], tidewater: Tenant
) -> None:
    tidewaters, hanbits = in_both
    join(operator, tidewater, Role.VIEWER)
    wide = TokenApi(make_token(operator, "workspace:read"))
    assert {item["id"] for item in wide.get("/v1/audit-events").json()["items"]} >= {tidewaters.pk, hanbits.pk}
    bound = TokenApi(make_token(operator, "workspace:read", tenant=tidewater))
    assert {item["tenant_id"] for item in bound.get("/v1/audit-events").json()["items"]} == {tidewater.pk}
    assert_problem(bound.get("/v1/audit-events", imp_tenant="hanbit"), "not-found")
    narrow = TokenApi(make_token(operator, "account:read"))
    assert_problem(narrow.get("/v1/audit-events"), "token-too-narrow")
    assert_problem(narrow.get("/v1/audit-events", imp_tenant="hanbit"), "token-too-narrow")
