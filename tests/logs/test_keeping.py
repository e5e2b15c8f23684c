"""Days are made ahead and dropped whole; what has no day is put where it belongs; too much goes from the old end."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg
import pytest

from apps.accounts.models import User
from apps.gateways.store import connect
from apps.logs import keeping, sweeps
from apps.logs.keeping import Kept, keep
from apps.logs.models import LogRetention
from apps.tenants.models import Tenant
from tests.gateways.contract import some_gateway
from tests.logs.world import Written, gateway_row

pytestmark = pytest.mark.django_db


def today() -> date:
    return datetime.now(UTC).date()


def noon(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 12, tzinfo=UTC)


def ago(days: int) -> date:
    return today() - timedelta(days=days)


@pytest.fixture
def log(written: Written) -> Iterator[Written]:
    yield written
    with connect(written.gateway_id) as connection:
        for name, _ in connection.execute(keeping.PARTITIONS).fetchall():
            if name != keeping.REST:
                connection.execute(f"DROP TABLE imp.{name}")
        connection.execute("SELECT imp.make_log_days(%s, %s)", [today(), today() + timedelta(days=3)])


def kept(log: Written, *, days: int = 7, megabytes: int = 512, on: date | None = None) -> Kept:
    with connect(log.gateway_id) as connection:
        return keep(connection, today=on or today(), days=days, megabytes=megabytes)


def ask(log: Written, query: str) -> list[tuple[Any, ...]]:
    with connect(log.gateway_id) as connection:
        return connection.execute(query).fetchall()


def partitions(log: Written) -> set[str]:
    return {name for name, _ in ask(log, keeping.PARTITIONS)}


def texts(log: Written) -> list[str]:
    return [text for (text,) in ask(log, "SELECT text FROM imp.logs ORDER BY at, id")]


def test_today_and_the_days_to_come_are_there_from_the_start(log: Written) -> None:
    assert partitions(log) >= {f"logs_{today() + timedelta(days=number):%Y%m%d}" for number in range(4)}
    log.line("now")
    assert ask(log, "SELECT relname FROM imp.logs JOIN pg_class ON pg_class.oid = logs.tableoid") == [
        (f"logs_{today():%Y%m%d}",)
    ]
    assert kept(log).made == 0
    assert kept(log, on=today() + timedelta(days=1)).made == 1


def test_what_has_no_day_is_moved_to_it_or_dropped_where_it_is_too_old(log: Written) -> None:
    log.lines([{"at": noon(ago(number)), "text": f"{number} days ago"} for number in (40, 7, 6, 2)])
    log.line("next year", at=noon(today() + timedelta(days=365)))
    assert len(ask(log, "SELECT 1 FROM imp.logs_rest")) == 5
    assert kept(log).made == 2
    assert texts(log) == ["6 days ago", "2 days ago"]
    assert ask(log, "SELECT 1 FROM imp.logs_rest") == []
    # Ids go on where they were, and lines that were moved are told to nobody as new
    log.line("now")
    assert len(set(ask(log, "SELECT id FROM imp.logs"))) == 3


def test_days_that_are_over_are_dropped(log: Written) -> None:
    log.lines([{"at": noon(ago(number)), "text": f"{number}"} for number in (0, 1, 2, 5)])
    assert kept(log).dropped == ()
    found = kept(log, days=2)
    assert sorted(found.dropped) == [ago(5), ago(2)]
    assert texts(log) == ["1", "0"]
    assert f"logs_{ago(2):%Y%m%d}" not in partitions(log)


def test_too_much_goes_from_the_old_end_and_of_today_the_older_lines(log: Written) -> None:
    long = "x" * 4_000
    log.lines([{"at": noon(ago(2)), "text": "older"}, {"at": noon(ago(1)), "text": long}])
    log.lines([{"text": f"{number:05} {long}"} for number in range(1_000)])
    # PostgreSQL compresses what repeats: measured is what it takes there
    size = kept(log).bytes
    assert size > 0
    most = max(1, size // keeping.MEGABYTE - 1) if size > 2 * keeping.MEGABYTE else 1
    found = kept(log, megabytes=most)
    if size > most * keeping.MEGABYTE:
        assert ago(2) in found.dropped
        assert found.bytes <= most * keeping.MEGABYTE
    assert texts(log)[-1].startswith("00999")


def test_a_flood_of_one_day_is_cut_to_the_newest_half_of_what_fits(
    log: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "MEGABYTE", 1024)
    log.lines([{"text": f"{number:04}"} for number in range(6_000)])
    before = kept(log, megabytes=1_000_000).bytes
    most = before // 1024 // 2
    found = kept(log, megabytes=most)
    assert found.cut == today()
    assert found.bytes <= most * 1024
    left = texts(log)
    assert left[-1] == "5999"
    assert 1_000 < len(left) < 3_000
    assert left == [f"{number:04}" for number in range(6_000 - len(left), 6_000)]
    # It's a partition as the others are: found by its indexes, written to, dropped
    log.line("after")
    assert texts(log)[-1] == "after"
    assert kept(log, megabytes=most).cut is None
    names = ask(log, f"SELECT indexname FROM pg_indexes WHERE tablename = 'logs_{today():%Y%m%d}'")
    assert len(names) == 4


def test_writers_wait_no_longer_than_a_moment_for_a_reader_that_blocks(
    log: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    log.line("old", at=noon(ago(3)))
    kept(log)
    monkeypatch.setattr(keeping, "LOCK_WITHIN_MS", 200)
    with connect(log.gateway_id) as reader:
        reader.execute("SELECT count(*) FROM imp.logs")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            kept(log, days=1)
        log.line("meanwhile")
    assert kept(log, days=1).dropped == (ago(3),)
    assert texts(log) == ["meanwhile"]


def test_the_sweep_keeps_each_as_its_gateway_says(
    log: Written, tidewater: Tenant, alice: User, gateway_id: str
) -> None:
    gateway = gateway_row(tidewater, alice, gateway_id)
    # One without a database beside it
    some_gateway(tidewater, alice)
    log.lines([{"at": noon(ago(number)), "text": f"{number}"} for number in (0, 3, 6, 9)])
    sweeps.keep_logs()
    assert texts(log) == ["6", "3", "0"]
    LogRetention.objects.create(tenant=tidewater, gateway=gateway, days=3)
    sweeps.keep_logs()
    assert texts(log) == ["0"]


def test_one_that_cannot_be_reached_keeps_no_other_from_it(
    log: Written, tidewater: Tenant, alice: User, gateway_id: str
) -> None:
    from apps.core.ids import new_id

    gateway_row(tidewater, alice, new_id("gw"))
    gateway_row(tidewater, alice, gateway_id)
    log.line("old", at=noon(ago(9)))
    sweeps.keep_logs()
    assert texts(log) == []
