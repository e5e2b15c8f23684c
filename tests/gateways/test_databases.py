"""Each gateway's role reaches its own database and no other: tried with real connections."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import psycopg
import pytest
from django.db import connection
from psycopg import errors
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from apps.core.doctor.findings import Level
from apps.gateways import databases
from apps.gateways.doctor import check_gateway_databases, findings_of
from tests.gateways.world import drop_for_good
from tests.queue.cluster import wait_until

pytestmark = pytest.mark.django_db
ONE, OTHER, BRIEF = "gw_db_test_one", "gw_db_test_other", "gw_db_test_brief"
PASSWORD = "pa'ss\"word%/@:"


@pytest.fixture(scope="module")
def there(django_db_setup: None) -> Iterator[None]:
    databases.make_database(OTHER, "another-password")
    databases.make_database(ONE, PASSWORD)
    yield
    for name in (ONE, OTHER):
        drop_for_good(name)


@pytest.fixture
def one(there: None) -> str:
    """Its address; another one stands beside it."""
    return databases.url_of(ONE, PASSWORD)


def connect(url: str, **changed: Any) -> "psycopg.Connection[Any]":
    return psycopg.connect(make_conninfo(url, **changed), autocommit=True)


def ask(url: str, query: str) -> list[Any]:
    with connect(url) as mine:
        return mine.execute(query).fetchall()


def test_in_its_own_it_makes_tables_and_keeps_rows() -> None:
    databases.make_database(BRIEF, PASSWORD)
    url = databases.url_of(BRIEF, PASSWORD)
    with connect(url) as mine:
        mine.execute("CREATE TABLE notes (id int PRIMARY KEY, text text)")
        mine.execute("INSERT INTO data.notes VALUES (1, 'kept')")
    databases.make_database(BRIEF, PASSWORD)
    assert ask(url, "SELECT text FROM data.notes") == [("kept",)]


def test_it_connects_to_no_other_database_of_the_server(one: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_database()")
        platform = cursor.fetchone()[0]
    for name in (OTHER, platform, "postgres", "template1"):
        with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
            connect(one, dbname=name)
    # The same password and role, so it's the database that is refused
    connect(one).close()


def test_only_its_own_password_lets_it_in(one: str) -> None:
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        connect(one, password="another-password")
    databases.make_database(BRIEF, "an-old-password")
    databases.make_database(BRIEF, "a-new-password")
    url = databases.url_of(BRIEF, "a-new-password")
    connect(url).close()
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        connect(url, password="an-old-password")


@pytest.mark.parametrize(
    "query",
    [
        "CREATE DATABASE gw_db_test_third",
        "CREATE ROLE gw_db_test_third",
        f"ALTER ROLE {ONE} CREATEDB",
        f"ALTER ROLE {OTHER} PASSWORD 'mine'",
        f"SET ROLE {OTHER}",
        "SET ROLE imp_tenant",
        f"DROP DATABASE {OTHER}",
        f"GRANT CONNECT ON DATABASE {OTHER} TO {ONE}",
        "CREATE TABLE public.mine (id int)",
        "CREATE SCHEMA mine",
        "CREATE EXTENSION pg_trgm",
        "CREATE TEMPORARY TABLE mine (id int)",
        "COPY (SELECT 1) TO PROGRAM 'true'",
        "SELECT pg_read_file('/etc/passwd')",
        "SELECT * FROM pg_authid",
        # One statement fills the table of locks, which all sessions of the server share
        "SELECT count(pg_advisory_lock(n)) FROM generate_series(1, 400000) AS n",
        "SELECT count(pg_try_advisory_xact_lock_shared(n, n)) FROM generate_series(1, 400000) AS n",
        "SELECT lo_create(0)",
        "SELECT lo_from_bytea(0, 'x')",
    ],
)
def test_beyond_its_schema_it_may_nothing(one: str, query: str) -> None:
    with connect(one) as mine, pytest.raises((errors.InsufficientPrivilege, errors.UndefinedObject)) as refused:
        mine.execute(query)
    assert isinstance(refused.value, errors.InsufficientPrivilege) or "imp_tenant" in query
    assert not databases.is_there("gw_db_test_third")


@pytest.mark.parametrize(
    "table",
    [
        "pg_roles",
        "pg_user",
        "pg_database",
        "pg_auth_members",
        "pg_stat_activity",
        "pg_stat_database",
        "pg_locks",
        "pg_shdepend",
        "pg_stat_get_db_xact_commit(1::oid)",
        "pg_lock_status()",
        *(f"pg_stat_get_backend_{name}(1)" for name in ("activity", "client_addr", "dbid", "userid", "wait_event")),
    ],
)
def test_it_reads_no_list_of_the_others(one: str, table: str) -> None:
    with pytest.raises(errors.InsufficientPrivilege, match="permission denied"):
        ask(one, f"SELECT * FROM {table}")
    with pytest.raises(errors.InsufficientPrivilege, match="permission denied"):
        ask(one, "SELECT * FROM pg_stat_get_activity(NULL)")
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {table}")
        assert cursor.fetchone() is not None


def test_what_programs_ask_of_a_database_is_answered(one: str) -> None:
    """A driver and a migration tool look at these."""
    for query in (
        "SELECT table_name FROM information_schema.tables WHERE table_schema = 'data'",
        "SELECT typname FROM pg_type LIMIT 1",
        "SELECT relname FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace WHERE nspname = 'data'",
        "SELECT current_database(), current_user, version()",
    ):
        ask(one, query)


def test_what_functions_change_of_their_own_role_is_put_right(one: str) -> None:
    with connect(one) as mine:
        for change in (
            "ALTER ROLE CURRENT_USER SET default_transaction_read_only TO on",
            f"ALTER ROLE CURRENT_USER IN DATABASE {ONE} SET search_path TO nowhere",
            f"ALTER ROLE CURRENT_USER IN DATABASE {ONE} SET statement_timeout TO 1",
            "ALTER ROLE CURRENT_USER PASSWORD 'mine'",
        ):
            mine.execute(change)
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        connect(one)
    databases.renew_role(ONE, PASSWORD)
    with connect(one) as mine:
        mine.execute("CREATE TABLE again (id int)")
        mine.execute("INSERT INTO data.again VALUES (1)")


def test_its_connections_are_counted(one: str) -> None:
    held = [connect(one) for _ in range(databases.MOST_CONNECTIONS)]
    try:
        with pytest.raises(psycopg.OperationalError, match="too many connections for role"):
            connect(one)
    finally:
        for each in held:
            each.close()


def test_whoever_is_connected_does_not_keep_it() -> None:
    databases.make_database(BRIEF, PASSWORD)
    mine = connect(databases.url_of(BRIEF, PASSWORD))
    drop_for_good(BRIEF)
    assert not databases.is_there(BRIEF)
    with pytest.raises(psycopg.OperationalError):
        mine.execute("SELECT 1")
    drop_for_good(BRIEF)


def test_a_crash_in_the_middle_is_made_good() -> None:
    with databases._server() as server:
        server.execute(f"CREATE ROLE {BRIEF}")
        server.execute(f"CREATE DATABASE {BRIEF} ALLOW_CONNECTIONS false")
    url = databases.url_of(BRIEF, PASSWORD)
    with pytest.raises(psycopg.OperationalError):
        connect(url)
    databases.make_database(BRIEF, PASSWORD)
    connect(url).close()


# --- What is cut off -------------------------------------------------------------------------------


def cut_off(name: str) -> None:
    """A DROP waits for every process of the server, so where one stands still, it's ended in the middle."""
    with databases._server() as frozen, databases._server() as server:
        server.execute("SET statement_timeout = 1000")
        os.kill(frozen.info.backend_pid, signal.SIGSTOP)
        try:
            with pytest.raises(errors.QueryCanceled):
                server.execute(f"DROP DATABASE {name}")
        finally:
            os.kill(frozen.info.backend_pid, signal.SIGCONT)


@contextmanager
def another_session(statement: str) -> "Iterator[psycopg.Connection[Any]]":
    """In the middle of its transaction."""
    with databases._server() as other, other.transaction():
        other.execute(statement)
        yield other


def test_a_drop_that_was_ended_in_the_middle_is_finished() -> None:
    databases.make_database(BRIEF, PASSWORD)
    cut_off(BRIEF)
    with pytest.raises(psycopg.OperationalError, match="invalid database"):
        connect(databases.url_of(BRIEF, PASSWORD))
    drop_for_good(BRIEF)
    assert not databases.is_there(BRIEF)


def test_what_is_left_of_one_makes_place_for_a_new_one() -> None:
    databases.make_database(BRIEF, PASSWORD)
    cut_off(BRIEF)
    databases.make_database(BRIEF, PASSWORD)
    connect(databases.url_of(BRIEF, PASSWORD)).close()


def test_a_drop_that_takes_long_is_not_begun_again_and_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever waits for it goes away, the server goes on; until then nobody else is at that database."""
    monkeypatch.setattr(databases, "DROP_WAITED_FOR", 0.2)
    databases.make_database(BRIEF, PASSWORD)
    with another_session(f"COMMENT ON DATABASE {BRIEF} IS 'held'") as holder:
        for act in (databases.drop_database, databases.drop_database, lambda name: databases.make_database(name, "x")):
            with pytest.raises(databases.Busy):
                act(BRIEF)
        (count,) = holder.execute(
            f"SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'DROP DATABASE%{BRIEF}%' AND state = 'active'"
        ).fetchone() or (0,)
        assert count == 1
    with databases._server() as server:
        wait_until(lambda: not databases._exists(server, "pg_database", "datname", BRIEF), what="the server's own end")
    drop_for_good(BRIEF)
    assert not databases.is_there(BRIEF)


def test_what_the_server_refuses_is_told_as_it_says_it() -> None:
    """A DROP that is refused at once isn't one that takes long."""
    databases.make_database(BRIEF, PASSWORD)
    with databases._server() as server:
        server.execute(f"ALTER DATABASE {BRIEF} IS_TEMPLATE true")
        with pytest.raises(errors.WrongObjectType, match="template database"):
            databases.drop_database(BRIEF)
        server.execute(f"ALTER DATABASE {BRIEF} IS_TEMPLATE false")
    drop_for_good(BRIEF)


def test_a_create_that_nobody_waits_for_any_more_makes_nothing_after_the_drop() -> None:
    """As of a worker that was killed: its session is at the database until the server notices."""
    with databases._server() as dead:
        databases._take(dead, BRIEF)
        with pytest.raises(databases.Busy):
            databases.drop_database(BRIEF)
        dead.execute(f"CREATE DATABASE {BRIEF}")
    drop_for_good(BRIEF)
    assert not databases.is_there(BRIEF)


# --- Another server --------------------------------------------------------------------------------


def test_another_server_is_where_they_are_made_and_where_runtimes_go(settings: Any) -> None:
    settings.GATEWAYS_DATABASE_URL = "postgres://maker:secret@db.internal:6543/postgres?sslmode=require"
    found = conninfo_to_dict(databases.url_of(ONE, PASSWORD))
    assert found == {
        "host": "db.internal",
        "port": "6543",
        "user": ONE,
        "dbname": ONE,
        "password": PASSWORD,
        "sslmode": "require",
    }


def test_the_doctor_says_what_stands_between_them(settings: Any) -> None:
    assert Level.OK in [finding.level for finding in check_gateway_databases()]
    with databases._server() as server:
        server.execute("CREATE DATABASE gw_test_open")
    try:
        (finding,) = [each for each in check_gateway_databases() if "gw_test_open" in each.what]
        assert finding.level is Level.WARNING
    finally:
        with databases._server() as server:
            server.execute("DROP DATABASE gw_test_open")
    assert [each.level for each in findings_of(replace(databases.look_at_server(), may_make=False))] == [Level.ERROR]
    settings.GATEWAYS_DATABASE_URL = "postgres://maker:secret@127.0.0.1:9/postgres"
    assert [each.level for each in check_gateway_databases()] == [Level.ERROR]
