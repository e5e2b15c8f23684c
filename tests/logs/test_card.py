"""Warnings and errors on a gateway's first page: what they say, where they lead, and what keeps the page quick."""

import re
from datetime import timedelta
from html import unescape

import pytest
from django.http import HttpResponse
from django.test import Client

from apps.accounts.models import User
from apps.core.errors import NotAllowed
from apps.gateways.models import FunctionGateway
from apps.gateways.store import connect
from apps.logs import selectors
from apps.logs.reading import REPEATED
from apps.tenants.models import Tenant
from apps.tenants.roles import Role
from tests.gateways.contract import some_gateway
from tests.gateways.pages import ASKING, GATEWAYS
from tests.logs.world import Written, gateway_row, moment
from tests.tenants.pages import as_
from tests.tenants.world import make_member

pytestmark = pytest.mark.django_db
IN_CARD = {"HX-Request": "true", "HX-Target": "warned"}
HOUR = 3_600.0


@pytest.fixture
def gateway(tidewater: Tenant, alice: User, gateway_id: str) -> FunctionGateway:
    return gateway_row(tidewater, alice, gateway_id)


def ask(person: User, gateway: FunctionGateway, seen: str = "") -> HttpResponse:
    query = {"seen": seen} if seen else {}
    return as_(person).get(f"{GATEWAYS}/{gateway.pk}/logs/warned", query, headers=IN_CARD)


def lines_of(response: HttpResponse) -> list[str]:
    return re.findall(r"<li .*?</li>", response.content.decode(), re.DOTALL)


def follow(client: Client, line: str, link: str) -> str:
    """What the log shows there."""
    found = re.search(rf'id="{link}-\d+" href="([^"]*)"', line)
    assert found, line
    page = client.get(unescape(found[1])).content.decode()
    assert 'role="alert"' not in page
    return "\n".join(re.findall(r'<span class="said">(.*?)</span>', page, re.DOTALL))


def test_what_went_wrong_in_a_day_comes_newest_first_and_what_repeats_once(
    gateway: FunctionGateway, written: Written, alice: User
) -> None:
    late = {"text": "signature too old", "level": "warn", "function": "hooks", "stage": "prod"}
    written.lines([{**late, "at": moment(60.0 * ago), "request_id": f"req_{ago}"} for ago in (3, 5, 7)])
    written.line("no such zone", level="error", at=moment(HOUR), fields={"stack": "Error\n    at zone (zones.ts:3:9)"})
    written.line("<b>a draft's</b>", level="warn", version=0, at=moment(2 * HOUR))
    written.line("fine", level="info")
    written.line("long ago", level="error", at=moment(25 * HOUR))
    response = ask(alice, gateway)
    first, second, third = lines_of(response)
    for said in ("prod/hooks", "3 times", "req_3", "3 min ago", "is-warn"):
        assert said in first, said
    for said in ("dev/track", "no such zone", "at zone (zones.ts:3:9)", "is-bad"):
        assert said in second, said
    assert "times" not in second
    assert "&lt;b&gt;a draft&#x27;s&lt;/b&gt;" in third
    assert "dev/track (draft)" in third
    assert "no-store" in response["Cache-Control"]


def test_each_line_leads_to_its_function_to_those_that_say_the_same_and_to_its_call(
    gateway: FunctionGateway, written: Written, alice: User
) -> None:
    of = {"level": "warn", "function": "hooks", "stage": "prod"}
    written.lines([{**of, "text": "100% late_\nby far", "request_id": each} for each in ("req_1", "req_2")])
    written.line("by another", **of, at=moment(60.0))
    written.line("of that call", level="info", request_id="req_2", stage="prod", function="other")
    written.line("elsewhere", level="warn")
    written.line("long ago", **of, at=moment(25 * HOUR))
    (line,) = [each for each in lines_of(ask(alice, gateway)) if "100% late_" in each]
    client = as_(alice)
    assert follow(client, line, "from").splitlines() == ["by another", *["100% late_", "by far"] * 2]
    assert follow(client, line, "same").splitlines() == ["100% late_", "by far"] * 2
    assert follow(client, line, "call").splitlines() == ["100% late_", "by far", "of that call"]


def test_a_flood_is_counted_as_far_as_it_goes_and_says_so(
    gateway: FunctionGateway, written: Written, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(selectors, "COUNTED_AMONG", 20)
    monkeypatch.setattr("apps.logs.views.card.COUNTED_AMONG", 20)
    written.lines([{"text": "over and over", "level": "error"}] * 19)
    assert "Of the newest" not in ask(alice, gateway).content.decode()
    written.lines([{"text": f"another {number}", "level": "warn"} for number in range(10)])
    response = ask(alice, gateway)
    assert len(lines_of(response)) == 8
    assert "Of the newest 20" in response.content.decode()


def test_asked_again_it_answers_only_what_is_new(gateway: FunctionGateway, written: Written, alice: User) -> None:
    written.line("late", level="warn")

    def mark_of(response: HttpResponse) -> str:
        return re.findall(r"seen&quot;: &quot;(\w+)&quot;", response.content.decode())[0]

    first = ask(alice, gateway)
    # Should a minute begin in between
    again = ask(alice, gateway, mark_of(first))
    if again.status_code == 200:
        again = ask(alice, gateway, mark_of(again))
    assert (again.status_code, again.content) == (204, b"")
    written.line("later", level="warn")
    assert len(lines_of(ask(alice, gateway, mark_of(first)))) == 2


def test_the_page_does_not_wait_for_it_and_its_news_do_not_take_it_away(
    gateway: FunctionGateway, written: Written, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    written.line("late", level="warn")
    page = as_(alice).get(f"{GATEWAYS}/{gateway.pk}").content.decode()
    frame = re.search(r'<section class="card" id="warned".*?</section>', page, re.DOTALL)
    assert frame
    assert f'hx-get="{GATEWAYS}/{gateway.pk}/logs/warned"' in frame[0]
    assert 'hx-trigger="load, every 15s"' in frame[0]
    assert "late" not in frame[0]
    seen = re.findall(r'"seen": "([^"]*)"', page)[-1]
    written.line("later", level="warn")
    # As a minute later, when its links begin elsewhere
    monkeypatch.setattr("apps.logs.views.card.SPAN", timedelta(hours=23))
    news = as_(alice).get(f"{GATEWAYS}/{gateway.pk}", {"seen": seen}, headers=ASKING).content.decode()
    assert 'id="warned"' not in news
    answer = ask(alice, gateway).content.decode()
    assert 'hx-trigger="every 15s"' in answer


def test_without_any_it_says_what_would_show_up_and_without_the_database_what_is_the_matter(
    gateway: FunctionGateway, written: Written, alice: User, tidewater: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "No warnings or errors" in ask(alice, gateway).content.decode()
    away = ask(alice, some_gateway(tidewater, alice))
    assert away.status_code == 200
    assert "The log can't be read at the moment" in unescape(away.content.decode())
    monkeypatch.setattr(selectors, "WARNED_WITHIN_MS", 20)
    with connect(gateway.pk) as other:
        other.execute("LOCK TABLE imp.logs IN ACCESS EXCLUSIVE MODE")
        slow = ask(alice, gateway)
    assert slow.status_code == 200
    assert "The search took too long" in slow.content.decode()
    assert "hx-trigger" in slow.content.decode()


def test_whoever_comes_without_the_page_is_led_to_the_log(
    gateway: FunctionGateway, written: Written, alice: User
) -> None:
    written.lines([{"text": "late", "level": "warn"}, {"text": "fine"}])
    written.line("long ago", level="error", at=moment(25 * HOUR))
    client = as_(alice)
    answer = client.get(f"{GATEWAYS}/{gateway.pk}/logs/warned")
    assert answer.status_code == 302
    page = client.get(answer["Location"]).content.decode()
    assert re.findall(r'<span class="said">(.+?)</span>', page) == ["late"]


def test_who_may_not_read_functions_is_told_nothing(
    gateway: FunctionGateway, written: Written, bob: User, charlie: User, tidewater: Tenant
) -> None:
    written.line("a secret of ours", level="error")
    assert b"a secret of ours" in ask(bob, gateway).content
    manager = make_member("mia", tidewater, Role.BUSINESS_MANAGER)
    for person, status in ((charlie, 404), (manager.person, 403)):
        response = ask(person, gateway)
        assert response.status_code == status
        assert b"a secret of ours" not in response.content
    with pytest.raises(NotAllowed):
        selectors.read_warned(actor=manager, gateway=gateway, since=moment(HOUR))


def test_few_among_many_are_found_by_their_own_index(gateway: FunctionGateway, written: Written) -> None:
    with connect(gateway.pk) as connection:
        connection.execute(
            "INSERT INTO imp.logs (at, stage, level, text)"
            " SELECT now() - n * interval '1 microsecond', 'dev', 'info', 'x' FROM generate_series(1, 5000) AS n"
        )
        connection.execute("ANALYZE imp.logs")
        values = {"since": moment(24 * HOUR), "ahead": moment() + timedelta(days=1), "among": 1_000, "limit": 8}
        plan = "\n".join(row for (row,) in connection.execute(f"EXPLAIN {REPEATED}", values).fetchall())
        of_today = "SELECT indexname FROM pg_indexes WHERE tablename = %s AND indexdef LIKE '%%WHERE%%level%%'"
        ((index,),) = connection.execute(of_today, [f"logs_{moment():%Y%m%d}"]).fetchall()
    assert f"using {index} on" in plan
