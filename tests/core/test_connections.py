"""A connection is looked at before each request without asking the server, and a lost one is still noticed."""

from datetime import UTC, datetime

import psycopg
import pytest
from django.db import close_old_connections, connection

from apps.accounts.models import User
from apps.core.database import base

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _as_in_production():
    """The test client lets connections live on without a look; a server begins each request with one."""
    assert connection.settings_dict["CONN_HEALTH_CHECKS"]
    yield
    connection.close()


def pid() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return cursor.fetchone()[0]


def from_elsewhere(statement, *parameters):
    with psycopg.connect(**connection.get_connection_params() | {"cursor_factory": psycopg.Cursor}) as other:
        return other.execute(statement, parameters).fetchone()


def last_statement() -> int:
    """What the server was last asked over our connection."""
    return from_elsewhere("SELECT query FROM pg_stat_activity WHERE pid = %s", connection.connection.info.backend_pid)


def test_a_connection_stays_and_nothing_is_asked_to_find_that_out():
    first = pid()
    close_old_connections()
    connection.close_if_health_check_failed()
    assert last_statement() == ("SELECT pg_backend_pid()",)
    assert pid() == first


def test_an_ended_connection_is_replaced_before_the_next_request():
    first = pid()
    assert from_elsewhere("SELECT pg_terminate_backend(%s, 5000)", first) == (True,)
    close_old_connections()
    assert pid() != first


def test_after_a_long_rest_the_server_is_asked(monkeypatch):
    first = pid()
    monkeypatch.setattr(base, "LONGEST_REST", 0.0)
    close_old_connections()
    connection.close_if_health_check_failed()
    assert last_statement() == ("SELECT 1",)
    assert pid() == first


def test_after_an_error_the_server_is_asked():
    pid()
    connection.errors_occurred = True
    close_old_connections()
    assert last_statement() == ("SELECT 1",)


def test_a_notice_that_waits_on_the_socket_ends_nothing():
    first = pid()
    with connection.cursor() as cursor:
        cursor.execute("LISTEN imp_test_connections")
    from_elsewhere("SELECT pg_notify('imp_test_connections', 'x'), 1")
    close_old_connections()
    assert pid() == first


def test_times_are_read_in_utc():
    with connection.cursor() as cursor:
        cursor.execute("SELECT timestamptz '2026-07-01 21:30:00.000123+09', NULL::timestamptz")
        (row,) = cursor.fetchall()
    assert row == (datetime(2026, 7, 1, 12, 30, 0, 123, tzinfo=UTC), None)
    assert row[0].tzinfo is UTC


def test_rows_can_be_read_in_pieces():
    now = datetime(2026, 7, 1, tzinfo=UTC)
    User.objects.bulk_create(User(email=f"{number}@tidewater.example", created_at=now) for number in range(7))
    found = User.objects.values_list("created_at", flat=True).iterator(chunk_size=2)
    assert [*found] == [now] * 7
