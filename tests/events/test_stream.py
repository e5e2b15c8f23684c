"""What a page hears, from a live process as it runs in production."""

import http.client
import re
import socket
import time
from datetime import timedelta

import psutil
import pytest
from django.db import connection, transaction
from django.utils import timezone

from apps.accounts.models import Session
from apps.core.events import publish
from apps.core.events.models import Event
from apps.core.events.position import Position
from apps.core.events.stream import MOST_STREAMS, MOST_TOPICS
from tests.events.live import PATIENCE, wait_until

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_page_hears_what_is_published_after_the_commit(listen, alice):
    page = listen(alice, "note:n1")
    with transaction.atomic():
        publish("note:n1", "saved", "rev_7")
        assert page.is_silent()
    assert page.told(1) == [("note:n1", "saved", "rev_7")]


def test_a_rollback_reaches_no_page(listen, alice):
    page = listen(alice, "note:n1")
    with transaction.atomic():
        publish("note:n1", "saved")
        transaction.set_rollback(True)
    assert page.is_silent()


def test_a_page_hears_its_topics_only_and_in_order(listen, alice):
    page = listen(alice, "note:n1", "note:n2")
    with transaction.atomic():
        for number in range(20):
            for note in ("n1", "n2", "n3"):
                publish(f"note:{note}", "saved", str(number))
    assert page.told(40) == [(f"note:{note}", "saved", str(n)) for n in range(20) for note in ("n1", "n2")]
    assert page.is_silent()


def test_what_is_told_can_hold_any_text(listen, alice):
    page = listen(alice, "note:n1")
    publish("note:n1", "saved", 'a\n\ndata: "b"\r한')
    assert page.told(1) == [("note:n1", "saved", 'a\n\ndata: "b"\r한')]


def test_the_answer_is_a_stream_that_nothing_on_the_way_collects(listen, alice):
    page = listen(alice, "note:n1")
    headers = dict(page.response.getheaders())
    assert headers["content-type"] == "text/event-stream"
    assert headers["cache-control"] == "no-cache, no-transform"
    assert headers["x-accel-buffering"] == "no"
    assert "content-encoding" not in headers
    assert re.fullmatch(r"req_\w{26}", headers["x-request-id"])


# --- Who may listen --------------------------------------------------------------------------------


def test_without_a_session_nobody_listens(live):
    answer = live.get("/live/events?topic=note:n1")
    assert answer.status == 401
    assert answer.problem["type"].endswith("/errors/not-signed-in")


@pytest.mark.parametrize("session", ["", "unknown", "x" * 5000, "'; DROP TABLE core_event; --", "%00"])
def test_a_wrong_session_is_nobody(live, transactional_db, session):
    assert live.get("/live/events?topic=note:n1", Cookie=f"sessionid={session}").status == 401


def test_an_expired_session_is_nobody(listen, alice):
    Session.objects.update(expire_date=timezone.now() - timedelta(seconds=1))
    assert listen(alice, "note:n1").status == 401


def test_somebody_elses_topic_is_refused_by_name(listen, alice, bob):
    page = listen(alice, "note:n1", f"person:{alice.pk}", f"person:{bob.pk}", "nobody-declared-this")
    assert page.status == 403
    assert page.refusal.problem["topics"] == sorted([f"person:{bob.pk}", "nobody-declared-this"])


@pytest.mark.parametrize("topic", ["", "note:", ":", "note:a b", "NOTE:n1", "x" * 200, "note:\x00", "person:%"])
def test_a_malformed_topic_is_refused(listen, alice, topic):
    page = listen(alice, topic)
    assert page.status == 403
    assert page.refusal.problem["topics"] == [topic]


def test_a_rule_that_fails_refuses_its_own_topic_only(listen, alice):
    page = listen(alice, "broken", "note:n1")
    assert page.status == 403
    assert page.refusal.problem["topics"] == ["broken"]


def test_a_stream_without_a_topic_is_refused(listen, alice):
    page = listen(alice)
    assert page.status == 422
    assert page.refusal.problem["errors"][0]["path"] == "?topic"


def test_a_stream_of_too_many_topics_is_refused(listen, alice):
    assert listen(alice, *(f"note:{n}" for n in range(MOST_TOPICS + 1))).status == 422
    assert listen(alice, *(f"note:{n}" for n in range(MOST_TOPICS))).status == 200


def test_a_person_has_so_many_streams_and_no_more(listen, alice, bob):
    pages = [listen(alice, "note:n1") for _ in range(MOST_STREAMS)]
    one_more = listen(alice, "note:n1")
    assert one_more.status == 429
    assert one_more.refusal.headers["retry-after"] == "15"
    assert listen(bob, "note:n1").status == 200
    pages[0].close()
    wait_until(lambda: listen(alice, "note:n1").status == 200, what="the place of a closed page")


def test_a_stream_is_cut_soon_after_its_right_is_gone(listen, person, bob):
    out, inactive, reset, demoted = (person(name, is_staff=True) for name in ("out", "inactive", "reset", "demoted"))
    pages = [listen(each, "operators") for each in (out, inactive, reset, demoted)]
    other = listen(bob, "note:n1")
    Session.objects.filter(person=out).delete()
    type(bob).objects.filter(pk=inactive.pk).update(is_active=False)
    type(bob).objects.filter(pk=demoted.pk).update(is_staff=False)
    reset.set_password("another long password")
    reset.save()
    # Fifteen seconds are promised; on a busy machine this is about that they are cut at all, and by themselves
    until = time.monotonic() + PATIENCE
    assert [page.ends_within(until - time.monotonic()) for page in pages] == [True] * 4
    again = [listen(each, "operators").status for each in (out, inactive, reset, demoted)]
    assert again == [401, 401, 401, 403]
    publish("note:n1", "saved")
    assert other.told(1) == [("note:n1", "saved", "")]


@pytest.mark.parametrize(
    ("origin", "status", "allowed"),
    [
        (None, 200, False),
        ("http://localhost:8000", 200, True),
        ("http://localhost:8002", 403, False),
        ("https://localhost:8000", 403, False),
        ("http://localhost.evil.example:8000", 403, False),
        ("http://127.0.0.1:8000", 403, False),
        ("null", 403, False),
    ],
)
def test_only_our_own_pages_may_read(live, alice, origin, status, allowed):
    page = http.client.HTTPConnection("localhost", live.port, timeout=PATIENCE)
    headers = {"Cookie": f"sessionid={alice.session}"} | ({"Origin": origin} if origin else {})
    page.request("GET", "/live/events?topic=note:n1", headers=headers)
    response = page.getresponse()
    assert response.status == status
    assert response.getheader("access-control-allow-origin") == (origin if allowed else None)
    assert response.getheader("access-control-allow-credentials") == ("true" if allowed else None)
    assert "Origin" in response.getheader("vary")
    page.sock.shutdown(socket.SHUT_RDWR)
    response.close()
    page.close()


def test_a_foreign_host_name_is_refused(live, alice):
    answer = live.get("/live/events?topic=note:n1", Host="evil.example", Cookie=f"sessionid={alice.session}")
    assert answer.status == 400


def test_the_live_process_answers_nothing_else(live):
    assert live.get("/admin/").status == 404
    assert live.get("/live/other").problem["status"] == 404


# --- Coming back -----------------------------------------------------------------------------------


def test_a_page_that_comes_back_hears_what_it_missed_and_nothing_twice(listen, alice):
    page = listen(alice, "note:n1")
    publish("note:n1", "saved", "1")
    publish("note:n1", "saved", "2")
    assert page.told(2) == [("note:n1", "saved", "1"), ("note:n1", "saved", "2")]
    page.close()
    publish("note:n1", "saved", "3")
    publish("note:n2", "saved", "other")
    publish("note:n1", "saved", "4")
    back = listen(alice, "note:n1", last=page.last)
    assert back.told(2) == [("note:n1", "saved", "3"), ("note:n1", "saved", "4")]
    publish("note:n1", "saved", "5")
    assert back.told(1) == [("note:n1", "saved", "5")]
    assert back.is_silent()


def test_a_transaction_that_commits_late_with_a_lower_id_is_not_lost(listen, alice):
    """The sequence gives 1 to a slow transaction and 2 to a quick one; the page has seen 2 before 1 exists."""
    slow = connection.copy()
    try:
        slow.set_autocommit(False)
        with slow.cursor() as cursor:
            cursor.execute("INSERT INTO core_event (topic, kind, ref) VALUES ('note:n1', 'saved', 'slow') RETURNING id")
            (lower,) = cursor.fetchone()
        page = listen(alice, "note:n1")
        away = listen(alice, "note:n1")
        publish("note:n1", "saved", "quick")
        assert page.told(1) == away.told(1) == [("note:n1", "saved", "quick")]
        away.close()
        assert Event.objects.get(ref="quick").pk > lower
        with slow.cursor() as cursor:
            cursor.execute("SELECT pg_notify('imp_events', 'note:n1')")
        slow.commit()
    finally:
        slow.close()
    assert page.told(1) == [("note:n1", "saved", "slow")]
    back = listen(alice, "note:n1", last=away.last)
    assert back.told(1) == [("note:n1", "saved", "slow")]
    assert back.is_silent()


def test_rows_whose_transaction_number_was_given_twice_are_not_lost(listen, alice):
    """After a crash Postgres may reuse the number of a transaction that left no trace."""
    page = listen(alice, "note:n1")
    page.close()
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO core_event (topic, kind, ref, transaction) VALUES ('note:n1', 'saved', 'reused', '3'::xid8)"
        )
        cursor.execute("SELECT pg_notify('imp_events', 'note:n1')")
    back = listen(alice, "note:n1", last=page.last)
    assert back.told(1) == [("note:n1", "saved", "reused")]


def test_a_ping_moves_the_position_of_a_quiet_page(listen, alice):
    page = listen(alice, "note:n1")
    publish("note:n2", "saved")
    ping = page.next()
    assert ping.event == "ping"
    before, after = Position.parse(page.first.id), Position.parse(ping.id)
    assert before
    assert after
    assert after.is_after(before)


@pytest.mark.parametrize(
    "last",
    ["nonsense", "1-1-1-", "5", "-1", "0" * 5000, f"{2**40}-{2**62}-{2**62}-", f"9-9-{2**64}-", "1-2-3-4.", "1-2-3-٣"],
)
def test_a_position_from_elsewhere_starts_afresh(listen, alice, last):
    page = listen(alice, "note:n1", last=last.encode().decode("latin-1"))
    assert page.first.event == "resync"
    publish("note:n1", "saved")
    assert page.told(1) == [("note:n1", "saved", "")]


def test_a_position_that_is_too_old_starts_afresh(listen, alice):
    page = listen(alice, "note:n1")
    now = Position.parse(page.first.id)
    assert now
    for seconds, event in ((1_900, "resync"), (1_700, "ping")):
        older = Position(now.at - seconds, now.last_id, now.next_transaction, now.running)
        assert listen(alice, "note:n1", last=str(older)).first.event == event


def test_too_much_to_replay_starts_afresh(listen, alice):
    page = listen(alice, "note:n1")
    before = page.last
    with transaction.atomic():
        for number in range(501):
            publish("note:n1", "saved", str(number))
    # Only once the hub has read them are they something to replay; else they'd be told as they come
    page.told(501)
    assert listen(alice, "note:n1", last=before).first.event == "resync"


def test_what_happened_between_the_page_and_its_stream_is_heard(listen, alice):
    """The page says how old it is, so a change while it was loading isn't lost."""

    def remembers() -> bool:
        page = listen(alice, "note:x", age="1")
        page.close()
        return page.first.event == "ping"

    wait_until(remembers, what="the live process to know what was a second ago", every=1)
    loading = time.monotonic()
    publish("note:n1", "saved", "while loading")
    page = listen(alice, "note:n1", age=str(time.monotonic() - loading))
    assert page.told(1) == [("note:n1", "saved", "while loading")]


@pytest.mark.parametrize("age", ["86400", "nan", "x", "1e999"])
def test_a_page_older_than_the_live_process_starts_afresh(listen, alice, age):
    assert listen(alice, "note:n1", age=age).first.event == "resync"


# --- Many and slow ---------------------------------------------------------------------------------


def test_sixty_pages_hear_the_same_over_as_few_connections_as_one(live, listen, person):
    people = [person(f"person{number}") for number in range(6)]
    listen(people[0], "note:n1")
    before = database_connections()
    pages = [listen(each, "note:n1", f"person:{each.pk}") for each in people for _ in range(10)]
    publish("note:n1", "saved", "for all")
    publish(f"person:{people[2].pk}", "invited", "for one")
    expected = ("note:n1", "saved", "for all")
    for number, page in enumerate(pages):
        if number // 10 == 2:
            assert page.told(2) == [expected, (f"person:{people[2].pk}", "invited", "for one")]
        else:
            assert page.told(1) == [expected]
    assert live.health()["streams"] >= 61
    # One or the other thread more may have asked for a right; sixty would be one for each page
    assert database_connections() <= before + 3


def database_connections() -> int:
    """Of clients, as Postgres counts its own housekeeping too."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND backend_type = 'client backend'"
        )
        return cursor.fetchone()[0]


MANY = """
INSERT INTO core_event (topic, kind, ref) SELECT 'note:n1', 'saved', repeat('x', 200) FROM generate_series(1, 200)
"""


def test_a_slow_page_costs_no_memory_and_starts_afresh(live, listen, alice, bob):
    quick, slow = listen(bob, "note:pace"), listen(alice, "note:n1", frozen=True)
    process = max(psutil.Process(live.process.pid).children(recursive=True), key=lambda each: each.memory_info().rss)
    before = process.memory_info().rss
    for _ in range(600):
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute(MANY)
            publish("note:pace", "saved")
        quick.told(1)
    grown = (process.memory_info().rss - before) / 1e6
    assert grown < 15, f"{grown} MB more for the 30 MB that nobody read"
    slow.thaw()
    slow.until(lambda message: message.event == "resync")
    publish("note:n1", "saved", "last")
    slow.until(lambda message: message.event == "message" and message.told[2] == "last")
