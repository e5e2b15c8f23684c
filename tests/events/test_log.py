"""The log of events: what is kept, and that reading it uses its indexes."""

from datetime import timedelta

import pytest
from django.db import connection
from django.db.models.functions import Now

from apps.core.events import publish
from apps.core.events.log import _BETWEEN, REPLAY, RETENTION, _parameters, read_between
from apps.core.events.models import Event
from apps.core.events.position import Position
from apps.core.events.sweeps import forget_old_events
from apps.core.queue.sweeper import registry

pytestmark = pytest.mark.django_db(transaction=True)


def here() -> Position:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_current_snapshot()::text, extract(epoch FROM clock_timestamp())::bigint,"
            " (SELECT coalesce(max(id), 0) FROM core_event)"
        )
        snapshot, at, last_id = cursor.fetchone()
    return Position.from_snapshot(at=at, last_id=last_id, snapshot=snapshot)


def test_a_position_survives_its_journey():
    for position in (Position(1, 2, 3, ()), Position(1_763_700_000, 2**62, 2**63 - 1, (5, 7, 9)), here()):
        assert Position.parse(str(position)) == position


def test_between_two_positions_is_what_was_committed_between_them():
    publish("note:n1", "saved", "before")
    since = here()
    publish("note:n1", "saved", "between")
    publish("note:n2", "saved", "elsewhere")
    until = here()
    publish("note:n1", "saved", "after")
    found = read_between(since, until, ["note:n1"])
    assert found is not None
    assert [entry.ref for entry in found] == ["between"]
    assert read_between(until, until, ["note:n1"]) == []
    assert read_between(here(), since, ["note:n1"]) is None


def test_the_sweep_forgets_what_nobody_can_ask_for_any_more():
    publish("note:n1", "saved", "old")
    publish("note:n1", "saved", "young")
    Event.objects.filter(ref="old").update(created_at=Now() - RETENTION - timedelta(seconds=1))
    Event.objects.filter(ref="young").update(created_at=Now() - RETENTION + timedelta(seconds=30))
    forget_old_events()
    assert [event.ref for event in Event.objects.all()] == ["young"]
    assert RETENTION > REPLAY
    assert any(each.function is forget_old_events for each in registry.values())


def test_reading_doesnt_walk_through_the_whole_log():
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO core_event (topic, kind, ref)"
            " SELECT 'note:' || n % 100, 'saved', n FROM generate_series(1, 50000) AS n"
        )
        cursor.execute("ANALYZE core_event")
        since = here()
        publish("note:1", "saved")
        until = here()
        parameters = {
            **_parameters(since),
            "topics": ["note:1"],
            "tenants": ["ten_1"],
            "everywhere": False,
            "until_id": until.last_id,
            "until_transaction": str(until.next_transaction),
            "until_running": [],
            "limit": 501,
        }
        cursor.execute("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) " + _BETWEEN, parameters)
        ((plan,),) = cursor.fetchone()
    assert "Seq Scan" not in str(plan)
    read = sum(plan["Plan"][f"Shared {how} Blocks"] for how in ("Hit", "Read"))
    assert 0 < read < 50, f"{read} pages of the log were read for one event"
