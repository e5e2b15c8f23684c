"""/v1/audit-events: operators read all of it, others what is theirs."""

from datetime import timedelta

import pytest
from django.db import transaction

from apps.accounts.models import User
from apps.audit.models import AuditEvent
from apps.audit.services import record
from apps.core import clock
from tests.contracts.api import ReadContract, assert_problem
from tests.people import Api


def write(actor: User, verb: str = "account.signed_in", target: User | None = None) -> AuditEvent:
    with transaction.atomic():
        return record(actor=actor, verb=verb, target=target or actor)


class TestAuditEventsApi(ReadContract):
    """Alice did it, to bob."""

    url = "/v1/audit-events"
    model = AuditEvent
    narrowing = {"verb": "account.signed_out"}

    def make(self, alice: User, bob: User, count: int = 1) -> list[AuditEvent]:
        verbs = ("person.changed", "account.signed_out")
        return [write(alice, verbs[number % 2], bob) for number in range(count)]


def ids(person: User, **query: str) -> list[str]:
    response = Api(person).get("/v1/audit-events", query)
    assert response.status_code == 200, response.content
    return [item["id"] for item in response.json()["items"]]


def test_operators_read_everything(operator: User, alice: User, bob: User) -> None:
    events = [write(alice), write(bob)]
    assert ids(operator) == [event.pk for event in reversed(events)]
    assert ids(alice) == [events[0].pk]


def test_it_is_found_by_actor_verb_target_and_time(operator: User, alice: User, bob: User) -> None:
    first, second = write(alice, "person.changed", bob), write(bob)
    assert ids(operator, actor=alice.pk) == [first.pk]
    assert ids(operator, verb="account.signed_in") == [second.pk]
    assert ids(operator, target=bob.pk, target_type="user") == [second.pk, first.pk]
    assert ids(operator, since=(clock.now() - timedelta(hours=1)).isoformat()) == [second.pk, first.pk]
    assert ids(operator, until=(clock.now() - timedelta(hours=1)).isoformat()) == []


@pytest.mark.parametrize("method", ["post", "patch", "delete"])
def test_nobody_writes_it(operator: User, method: str) -> None:
    event = write(operator)
    path = "/v1/audit-events" + ("" if method == "post" else f"/{event.pk}")
    assert_problem(getattr(Api(operator), method)(path), "method-not-allowed")
