"""A list of 50,000 rows, first and 1,000th page, asked over HTTP as people do, against bare SQL that makes JSON.

Both sides run under granian as the product does, each over a connection that stays, and answer with the same rows
and the same fields. Ours has middleware, a session, permission, throttling and a cursor; the baseline is a bare WSGI
application with one `json_agg` statement. Two more figures tell where the time goes: both without a server between,
and ours against that statement behind the same middleware and sign-in, which is what the list itself costs.

    python -m benchmarks.lists
"""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from http.client import HTTPConnection
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import quote, urlencode

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "benchmarks.list_settings")

from benchmarks.harness import quiet, record, scratch_database, take_turns

ROOT = Path(__file__).resolve().parents[1]
ROWS = 50_000
LIMIT = 50
FAR_PAGE = 1_000
GOAL = 2.5
ROUNDS = 600
WARM_UP = 60
LIST = "/v1/audit-events"

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

FILL = """
INSERT INTO audit_auditevent (id, at, actor_id, actor_label, verb, target_type, target_id, target_label,
    before, after, request_id, task_id, address)
SELECT 'evt_' || lpad(n::text, 26, '0'), now() - (n || ' seconds')::interval, 'usr_' || (n %% 500), 'Ada Tidewater',
    'account.preferences_changed', 'user', 'usr_' || (n %% 500), 'Ada Tidewater',
    jsonb_build_object('theme', 'light', 'language', 'en'), jsonb_build_object('theme', 'dark', 'language', 'ko'),
    'req_' || n, '', '127.0.0.1'
FROM generate_series(1, %s) AS n
"""


def main() -> None:
    django.setup()
    with scratch_database() as url:
        os.environ["DATABASE_URL"] = url
        _fill()
        cookie = _signed_in()
        cursor, at, key = _far_position()
        pages = {
            "first page": ("", ""),
            f"page {FAR_PAGE:,}": (f"&cursor={quote(cursor)}", urlencode({"at": at.isoformat(), "id": key})),
        }
        with (
            _server("portal.wsgi:application") as product,
            _server("benchmarks.list_baseline:application") as bare,
        ):
            for name, (query, position) in pages.items():
                ours = f"{LIST}?limit={LIMIT}{query}"
                _measure_served(name, product, bare, ours, position, cookie)
                _measure_in_process(name, ours, position, cookie)


def _measure_served(name: str, product: int, bare: int, ours: str, position: str, cookie: str) -> None:
    mine = Client(product, ours, cookie)
    theirs = Client(bare, f"/?{position}")
    within = Client(product, f"/v1/json-agg?{position}", cookie)
    _assert_same(mine.get(), theirs.get())
    _assert_same(mine.get(), within.get())
    sides = {"ours": mine.get, "bare": theirs.get, "within": within.get}
    times = {side: median(taken) for side, taken in take_turns(sides, rounds=ROUNDS, warm_up=WARM_UP).items()}
    record(
        name=f"lists: {name} of {ROWS:,} rows, {LIMIT} a page",
        value=times["ours"] * 1000,
        unit="ms",
        baseline=times["bare"] * 1000,
        goal=f"at most {GOAL} times json_agg",
        holds=times["ours"] <= GOAL * times["bare"],
    )
    record(
        name=f"lists: {name}, against json_agg behind the same sign-in",
        value=times["ours"] * 1000,
        unit="ms",
        baseline=times["within"] * 1000,
    )


def _measure_in_process(name: str, ours: str, position: str, cookie: str) -> None:
    from django.core.wsgi import get_wsgi_application

    from benchmarks.list_baseline import application

    mine = partial(_called, get_wsgi_application(), _environ(ours, cookie))
    theirs = partial(_called, application, _environ(f"/?{position}", ""))
    _assert_same(mine(), theirs())
    with quiet():
        times = take_turns({"ours": mine, "bare": theirs}, rounds=ROUNDS, warm_up=WARM_UP)
    record(
        name=f"lists: {name}, without a server between",
        value=median(times["ours"]) * 1000,
        unit="ms",
        baseline=median(times["bare"]) * 1000,
    )


# --- What is asked ---------------------------------------------------------------------------------


def _fill() -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(FILL, [ROWS])
        cursor.execute("ANALYZE audit_auditevent")


def _far_position() -> tuple[str, datetime, str]:
    """The cursor of the far page, and the last row before it."""
    from apps.audit.models import AuditEvent
    from apps.audit.selectors import ORDER
    from apps.core.listing import LARGEST_LIMIT, paginate

    cursor: str | None = None
    rows = AuditEvent.objects.values("id", "at")
    before = (FAR_PAGE - 1) * LIMIT
    for start in range(0, before, LARGEST_LIMIT):
        page = paginate(rows, order=ORDER, cursor=cursor, limit=min(LARGEST_LIMIT, before - start))
        cursor = page.next_cursor
    assert cursor is not None
    return cursor, page.items[-1]["at"], page.items[-1]["id"]


def _signed_in() -> str:
    from django.conf import settings
    from django.test import Client as TestClient

    from apps.accounts.models import User

    operator = User.objects.create_user(email="bench@tidewater.example", is_staff=True)
    client = TestClient()
    client.force_login(operator)
    return f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}"


def _assert_same(ours: bytes, bare: bytes) -> None:
    """The same rows with the same fields, in the same order."""
    import orjson

    mine, theirs = orjson.loads(ours)["items"], orjson.loads(bare)
    assert len(mine) == len(theirs) == LIMIT
    for one, other in zip(mine, theirs, strict=True):
        assert one.keys() == other.keys()
        assert {**one, "at": None} == {**other, "at": None}


# --- Served ----------------------------------------------------------------------------------------


class Client:
    """One connection that stays open, and as little as possible of a client's own time in what is measured."""

    def __init__(self, port: int, path: str, cookie: str = "") -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        lines = [f"GET {path} HTTP/1.1", f"Host: 127.0.0.1:{port}", "Accept: application/json"]
        self.request = "\r\n".join([*lines, *([f"Cookie: {cookie}"] if cookie else []), "", ""]).encode()

    def get(self) -> bytes:
        self.socket.sendall(self.request)
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += self._read()
        head, _, body = answer.partition(b"\r\n\r\n")
        status, *headers = head.lower().split(b"\r\n")
        length = next(int(line.partition(b":")[2]) for line in headers if line.startswith(b"content-length:"))
        while len(body) < length:
            body += self._read()
        if b" 200 " not in status:
            raise RuntimeError(f"{self.request!r} got {answer[:500]!r}.")
        return body

    def _read(self) -> bytes:
        found = self.socket.recv(1 << 16)
        if not found:
            raise RuntimeError(f"{self.request!r}: the server closed the connection.")
        return found


@contextmanager
def _server(application: str) -> Iterator[int]:
    """Granian with the flags that the product's web process has."""
    from apps.core.up.declaration import Plan, Process
    from portal.processes import parts

    port = _free_port()
    plan = Plan(
        base=ROOT, state=ROOT, web_port=port, live_port=0, agents_port=0, gateway_port=0, embedded_postgres=False
    )
    web = next(part for part in parts(plan) if part.name == "web")
    assert isinstance(web, Process)
    server = subprocess.Popen(
        [*web.command[:-1], application],
        env={**os.environ, "PORT": str(port)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_for(port, server)
        yield port
    finally:
        server.terminate()
        server.wait(timeout=10)


def _wait_for(port: int, server: "subprocess.Popen[bytes]") -> None:
    until = time.monotonic() + 30
    while time.monotonic() < until and server.poll() is None:
        try:
            asked = HTTPConnection("127.0.0.1", port, timeout=5)
            asked.request("GET", "/healthz")
            if asked.getresponse().status == 200:
                return
        except OSError:
            time.sleep(0.1)
    sys.exit("A server of the benchmark didn't start.")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


# --- In this process -------------------------------------------------------------------------------


def _environ(path: str, cookie: str) -> dict[str, Any]:
    from django.test import RequestFactory

    request = RequestFactory(headers={"accept": "application/json"}).get(path)
    return {**request.environ, "HTTP_COOKIE": cookie, "HTTP_HOST": "127.0.0.1"}


def _called(application: Application, environ: dict[str, Any]) -> bytes:
    statuses: list[str] = []
    answer = application(dict(environ), lambda status, headers, *_: statuses.append(status))
    try:
        body = b"".join(answer)
    finally:
        close = getattr(answer, "close", None)
        if close:
            close()
    assert statuses == ["200 OK"], (statuses, body[:300])
    return body


if __name__ == "__main__":
    main()
