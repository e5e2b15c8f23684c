"""Following a log: a live process as it runs in production, a real database that notifies, real clients."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest

from apps.accounts.models import User
from apps.gateways.databases import name_of, url_of
from apps.gateways.models import FunctionGateway
from apps.gateways.store import connect
from apps.logs.streaming.askers import make_ticket
from apps.tenants.models import Membership, Tenant
from apps.tenants.roles import Role
from tests.access.tokens import make_token
from tests.events.conftest import sign_in
from tests.events.live import LiveProcess
from tests.logs.follower import Follower
from tests.logs.world import Written, gateway_row
from tests.tenants.world import join, make_member

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(scope="module")
def live(django_db_setup: None, django_db_blocker: Any, tmp_path_factory: Any) -> Iterator[LiveProcess]:
    with django_db_blocker.unblock():
        process = LiveProcess(tmp_path_factory.mktemp("live") / "log", target="portal.asgi:application")
    yield process
    process.stop()


@pytest.fixture
def gateway(tidewater: Tenant, alice: User, gateway_id: str) -> FunctionGateway:
    return gateway_row(tidewater, alice, gateway_id)


@pytest.fixture
def follow(live: LiveProcess, gateway: FunctionGateway) -> Iterator[Any]:
    opened: list[Follower] = []

    def open_stream(person: User | None = None, *, headers: dict[str, str] | None = None, **query: str) -> Follower:
        sent = dict(headers or {})
        if person is not None:
            sent["Cookie"] = f"sessionid={sign_in(person)}"
        address = f"/live/logs?{urlencode({'gateway': gateway.pk, **query})}"
        opened.append(Follower(live.port, address, sent))
        return opened[-1]

    yield open_stream
    for each in opened:
        each.close()


def test_a_line_that_is_written_is_told_and_what_else_there_is_isnt(
    follow: Any, gateway: FunctionGateway, written: Written, alice: User
) -> None:
    written.line("before")
    everything, errors = follow(alice), follow(alice, level="error", q="boom")
    written.line("estimate", fields={"zone": "KR"}, request_id="req_1")
    written.line("BOOM", level="error", fields={"stack": "Error: boom\n  at track.ts:3:1"})
    first, second = everything.lines(2)
    assert (first["text"], first["request_id"], first["fields"]) == ("estimate", "req_1", {"zone": "KR"})
    assert (first["stage"], first["function"], first["version"], first["source"]) == ("dev", "track", 3, "console")
    assert second["fields"]["stack"].endswith("track.ts:3:1")
    assert [line["text"] for line in errors.lines(1)] == ["BOOM"]


def test_lines_are_told_once_whatever_the_order_of_their_commits(
    follow: Any, gateway: FunctionGateway, written: Written, alice: User
) -> None:
    import psycopg

    follower = follow(alice)
    with psycopg.connect(written.connection.info.dsn, password="another-password") as late:
        from tests.logs.world import INSERT

        late.execute(INSERT, Written._row({"text": "begun first"}))
        written.line("committed first")
        assert [line["text"] for line in follower.lines(1)] == ["committed first"]
    assert [line["text"] for line in follower.lines(1)] == ["begun first"]
    written.line("last")
    assert [line["text"] for line in follower.lines(1)] == ["last"]


def test_a_stream_goes_on_where_it_was_cut_and_a_page_where_it_was_read(
    follow: Any, gateway: FunctionGateway, written: Written, alice: User
) -> None:
    with connect(gateway.pk) as connection:
        (since,) = connection.execute("SELECT pg_current_snapshot()::text").fetchone() or ("",)
    written.line("while the page was sent")
    of_page = follow(alice, since=since)
    assert [line["text"] for line in of_page.lines(1)] == ["while the page was sent"]
    written.line("told")
    of_page.lines(1)
    last = of_page.last_id
    of_page.close()
    written.line("missed")
    again = follow(alice, headers={"Last-Event-ID": last})
    written.line("after")
    assert [line["text"] for line in again.lines(2)] == ["missed", "after"]


def test_a_token_follows_by_header_and_by_ticket(
    follow: Any, gateway: FunctionGateway, written: Written, alice: User
) -> None:
    token = make_token(alice, "functions:read")
    by_header = follow(headers={"Authorization": f"Bearer {token.secret.reveal()}"})
    by_ticket = follow(ticket=make_ticket(token, gateway.pk))
    written.line("told to programs")
    for each in (by_header, by_ticket):
        assert [line["text"] for line in each.lines(1)] == ["told to programs"]


def test_walls(
    follow: Any, gateway: FunctionGateway, alice: User, bob: User, charlie: User, hanbit: Tenant, tidewater: Tenant
) -> None:
    assert follow(bob).status == 200
    assert follow(None).status == 401
    assert follow(charlie).status == 404
    manager = make_member("mia", tidewater, Role.BUSINESS_MANAGER)
    assert follow(manager.person).status == 404
    too_narrow = make_token(alice, "gateways:read")
    assert follow(headers={"Authorization": f"Bearer {too_narrow.secret.reveal()}"}).status == 404
    join(alice, hanbit, Role.OWNER)
    of_another = make_token(alice, "functions:read", tenant=hanbit)
    assert follow(headers={"Authorization": f"Bearer {of_another.secret.reveal()}"}).status == 404
    assert follow(headers={"Authorization": "Bearer imp_pat_nothing"}).status == 401
    good = make_token(alice, "functions:read")
    assert follow(ticket=make_ticket(good, "gw_another")).status == 403
    assert follow(alice, gateway="gw_nothing").status == 404
    assert follow(alice, level="loud").status == 422
    assert follow(alice, since="1:2:x").status == 422
    assert follow(alice, since="5:3:").status == 422
    assert follow(alice, headers={"Origin": "https://elsewhere.example"}).status == 403


def test_whoever_may_no_longer_is_cut_off(
    follow: Any, gateway: FunctionGateway, written: Written, alice: User, bob: User
) -> None:
    stays, goes = follow(alice), follow(bob)
    token = make_token(alice, "functions:read")
    revoked = follow(headers={"Authorization": f"Bearer {token.secret.reveal()}"})
    Membership.objects.filter(person=bob).delete()
    from apps.access.services import revoke_token

    revoke_token(actor=alice, token=token)
    for each in (goes, revoked):
        assert each.until("ended")["because"] == "not-allowed"
        assert each.has_ended()
    written.line("for those who may")
    assert [line["text"] for line in stays.lines(1)] == ["for those who may"]


def test_a_burst_is_told_with_a_word_on_what_was_left_out(
    follow: Any, gateway: FunctionGateway, written: Written, alice: User
) -> None:
    follower = follow(alice)
    with connect(gateway.pk) as connection:
        connection.execute(
            "INSERT INTO imp.logs (at, stage, level, text) "
            "SELECT clock_timestamp(), 'dev', 'info', number::text FROM generate_series(1, 5000) AS number"
        )
    assert follower.until("skipped")["count"] == 4_000
    lines = follower.lines(1_000)
    assert [line["text"] for line in lines] == [str(number) for number in range(4_001, 5_001)]


def test_what_functions_notify_is_no_line(follow: Any, gateway: FunctionGateway, written: Written, alice: User) -> None:
    """They may: PostgreSQL knows no right to it."""
    import psycopg

    follower = follow(alice)
    with psycopg.connect(url_of(name_of(gateway.pk), "a-password"), autocommit=True) as functions:
        functions.execute("SELECT pg_notify('logged', %s)", ['{"level": "error", "text": "The platform is on fire"}'])
        functions.execute(
            "DO $$ BEGIN FOR n IN 1..2000 LOOP PERFORM pg_notify('logged', n || repeat('x', 7000)); END LOOP; END $$"
        )
        written.line("a true one")
        functions.execute("NOTIFY logged")
    written.line("another one")
    assert [line["text"] for line in follower.lines(2)] == ["a true one", "another one"]


def test_one_process_has_one_connection_for_all_who_follow(
    follow: Any, gateway: FunctionGateway, written: Written, alice: User, bob: User
) -> None:
    followers = [follow(alice), follow(alice), follow(bob)]
    assert all(each.status == 200 for each in followers)
    listening = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'ClientRead'"
    with connect(gateway.pk) as connection:
        found = connection.execute(f"{listening} AND query ~ 'pg_current_snapshot|LISTEN'").fetchone()
    assert found is not None
    assert found[0] == 1


def test_one_person_opens_no_more_than_their_share(
    follow: Any, gateway: FunctionGateway, alice: User, bob: User
) -> None:
    from apps.logs.streaming.stream import MOST_OF_PERSON

    assert [follow(alice).status for _ in range(MOST_OF_PERSON)] == [200] * MOST_OF_PERSON
    refused = follow(alice)
    assert refused.status == 429
    assert refused.headers["retry-after"] == "15"
    assert follow(bob).status == 200
