"""What the platform keeps in a gateway's own database: who may what there, how it's made anew, and its connections."""

import os
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg import errors

from apps.core.ids import new_id
from apps.gateways import databases, store
from apps.gateways.databases import name_of, runtime_role_of, url_of
from apps.gateways.store import connecting as pools
from apps.gateways.store import preparing
from apps.gateways.store.connecting import Pool
from tests.gateways.world import drop_for_good
from tests.queue.cluster import wait_until

pytestmark = pytest.mark.django_db
FUNCTIONS, RUNTIME = "password-of-functions", "password-of-runtimes"


@pytest.fixture(scope="module")
def gateway_id(django_db_setup: None) -> Iterator[str]:
    found = new_id("gw")
    databases.make_database(name_of(found), FUNCTIONS)
    store.prepare(name_of(found), RUNTIME)
    yield found
    drop_for_good(name_of(found))


@pytest.fixture(autouse=True)
def own_pool(monkeypatch: pytest.MonkeyPatch) -> Iterator[Pool]:
    own = Pool()
    monkeypatch.setattr(pools, "pool", own)
    yield own
    own.close()


def as_runtime(gateway_id: str) -> "psycopg.Connection[Any]":
    name = name_of(gateway_id)
    return psycopg.connect(url_of(name, RUNTIME, role=runtime_role_of(name)), autocommit=True)


def as_function(gateway_id: str) -> "psycopg.Connection[Any]":
    return psycopg.connect(url_of(name_of(gateway_id), FUNCTIONS), autocommit=True)


# --- Who may what ----------------------------------------------------------------------------------


def test_a_runtime_reads_what_is_published_and_tells_of_itself(gateway_id: str) -> None:
    with as_runtime(gateway_id) as runtime:
        for table in ("functions", "artifacts", "vendors", "schema_version"):
            runtime.execute(f"SELECT * FROM imp.{table}")
        runtime.execute(
            "INSERT INTO imp.instances (id, process, stages, backend_pid, backend_start)"
            " VALUES ('one', 'dev', '{dev}', 1, now())"
        )
        runtime.execute("INSERT INTO imp.acks (instance, name, revision) VALUES ('one', 'dev/a', 1)")
        runtime.execute("INSERT INTO imp.logs (at, stage, level, text) VALUES (now(), 'dev', 'info', 'hello')")
        runtime.execute("DELETE FROM imp.acks")
        runtime.execute("DELETE FROM imp.instances")


@pytest.mark.parametrize(
    "query",
    [
        "INSERT INTO imp.functions (name, function_id, revision, version) VALUES ('dev/mine', 'x', 1, 1)",
        "UPDATE imp.functions SET artifact = 'another'",
        "DELETE FROM imp.functions",
        "INSERT INTO imp.artifacts (digest, code, source_map) VALUES ('x', 'evil', '')",
        "UPDATE imp.artifacts SET code = 'evil'",
        "UPDATE imp.counter SET revision = 0",
        "SELECT * FROM imp.counter",
        "SELECT * FROM imp.logs",
        "CREATE TABLE imp.mine (id int)",
        "CREATE TABLE data.mine (id int)",
        "CREATE SCHEMA mine",
        "SET ROLE imp_tenant",
    ],
)
def test_beyond_that_it_may_nothing(gateway_id: str, query: str) -> None:
    with as_runtime(gateway_id) as runtime, pytest.raises(errors.InsufficientPrivilege):
        runtime.execute(query)


@pytest.mark.parametrize("table", ["functions", "artifacts", "vendors", "instances", "acks", "logs", "counter"])
def test_functions_see_nothing_of_it(gateway_id: str, table: str) -> None:
    with as_function(gateway_id) as function, pytest.raises(errors.InsufficientPrivilege):
        function.execute(f"SELECT * FROM imp.{table}")


def test_a_runtime_sees_nothing_of_what_functions_keep(gateway_id: str) -> None:
    with as_function(gateway_id) as function:
        function.execute("CREATE TABLE IF NOT EXISTS data.orders (id int)")
    with as_runtime(gateway_id) as runtime, pytest.raises(errors.InsufficientPrivilege):
        runtime.execute("SELECT * FROM data.orders")


def test_it_reaches_no_other_database(gateway_id: str) -> None:
    with as_runtime(gateway_id) as mine:
        parameters = mine.info.get_parameters()
    for other in ("postgres", "template1"):
        with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
            psycopg.connect(**{**parameters, "dbname": other, "password": RUNTIME})


# --- Made, made again ------------------------------------------------------------------------------


def test_it_is_made_again_without_losing_anything(gateway_id: str) -> None:
    with store.connect(gateway_id) as there:
        there.execute("UPDATE imp.counter SET revision = 41")
    store.prepare(name_of(gateway_id), "another-password")
    store.prepare(name_of(gateway_id), RUNTIME)
    with store.connect(gateway_id) as there:
        assert there.execute("SELECT revision FROM imp.counter").fetchone() == (41,)
    as_runtime(gateway_id).close()


def test_a_role_that_was_lost_gets_its_rights_back(gateway_id: str) -> None:
    role = runtime_role_of(name_of(gateway_id))
    with databases._server(name_of(gateway_id)) as server:
        server.execute(f"DROP OWNED BY {role}")
    with databases._server() as server:
        server.execute(f"REVOKE ALL ON DATABASE {name_of(gateway_id)} FROM {role}")
        server.execute(f"DROP ROLE {role}")
    store.prepare(name_of(gateway_id), RUNTIME)
    with as_runtime(gateway_id) as runtime:
        runtime.execute("SELECT * FROM imp.functions")


def test_a_database_of_before_gets_it_and_one_of_now_only_what_is_new(monkeypatch: pytest.MonkeyPatch) -> None:
    gateway_id = new_id("gw")
    name = name_of(gateway_id)
    databases.make_database(name, FUNCTIONS)
    try:
        store.prepare(name, RUNTIME)
        later = (*preparing.STEPS, "ALTER TABLE imp.functions ADD COLUMN colour text;")
        monkeypatch.setattr(preparing, "STEPS", later)
        for _ in range(2):
            store.prepare(name, RUNTIME)
        with store.connect(gateway_id) as there:
            there.execute("SELECT colour FROM imp.functions")
            assert preparing.version_of(there) == len(later)
        # The release before it leaves it as it is
        monkeypatch.setattr(preparing, "STEPS", later[:-1])
        store.prepare(name, RUNTIME)
        with store.connect(gateway_id) as there:
            assert preparing.version_of(there) == len(later)
    finally:
        drop_for_good(name)


def test_both_roles_go_with_the_database() -> None:
    name = name_of(new_id("gw"))
    databases.make_database(name, FUNCTIONS)
    store.prepare(name, RUNTIME)
    assert databases.list_there()[name]
    drop_for_good(name)
    assert name not in databases.list_there()
    with databases._server() as server:
        assert not databases._exists(server, "pg_roles", "rolname", runtime_role_of(name))


def test_a_runtimes_role_alone_is_a_leftover_too() -> None:
    name = name_of(new_id("gw"))
    with databases._server() as server:
        server.execute(f"CREATE ROLE {runtime_role_of(name)}")
    assert databases.is_there(name)
    assert databases.list_there()[name] is False
    drop_for_good(name)
    assert not databases.is_there(name)


# --- Connections -----------------------------------------------------------------------------------


def backend(gateway_id: str) -> int:
    with store.connect(gateway_id) as there:
        return there.info.backend_pid


def test_a_connection_is_used_again(gateway_id: str) -> None:
    assert backend(gateway_id) == backend(gateway_id)
    with store.connect(gateway_id) as one, store.connect(gateway_id) as other:
        assert one.info.backend_pid != other.info.backend_pid


def test_what_was_done_is_kept_at_the_end_and_only_without_an_error(gateway_id: str) -> None:
    def revision() -> Any:
        with store.connect(gateway_id) as there:
            return there.execute("SELECT revision FROM imp.counter").fetchone()

    with store.connect(gateway_id) as there:
        there.execute("UPDATE imp.counter SET revision = 50")
    with pytest.raises(ZeroDivisionError), store.connect(gateway_id) as there:  # noqa: PT012
        there.execute("UPDATE imp.counter SET revision = 51")
        raise ZeroDivisionError
    assert revision() == (50,)
    with pytest.raises(errors.UndefinedTable), store.connect(gateway_id) as there:
        there.execute("SELECT * FROM imp.nothing")
    assert revision() == (50,)


def test_one_that_the_server_has_ended_is_replaced(gateway_id: str) -> None:
    first = backend(gateway_id)
    with databases._server() as server:
        server.execute("SELECT pg_terminate_backend(%s, 5000)", [first])
    assert backend(gateway_id) != first


def test_one_that_ends_while_it_is_used_says_so(gateway_id: str) -> None:
    with pytest.raises(store.Away) as away, store.connect(gateway_id) as there:  # noqa: PT012
        with databases._server() as server:
            server.execute("SELECT pg_terminate_backend(%s, 5000)", [there.info.backend_pid])
        there.execute("SELECT 1")
    assert (away.value.status, isinstance(away.value.__cause__, psycopg.OperationalError)) == (503, True)
    backend(gateway_id)


def test_without_a_database_it_says_so() -> None:
    with pytest.raises(store.Away), store.connect(new_id("gw")):
        raise AssertionError("There is none.")


def test_only_so_many_stay_open(gateway_id: str, own_pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pools, "MOST_IDLE", 2)
    open_ones = [own_pool.take(gateway_id) for _ in range(4)]
    for each in open_ones:
        own_pool.give_back(gateway_id, each)
    assert own_pool.idle == 2
    assert [each.closed for each in open_ones] == [True, True, False, False]


def test_what_nobody_uses_is_closed(gateway_id: str, own_pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pools, "IDLE_SECONDS", 0.1)
    connection = own_pool.take(gateway_id)
    own_pool.give_back(gateway_id, connection)
    wait_until(lambda: connection.closed, what="it to be closed")
    assert own_pool.idle == 0
    # And the next one is closed as well, by another thread
    again = own_pool.take(gateway_id)
    own_pool.give_back(gateway_id, again)
    wait_until(lambda: again.closed, what="it to be closed")


def test_one_that_is_wanted_again_stays_longer(
    gateway_id: str, own_pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pools, "IDLE_SECONDS", 0.1)
    wanted, other = own_pool.take(gateway_id), own_pool.take(gateway_id)
    own_pool.give_back(gateway_id, other)
    own_pool.give_back(gateway_id, wanted, 60)
    # Also when somebody else had it meanwhile
    assert own_pool.take(gateway_id) is wanted
    own_pool.give_back(gateway_id, wanted)
    wait_until(lambda: other.closed, what="the other to be closed")
    assert (wanted.closed, own_pool.idle) == (False, 1)
    own_pool.close()


def test_a_forked_process_leaves_its_parents_alone(gateway_id: str) -> None:
    shared = store.pool
    connection = shared.take(gateway_id)
    shared.give_back(gateway_id, connection)
    child = os.fork()
    if child == 0:
        os._exit(0 if shared.idle == 0 else 1)
    _pid, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert shared.take(gateway_id) is connection
    assert connection.execute("SELECT 1").fetchone() == (1,)
    connection.rollback()
    shared.give_back(gateway_id, connection)
    shared.close()


def test_nothing_there_is_waited_for_without_end(gateway_id: str) -> None:
    with store.connect(gateway_id) as there:
        found = there.execute("SELECT current_setting('statement_timeout'), current_setting('lock_timeout')").fetchone()
    assert found == ("6s", "4s")
