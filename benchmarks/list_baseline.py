"""The baseline of the lists: one statement over a connection that stays, its text as the body, nothing around it."""

import os
import threading
from collections.abc import Callable, Iterable
from typing import Any, cast
from urllib.parse import parse_qs

import psycopg

# Those of /v1/audit-events; the benchmark compares
FIELDS = (
    "id, at, actor_id, actor_label, verb, target_type, target_id, target_label, before, after, request_id, task_id,"
    " address, token_id, token_label, tenant_id"
)
LIMIT = 50
PAGE = (
    f"SELECT json_agg(page)::text FROM (SELECT {FIELDS} FROM audit_auditevent {{}}"
    f" ORDER BY at DESC, id DESC LIMIT {LIMIT}) AS page"
)
FIRST = PAGE.format("")
LATER = PAGE.format("WHERE (at, id) < (%s, %s)")

_of_thread = threading.local()


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    body = b"ok\n" if environ["PATH_INFO"] == "/healthz" else page(_connection(), environ["QUERY_STRING"]).encode()
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]


def page(connection: Any, query: str) -> str:
    position = parse_qs(query)
    if position:
        row = connection.execute(LATER, (position["at"][0], position["id"][0])).fetchone()
    else:
        row = connection.execute(FIRST).fetchone()
    return cast(str, row[0])


def _connection() -> "psycopg.Connection[Any]":
    if not hasattr(_of_thread, "connection"):
        _of_thread.connection = psycopg.connect(os.environ["DATABASE_URL"], autocommit=True)
    return cast("psycopg.Connection[Any]", _of_thread.connection)
