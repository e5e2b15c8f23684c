"""The databases of gateways, on a server of PostgreSQL: each with a role that can connect to it and to no other.

Every function here observes first, so each can be repeated after a crash.
"""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

import psycopg
from django.conf import settings
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from apps.core.notify import parameters

# Of one gateway's processes together
MOST_CONNECTIONS = 20
MAY_MAKE = "SELECT rolsuper OR (rolcreatedb AND rolcreaterole) FROM pg_roles WHERE rolname = current_user"
# Without a list of rights, everybody may; grantee 0 is everybody
OPEN_DATABASES = """
SELECT datname FROM pg_database
WHERE datallowconn AND (datacl IS NULL OR EXISTS (
    SELECT FROM aclexplode(datacl) WHERE grantee = 0 AND privilege_type = 'CONNECT'
)) ORDER BY datname
"""
# Below what a step of a life cycle may take
TIMEOUT_MS = 6_000


# What a runtime has to know of the server too
OF_TLS = ("sslmode", "sslrootcert")


def name_of(gateway_id: str) -> str:
    return gateway_id.replace("_", "_db_", 1)


def new_password() -> str:
    return secrets.token_urlsafe(24)


def make_database(name: str, password: str) -> None:
    """The role, its database, and nothing of it open to other roles."""
    with _server() as connection:
        if not _exists(connection, "pg_roles", "rolname", name):
            connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(name)))
        connection.execute(
            sql.SQL("ALTER ROLE {} WITH LOGIN PASSWORD {} CONNECTION LIMIT {}").format(
                sql.Identifier(name), sql.Literal(password), sql.Literal(MOST_CONNECTIONS)
            )
        )
        # To end its connections takes its rights; to act as it isn't needed
        connection.execute(
            sql.SQL("GRANT {} TO CURRENT_USER WITH INHERIT TRUE, SET FALSE").format(sql.Identifier(name))
        )
        if not _exists(connection, "pg_database", "datname", name):
            # Nobody can slip in before it's closed, to stay
            connection.execute(sql.SQL("CREATE DATABASE {} ALLOW_CONNECTIONS false").format(sql.Identifier(name)))
        connection.execute(
            sql.SQL("ALTER ROLE {} IN DATABASE {} SET search_path TO data").format(
                sql.Identifier(name), sql.Identifier(name)
            )
        )
        connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(sql.Identifier(name)))
        connection.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS true").format(sql.Identifier(name)))
        connection.execute(
            sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(sql.Identifier(name), sql.Identifier(name))
        )
    with _server(name) as inside:
        inside.execute("REVOKE ALL ON SCHEMA public FROM PUBLIC")
        inside.execute("CREATE SCHEMA IF NOT EXISTS data")
        inside.execute(sql.SQL("GRANT USAGE, CREATE ON SCHEMA data TO {}").format(sql.Identifier(name)))


def drop_database(name: str) -> None:
    """With whoever is connected to it."""
    with _server() as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
        connection.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(name)))


def is_there(name: str) -> bool:
    with _server() as connection:
        return _exists(connection, "pg_database", "datname", name) or _exists(connection, "pg_roles", "rolname", name)


@dataclass(frozen=True)
class Server:
    """What decides whether gateways can be kept apart there."""

    may_make: bool
    # Databases that any role may connect to
    open_databases: tuple[str, ...]


def look_at_server() -> Server:
    with _server() as connection:
        row = connection.execute(MAY_MAKE).fetchone()
        found = connection.execute(OPEN_DATABASES).fetchall()
    return Server(bool(row and row[0]), tuple(str(name) for (name,) in found))


def url_of(name: str, password: str) -> str:
    """How its runtime connects."""
    found = _parameters()
    host, port = str(found.get("host", "localhost")), str(found.get("port") or 5432)
    address = f"postgres://{quote(name)}:{quote(password, safe='')}@"
    if host.startswith("/"):
        return f"{address}/{quote(name)}?{urlencode({'host': host, 'port': port})}"
    secured = urlencode({key: found[key] for key in OF_TLS if found.get(key)})
    return f"{address}{host}:{port}/{quote(name)}{f'?{secured}' if secured else ''}"


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
        yield connection


def _parameters() -> dict[str, Any]:
    """The platform's own server, unless another one is set for gateways."""
    if settings.GATEWAYS_DATABASE_URL:
        return dict(conninfo_to_dict(settings.GATEWAYS_DATABASE_URL))
    return parameters()
