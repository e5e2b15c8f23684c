"""The filters that page and API share, and that lists stay on their indexes."""

from datetime import timedelta
from urllib.parse import urlencode

import pytest
import time_machine
from django.db import connection
from django.http import QueryDict

from apps.audit.filters import AuditEventFilter, AuditPageFilter
from apps.audit.models import AuditEvent
from apps.audit.selectors import ORDER, list_events
from apps.audit.services import record
from apps.core import clock, context

pytestmark = pytest.mark.django_db


@pytest.fixture
def events(alice, bob):
    with time_machine.travel("2027-01-01T12:00:00Z", tick=False) as travel:
        with context.bound(request_id="req_1", address="203.0.113.24"):
            first = record(actor=alice, verb="account.signed_in", target=alice)
        travel.shift(timedelta(hours=1))
        with context.bound(request_id="req_2", address="198.51.100.7"):
            second = record(actor=bob, verb="person.changed", target=alice)
    return first, second


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, [1, 0]),
        ({"verb": "person.changed"}, [1]),
        ([("verb", "person.changed"), ("verb", "account.signed_in")], [1, 0]),
        ({"request": "req_1"}, [0]),
        ({"target_type": "user"}, [1, 0]),
        ({"since": "2027-01-01T13:00:00Z"}, [1]),
        ({"until": "2027-01-01T13:00:00Z"}, [0]),
        ({"q": "ALI"}, [1, 0]),
        ({"q": "bo"}, [1]),
        ({"q": "198.51.100.7"}, [1]),
        ({"q": "req_1"}, [0]),
        ({"q": "req"}, []),
        ({"q": "  "}, [1, 0]),
        ({"q": "%"}, []),
    ],
)
def test_each_filter_finds_its_entries(events, operator, query, found):
    filters = AuditEventFilter(QueryDict(urlencode(query)), list_events(actor=operator))
    assert filters.is_valid()
    assert list(filters.qs) == [events[index] for index in found]


def test_by_person_and_by_object(events, operator, alice, bob):
    everything = list_events(actor=operator)
    assert list(AuditEventFilter({"actor": bob.pk}, everything).qs) == [events[1]]
    assert list(AuditEventFilter({"target": alice.pk}, everything).qs) == [events[1], events[0]]
    assert list(AuditEventFilter({"q": events[0].pk}, everything).qs) == [events[0]]


@pytest.mark.parametrize("query", [{"since": "yesterday"}, {"verb": "no.such_verb"}])
def test_a_filter_that_cannot_be_read_is_refused(query, db):
    assert not AuditEventFilter(query, AuditEvent.objects.all()).is_valid()


@pytest.mark.parametrize("name", ["actor", "target"])
def test_what_no_column_takes_is_no_choice(name, events, operator):
    for value in ("\0", f"usr_1\0{operator.pk}"):
        filters = AuditPageFilter(QueryDict(urlencode({name: value})), queryset=list_events(actor=operator))
        assert not filters.is_valid()


@pytest.fixture
def many(db) -> None:
    """50,000 events of 50 people over a year, made in the database."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO audit_auditevent (id, at, actor_id, actor_label, verb, target_type, target_id, target_label,"
            " request_id, task_id, address, tenant_id)"
            " SELECT 'evt_' || lpad(n::text, 26, '0'), %s - n * interval '10 minutes', 'usr_' || n %% 50, 'Someone',"
            " CASE WHEN n %% 1000 = 0 THEN 'person.changed' ELSE 'account.signed_in' END, 'user', 'usr_' || n %% 500,"
            " 'Someone', 'req_' || n, '', '203.0.113.24', 'ten_' || n %% 20 FROM generate_series(1, 50000) n",
            [clock.now()],
        )
        cursor.execute("ANALYZE audit_auditevent")


@pytest.mark.parametrize(
    "narrowed",
    [
        {},
        {"actor_id": "usr_7"},
        {"verb": "person.changed"},
        {"target_type": "user", "target_id": "usr_77"},
        {"request_id": "req_777"},
        {"tenant_id": "ten_7"},
    ],
)
def test_a_page_far_down_a_long_list_reads_little_more_than_its_own_rows(many, narrowed):
    pivot = AuditEvent.objects.filter(**narrowed).order_by(*ORDER)[20:21].first() or AuditEvent.objects.get(**narrowed)
    page = AuditEvent.objects.filter(**narrowed, at__lte=pivot.at).order_by(*ORDER)[:50]
    plan = page.explain(analyze=True, buffers=True, format="text")
    assert "Seq Scan" not in plan, plan
    assert "Sort" not in plan or "request" in str(narrowed), plan
