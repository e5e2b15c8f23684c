"""The databases of gateways, on a server of PostgreSQL: each with a role that can connect to it and to no other.

Every function here observes first, so each can be repeated after a crash.
"""

import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from select import select
from typing import Any
from urllib.parse import quote, urlencode

import psycopg
from django.conf import settings
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict
from psycopg.errors import InsufficientPrivilege, error_from_result
from psycopg.pq import ExecStatus

from apps.core.notify import KEEPALIVES, parameters
from apps.core.postgres.making import HOLDING

# Of one gateway's processes together: for what functions ask, and for what runtimes hear and tell
MOST_CONNECTIONS = 20
MOST_RUNTIME_CONNECTIONS = 24
MAY_MAKE = "SELECT rolsuper OR (rolcreatedb AND rolcreaterole) FROM pg_roles WHERE rolname = current_user"
# Without a list of rights, everybody may; grantee 0 is everybody
OPEN_DATABASES = """
SELECT datname FROM pg_database
WHERE datallowconn AND (datacl IS NULL OR EXISTS (
    SELECT FROM aclexplode(datacl) WHERE grantee = 0 AND privilege_type = 'CONNECT'
)) ORDER BY datname
"""
CONNECTIONS = """
SELECT current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
    - current_setting('reserved_connections')::int,
    (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend')
"""
# With the letters of an id. A gateway made before there were runtimes' roles gets its own when it's started
NAMES_THERE = """
WITH roles AS (
    SELECT regexp_replace(rolname, '^gw_rt_', 'gw_db_') AS name, bool_or(rolname LIKE 'gw_db_%') AS has_own
    FROM pg_roles WHERE rolname ~ '^gw_(db|rt)_[0-9a-hjkmnp-tv-z]{26}$' GROUP BY 1
), found AS (SELECT datname AS name FROM pg_database WHERE datname ~ '^gw_db_[0-9a-hjkmnp-tv-z]{26}$')
SELECT coalesce(found.name, roles.name), found.name IS NOT NULL AND coalesce(has_own, false)
FROM found FULL JOIN roles ON found.name = roles.name
"""
# What one statement could fill the server's table of locks with, so that nobody connects any more: taken from those who
# own it, as the platform does on its embedded server
CLOSE_HOLDING = sql.SQL("""
DO $$ DECLARE each regprocedure; BEGIN
    FOR each IN SELECT oid FROM pg_proc WHERE pronamespace = 'pg_catalog'::regnamespace AND proname ~ {holding}
        AND pg_has_role(current_user, proowner, 'USAGE')
    LOOP EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', each); END LOOP;
END $$
""").format(holding=sql.Literal(HOLDING))
# Below what a step of a life cycle may take
TIMEOUT_MS = 6_000
CONNECT_WITHIN = 3
# DROP DATABASE waits for a checkpoint of the whole server. One that is cut off leaves a database that only another
# DROP takes away, which then waits for another checkpoint; so the server may finish it while nobody waits any more
DROP_TIMEOUT_MS = 300_000
DROP_WAITED_FOR = 4.0
# In every language, as it's the name of a role
SIGNALS = "pg_signal_backend"
# What an ended DROP DATABASE leaves
INVALID = "SELECT 1 FROM pg_database WHERE datname = %s AND datconnlimit = -2"

# What a runtime has to know of the server too
OF_TLS = ("sslmode", "sslrootcert")


class Busy(Exception):
    """The server is still at what it was told before of the same database, and goes on by itself."""


def name_of(gateway_id: str) -> str:
    return gateway_id.replace("_", "_db_", 1)


def gateway_of(name: str) -> str:
    return name.replace("_db_", "_", 1)


def runtime_role_of(name: str) -> str:
    """The role of its runtimes, which sees what the platform keeps there, and nothing of what functions do."""
    return name.replace("_db_", "_rt_", 1)


def new_password() -> str:
    return secrets.token_urlsafe(24)


def make_database(name: str, password: str) -> None:
    """The role, its database, and nothing of it open to other roles."""
    with _server() as connection:
        _take(connection, name)
        _make_role(connection, name, password, MOST_CONNECTIONS)
        if connection.execute(INVALID, [name]).fetchone():
            _drop(connection, name)
        if not _exists(connection, "pg_database", "datname", name):
            # Nobody can slip in before it's closed, to stay
            connection.execute(sql.SQL("CREATE DATABASE {} ALLOW_CONNECTIONS false").format(sql.Identifier(name)))
        _set_up_role(connection, name)
        connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(sql.Identifier(name)))
        connection.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS true").format(sql.Identifier(name)))
        connection.execute(
            sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(sql.Identifier(name), sql.Identifier(name))
        )
        with _server(name) as inside:
            inside.execute("REVOKE ALL ON SCHEMA public FROM PUBLIC")
            inside.execute(CLOSE_HOLDING)
            inside.execute("CREATE SCHEMA IF NOT EXISTS data")
            inside.execute(sql.SQL("GRANT USAGE, CREATE ON SCHEMA data TO {}").format(sql.Identifier(name)))


def renew_role(name: str, password: str) -> None:
    """As it was made: a role may change its own password and settings, so any of its functions could lock out all."""
    with _server() as connection:
        _take(connection, name)
        _make_role(connection, name, password, MOST_CONNECTIONS)
        connection.execute(sql.SQL("ALTER ROLE {} RESET ALL").format(sql.Identifier(name)))
        if _exists(connection, "pg_database", "datname", name):
            _set_up_role(connection, name)


@contextmanager
def make_runtime_role(name: str, password: str) -> Iterator[psycopg.Connection[Any]]:
    """The role of its runtimes. Gives a connection to the database, to which nobody else does this meanwhile."""
    role = runtime_role_of(name)
    with _server() as connection:
        _take(connection, name)
        _make_role(connection, role, password, MOST_RUNTIME_CONNECTIONS)
        connection.execute(
            sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(sql.Identifier(name), sql.Identifier(role))
        )
        with _server(name) as inside:
            yield inside


def drop_database(name: str) -> None:
    """With whoever is connected to it, and with its role. Busy: look again later."""
    with _server() as connection:
        _take(connection, name)
        if _exists(connection, "pg_database", "datname", name):
            _drop(connection, name)
        for role in (runtime_role_of(name), name):
            connection.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(role)))


def list_there() -> dict[str, bool]:
    """All names on the server that gateways' databases and roles could have, and whether both are there."""
    with _server() as connection:
        return {str(name): bool(is_whole) for name, is_whole in connection.execute(NAMES_THERE).fetchall()}


def is_there(name: str) -> bool:
    with _server() as connection:
        return _exists(connection, "pg_database", "datname", name) or any(
            _exists(connection, "pg_roles", "rolname", role) for role in (name, runtime_role_of(name))
        )


@dataclass(frozen=True)
class Server:
    """What decides whether gateways can be kept apart there."""

    may_make: bool
    # Databases that any role may connect to
    open_databases: tuple[str, ...]
    # Connections: those that gateways' roles may take together, and those that anybody has now
    most: int
    used: int


def look_at_server() -> Server:
    with _server() as connection:
        row = connection.execute(MAY_MAKE).fetchone()
        found = connection.execute(OPEN_DATABASES).fetchall()
        slots = connection.execute(CONNECTIONS).fetchone()
        assert slots
    return Server(bool(row and row[0]), tuple(str(name) for (name,) in found), *slots)


def url_of(name: str, password: str, *, role: str = "") -> str:
    """How its runtime connects: as its functions, unless another role is named."""
    found = _parameters()
    host, port = str(found.get("host", "localhost")), str(found.get("port") or 5432)
    address = f"postgres://{quote(role or name)}:{quote(password, safe='')}@"
    if host.startswith("/"):
        return f"{address}/{quote(name)}?{urlencode({'host': host, 'port': port})}"
    secured = urlencode({key: found[key] for key in OF_TLS if found.get(key)})
    return f"{address}{host}:{port}/{quote(name)}{f'?{secured}' if secured else ''}"


def server_parameters(database: str) -> dict[str, Any]:
    """How the platform's own role connects to one of them."""
    return {**_parameters(), "dbname": database}


def _make_role(connection: psycopg.Connection[Any], role: str, password: str, most: int) -> None:
    if not _exists(connection, "pg_roles", "rolname", role):
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(role)))
    connection.execute(
        sql.SQL("ALTER ROLE {} WITH LOGIN PASSWORD {} CONNECTION LIMIT {}").format(
            sql.Identifier(role), sql.Literal(password), sql.Literal(most)
        )
    )
    # To end its connections, and to see which there are, takes its rights; to act as it isn't needed
    connection.execute(sql.SQL("GRANT {} TO CURRENT_USER WITH INHERIT TRUE, SET FALSE").format(sql.Identifier(role)))


def _set_up_role(connection: psycopg.Connection[Any], name: str) -> None:
    there = sql.SQL("ALTER ROLE {} IN DATABASE {} ").format(sql.Identifier(name), sql.Identifier(name))
    connection.execute(there + sql.SQL("RESET ALL"))
    connection.execute(there + sql.SQL("SET search_path TO data"))


def _take(connection: psycopg.Connection[Any], name: str) -> None:
    """One session at a time is at a database, until it ends: also that of a worker that was killed meanwhile.

    Without it, what was deleted could be made after that by a CREATE that nobody waits for any more.
    """
    row = connection.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", [name]).fetchone()
    if not (row and row[0]):
        raise Busy(f"Another session is at {name}.")


def _drop(connection: psycopg.Connection[Any], name: str) -> None:
    connection.execute(sql.SQL("SET statement_timeout TO {}").format(sql.Literal(DROP_TIMEOUT_MS)))
    drop = sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name))
    connection.pgconn.send_query(drop.as_bytes(connection))
    _wait_for_end(connection, DROP_WAITED_FOR)
    connection.execute(sql.SQL("SET statement_timeout TO {}").format(sql.Literal(TIMEOUT_MS)))


def _wait_for_end(connection: psycopg.Connection[Any], seconds: float) -> None:
    """Of the statement that was sent. Whoever waits no longer goes away without a word, so it isn't cancelled."""
    server, give_up_at = connection.pgconn, time.monotonic() + seconds
    while server.is_busy():
        left = give_up_at - time.monotonic()
        if left <= 0:
            connection.close()
            raise Busy("The server is still at it.")
        if select([server.socket], [], [], left)[0]:
            server.consume_input()
    # To the last one: with one left unread, the connection takes nothing more
    results = list(iter(server.get_result, None))
    for result in results:
        if result.status != ExecStatus.COMMAND_OK:
            error = error_from_result(result)
            # Of all sessions there, the server's own autovacuum is the one that isn't ours to end; it's soon done
            is_its_own = isinstance(error, InsufficientPrivilege) and SIGNALS in (error.diag.message_detail or "")
            raise Busy("The server itself is at it.") if is_its_own else error


def _exists(connection: psycopg.Connection[Any], catalog: str, column: str, name: str) -> bool:
    query = sql.SQL("SELECT 1 FROM {} WHERE {} = %s").format(sql.Identifier(catalog), sql.Identifier(column))
    return connection.execute(query, [name]).fetchone() is not None


@contextmanager
def _server(database: str = "") -> Iterator[psycopg.Connection[Any]]:
    """CREATE DATABASE can't run in a transaction."""
    found = _parameters()
    if database:
        found["dbname"] = database
    found["options"] = f"-c statement_timeout={TIMEOUT_MS}"
    with psycopg.connect(**found, autocommit=True) as connection:
        try:
            yield connection
        finally:
            # Whoever comes next needn't wait until the server has noticed the end of this one
            if not connection.closed:
                connection.execute("SELECT pg_advisory_unlock_all()")


def _parameters() -> dict[str, Any]:
    """The platform's own server, unless another one is set for gateways."""
    around = {**KEEPALIVES, "connect_timeout": CONNECT_WITHIN}
    if settings.GATEWAYS_DATABASE_URL:
        return {**around, **conninfo_to_dict(settings.GATEWAYS_DATABASE_URL)}
    return {**parameters(), **around}
