"""Signed-in pages under granian as they are served: requests a second, and how many queries each costs.

The baseline is a bare Django view in the same server and the same run: no middleware, no session, no template.

    python -m benchmarks.pages
"""

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "benchmarks.page_settings")

from benchmarks.harness import percentile, record, scratch_database

PAGES = {"overview": "/", "audit": "/audit"}
BARE = "/bare"
EVENTS = 2_000
SECONDS = 4.0
TURNS = 3
CLIENTS = 4
MOST_QUERIES = 5
# On two cores that the clients share: enough for hundreds of people who click
GOAL_PER_SECOND = 40.0


def main() -> None:
    django.setup()
    with scratch_database() as url:
        session = _world()
        _count_queries(session)
        with _server(url) as port:
            for path in (BARE, *PAGES.values()):
                _load(port, path, session, seconds=1.0)
            rates, waits = _take_turns(port, session)
    for name, path in PAGES.items():
        value = max(rates[path])
        record(
            name=f"pages.{name}.rate",
            value=value,
            unit="requests/s",
            baseline=max(rates[BARE]),
            goal=GOAL_PER_SECOND,
            holds=value >= GOAL_PER_SECOND,
        )
        record(name=f"pages.{name}.p99", value=percentile(waits[path], 99) * 1000, unit="ms")


def _world() -> str:
    """A person with a history; the cookie of their session."""
    from django.conf import settings
    from django.db import connection
    from django.test import Client

    from apps.accounts.models import User

    ada = User.objects.create_user("ada@tidewater.example", "not-used-here", name="Ada Lindqvist")
    with connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO audit_auditevent (id, at, actor_id, actor_label, verb, target_type, target_id, target_label,
                before, after, request_id, task_id, address)
            SELECT 'evt_' || lpad(n::text, 26, '0'), now() - (n || ' seconds')::interval, %s, 'Ada Lindqvist',
                'account.preferences_changed', 'user', %s, 'Ada Lindqvist', '{"theme": "light"}', '{"theme": "dark"}',
                'req_' || n, '', '127.0.0.1' FROM generate_series(1, %s) AS n""",
            [ada.pk, ada.pk, EVENTS],
        )
        cursor.execute("ANALYZE audit_auditevent")
    client = Client()
    client.force_login(ada)
    return f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}"


def _count_queries(session: str) -> None:
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    client = Client(headers={"Cookie": session})
    for name, path in PAGES.items():
        client.get(path)
        with CaptureQueriesContext(connection) as queries:
            answer = client.get(path)
        if answer.status_code != 200:
            sys.exit(f"{path} answered {answer.status_code}.")
        record(
            name=f"pages.{name}.queries",
            value=len(queries),
            unit="queries",
            goal=MOST_QUERIES,
            holds=len(queries) <= MOST_QUERIES,
        )


@contextmanager
def _server(url: str) -> Iterator[int]:
    """Granian with the settings that production has: a thread for each core, nothing kept for debugging."""
    port = _free_port()
    command = [sys.executable, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port)]
    environment = {**os.environ, "DATABASE_URL": url, "PORT": str(port)}
    server = subprocess.Popen(
        [*command, "--workers", "1", "--blocking-threads", "2", "--no-ws", "benchmarks.page_server:application"],
        env=environment,
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
            if _get(HTTPConnection("127.0.0.1", port, timeout=5), BARE, {}) == 200:
                return
        except OSError:
            time.sleep(0.1)
    sys.exit("The server of the benchmark didn't start.")


def _take_turns(port: int, session: str) -> tuple[dict[str, list[float]], dict[str, list[float]]]:
    """In turns, so that a slow moment of the machine hits all sides."""
    rates: dict[str, list[float]] = {path: [] for path in (BARE, *PAGES.values())}
    waits: dict[str, list[float]] = {path: [] for path in rates}
    for _ in range(TURNS):
        for path in rates:
            seconds = _load(port, path, session, seconds=SECONDS)
            rates[path].append(len(seconds) / SECONDS)
            waits[path].extend(seconds)
    return rates, waits


def _load(port: int, path: str, session: str, *, seconds: float) -> list[float]:
    """Several clients that ask one after the other; how long each answer took."""
    found: list[float] = []
    threads = [
        threading.Thread(target=_ask, args=(port, path, {"Cookie": session}, time.monotonic() + seconds, found))
        for _ in range(CLIENTS)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def _ask(port: int, path: str, headers: dict[str, str], until: float, found: list[float]) -> None:
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    while time.monotonic() < until:
        began = time.perf_counter()
        status = _get(connection, path, headers)
        if status != 200:
            raise RuntimeError(f"{path} answered {status}.")
        found.append(time.perf_counter() - began)
    connection.close()


def _get(connection: HTTPConnection, path: str, headers: dict[str, str]) -> int:
    connection.request("GET", path, headers=headers)
    answer: Any = connection.getresponse()
    answer.read()
    return int(answer.status)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    main()
