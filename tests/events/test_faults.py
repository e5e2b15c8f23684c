"""The database goes away, the live process is stopped: no page hangs, and none misses an event."""

import os
import signal
import subprocess
import sys

import psutil
import psycopg
import pytest
from django.db import connection

from apps.core.events import publish
from apps.core.events.publishing import PUBLISH
from apps.core.postgres.launcher import EmbeddedPostgres
from tests.events.live import BASE, Browser, LiveProcess, wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.faults]


def drop_other_connections() -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        return cursor.fetchone()[0]


def test_an_open_page_hears_what_happened_while_the_hub_had_no_connection(live, listen, alice):
    page = listen(alice, "note:n1")
    for number in range(5):
        assert drop_other_connections() >= 1
        publish("note:n1", "saved", f"at once {number}")
        assert page.told(1) == [("note:n1", "saved", f"at once {number}")]
    assert listen(alice, "note:n1").first.event == "ping"


@pytest.fixture
def own_database(tmp_path):
    """A server that nobody else uses, with the product's tables."""
    server = EmbeddedPostgres(tmp_path / "postgres")
    server.start()
    yield server
    server.remove()


def manage(server, *arguments):
    environment = {**os.environ, "DATABASE_URL": server.url(), "DJANGO_SETTINGS_MODULE": "portal.settings.test"}
    result = subprocess.run(
        [sys.executable, "manage.py", *arguments], cwd=BASE, env=environment, capture_output=True, text=True, check=True
    )
    return result.stdout.strip()


def postmaster_of(server):
    with psycopg.connect(server.url()) as database:
        return psutil.Process(database.info.backend_pid).ppid()


SIGN_IN = """
from django.contrib.auth import get_user_model
from tests.events.conftest import sign_in
print(sign_in(get_user_model().objects.create_user("alice@example.com", "a long password")))
"""


def test_an_open_page_hears_what_happened_around_restarts_of_the_database(own_database, tmp_path):
    manage(own_database, "migrate", "-v0")
    session = manage(own_database, "shell", "-v0", "--no-imports", "-c", SIGN_IN)
    live = LiveProcess(tmp_path / "log", DATABASE_URL=own_database.url())
    pages = [Browser(live, session, "note:n1")]
    try:
        for number in (signal.SIGINT, signal.SIGKILL):
            pid = postmaster_of(own_database)
            os.kill(pid, number)
            wait_until(lambda pid=pid: not psutil.pid_exists(pid), what="the server to end")
            pages.append(Browser(live, session, "note:n1"))
            assert pages[-1].status == 503
            assert pages[-1].refusal.headers["retry-after"] == "2"
            if number == signal.SIGKILL:
                wait_until(lambda: live.health().get("listening") is False, what="the hub to notice")
            own_database.start()
            with psycopg.connect(own_database.url()) as database:
                event = {"topic": "note:n1", "kind": "saved", "ref": number.name, "tenant": ""}
                database.execute(PUBLISH, event)
            assert pages[0].told(1) == [("note:n1", "saved", number.name)]
        pages.append(Browser(live, session, "note:n1", last=pages[0].last))
        assert pages[-1].first.event == "ping"
    finally:
        live.stop()
        for page in pages:
            page.close()


# Under 2 s on an idle machine; one that waited for its streams would never end by itself
STOPS_WITHIN = 30


@pytest.mark.parametrize("count", [0, 500])
def test_the_live_process_stops_at_once_however_many_listen(count, tmp_path, person):
    live = LiveProcess(tmp_path / "log")
    people = [person(f"person{number}") for number in range(25)]
    pages = [Browser(live, people[number % 25].session, "note:n1") for number in range(count)]
    try:
        assert live.health()["streams"] == count
        assert live.stop() < STOPS_WITHIN
        assert live.process.returncode == 0
        assert all(page.ends_within() for page in pages)
    finally:
        live.stop()
        for page in pages:
            page.close()


def test_a_page_resumes_at_the_next_live_process(tmp_path, alice):
    first = LiveProcess(tmp_path / "log")
    page = Browser(first, alice.session, "note:n1")
    first.kill()
    assert page.ends_within()
    publish("note:n1", "saved", "meanwhile")
    second = LiveProcess(tmp_path / "log", port=first.port)
    try:
        back = Browser(second, alice.session, "note:n1", last=page.last)
        assert back.told(1) == [("note:n1", "saved", "meanwhile")]
        back.close()
    finally:
        second.stop()
        page.close()


def test_the_live_process_starts_before_the_database_is_there_and_finds_it(tmp_path, alice):
    live = LiveProcess(tmp_path / "log", wait=False, DATABASE_URL="postgres://nobody@127.0.0.1:1/nothing")
    try:
        wait_until(live.health, what="an answer")
        assert live.health()["listening"] is False
        page = Browser(live, alice.session, "note:n1")
        assert page.status == 503
    finally:
        assert live.stop() < STOPS_WITHIN
