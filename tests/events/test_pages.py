"""Live parts in Chromium."""

import re
import time
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Locator, Page, expect

from apps.accounts.models import Session
from apps.core.events import publish
from tests.browser.checks import check_accessibility
from tests.events.live import LiveProcess, wait_until
from tests.events.urls import meanwhile

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.urls("tests.events.urls")]

LOST = r"live/events|ERR_|Failed to fetch"


@pytest.fixture
def open_page(page: Page, signed_in, alice):
    def open_it(**options) -> Page:
        signed_in(alice)
        with page.expect_response(lambda answer: "note%3An1" in answer.url and answer.status == 200):
            page.goto("/live-test/", **options)
        expect(page.locator("#n2 output")).to_be_visible()
        return page

    return open_it


def number(page: Page, part: str) -> int:
    return int(page.locator(f"#{part} output").inner_text())


def settled(page: Page, part: str) -> int:
    """Its number once it's no longer being asked for."""
    before = -1
    while before != (before := number(page, part)) or page.locator(".htmx-request").count():
        # Longer than a topic waits before it's told again
        page.wait_for_timeout(700)
    return before


def changes(page: Page, part: str, before: int) -> int:
    expect(page.locator(f"#{part} output")).not_to_have_text(str(before))
    return number(page, part)


def test_a_part_asks_for_itself_when_something_happens_on_its_topic(open_page):
    page = open_page()
    n1, n2 = number(page, "n1"), number(page, "n2")
    publish("note:n1", "saved")
    n1 = changes(page, "n1", n1)
    assert number(page, "n2") == n2
    publish("note:n2", "saved")
    publish("note:n2", "acked")
    n2 = changes(page, "n2", n2)
    publish("note:all", "acked")
    changes(page, "n1", n1)
    changes(page, "n2", n2)


def test_a_burst_is_one_refetch_or_a_few_and_the_last_one_counts(open_page):
    page = open_page()
    before, began = number(page, "n1"), time.monotonic()
    for _ in range(100):
        publish("note:n1", "saved")
    changes(page, "n1", before)
    asked = settled(page, "n1") - before
    # Four times a second for as long as news came, and a few for its beginning and its end
    assert 1 <= asked <= 4 + 4 * (time.monotonic() - began)
    # One that comes while a refetch is on its way is not lost with the element that the answer replaces
    meanwhile.append(lambda: publish("note:n1", "saved"))
    before = number(page, "n1")
    publish("note:n1", "saved")
    expect(page.locator("#n1 output")).to_have_text(str(before + 2))


def test_news_of_a_list_waits_for_what_somebody_asked_for(page, signed_in, alice):
    signed_in(alice)
    with page.expect_response(lambda answer: "note%3Alist" in answer.url and answer.status == 200):
        page.goto("/live-test/list")
    page.evaluate("document.querySelector('#heard').addEventListener('live', (event) => event.target.append('!'))")
    shown, sheet, held = page.locator("#list p"), page.locator("#sheet h2"), []

    # What opens a form isn't given up for news, which come once it's there
    page.route("**/live-test/form", lambda route: held.append(route), times=1)
    page.locator("#open").click()
    wait_for(page, lambda: held)
    seen = number(page, "list")
    tell(page)
    expect(page.locator("#list output")).to_have_text(str(seen))
    held.pop().continue_()
    expect(sheet).to_be_visible()
    seen = changes(page, "list", seen)
    put_away(page, sheet)

    # What has come is ready at once; a click a moment later would load another page
    page.evaluate(
        "document.addEventListener('htmx:afterRequest', () => document.querySelector('#open').click(), { once: true })"
    )
    tell(page)
    expect(sheet).to_be_visible()
    put_away(page, sheet)

    # A link that is being pressed stays until it's let go
    hold_refetch(page, held)
    page.locator("#open").hover()
    page.mouse.down()
    with page.expect_event("requestfinished"):
        held.pop().continue_()
    page.mouse.up()
    expect(sheet).to_be_visible()
    seen = changes(page, "list", seen)
    put_away(page, sheet)

    # What the form's request gave up is asked for again
    hold_refetch(page, held)
    held.clear()
    page.locator("#open").click()
    expect(sheet).to_be_visible()
    seen = changes(page, "list", seen)
    put_away(page, sheet)

    # An answer that comes late doesn't bring back the page that was left
    hold_refetch(page, held)
    page.locator("#next").click()
    expect(shown).to_have_text("Page 2")
    seen = number(page, "list")
    with page.expect_event("requestfinished"):
        held.pop().continue_()
    # And what happens from now on is told
    tell(page)
    changes(page, "list", seen)
    expect(shown).to_have_text("Page 2")

    # What happened while the page was on its way, which doesn't show it, isn't lost
    page.route("**/live-test/list/2", lambda route: held.append((route, route.fetch())), times=1)
    page.locator("#next").click()
    wait_for(page, lambda: held)
    tell(page)
    route, answer = held.pop()
    seen = re.search(r"<output>(\d+)", answer.text())[1]
    route.fulfill(response=answer)
    changes(page, "list", seen)


def hold_refetch(page: Page, held: list[Any]) -> None:
    """Something happened in the list, which has asked for itself; what it's answered waits."""
    page.route("**/live-test/list/1", lambda route: held.append(route), times=1)
    tell(page)
    wait_for(page, lambda: held)


def put_away(page: Page, sheet: Locator) -> None:
    page.keyboard.press("Escape")
    expect(sheet).to_be_hidden()


def tell(page: Page) -> None:
    """Something happens in the list; the page has heard of it once this returns."""
    before = page.locator("#heard").inner_text()
    publish("note:list", "saved")
    publish("note:heard", "saved")
    expect(page.locator("#heard")).to_have_text(f"{before}!")


def test_the_page_has_one_stream_for_the_topics_that_are_there(open_page, page, live_beside_pages, alice):
    streams = []
    page.on("request", lambda request: "/live/events" in request.url and streams.append(request.url))
    open_page()
    n1 = number(page, "n1")
    publish("note:n1", "saved")
    changes(page, "n1", n1)
    page.locator("#more").click()
    wait_for(page, lambda: "note:n3" in topics(streams[-1]))
    assert topics(streams[-1]) == {"note:n1", "note:n2", "note:n3", "note:all", f"account:{alice.pk}"}
    # From the news on that the one before has told
    assert "last=" in streams[-1]
    n3 = number(page, "n3")
    publish("note:n3", "saved")
    changes(page, "n3", n3)
    page.locator("#less").click()
    wait_for(page, lambda: topics(streams[-1]) == {"note:n2", "note:n3", "note:all", f"account:{alice.pk}"})
    wait_until(lambda: live_beside_pages.health()["streams"] == 1, what="one stream")


def topics(address: str) -> set[str]:
    return set(parse_qs(urlsplit(address).query)["topic"])


def wait_for(page: Page, condition) -> None:
    """Lets the page's events arrive meanwhile, which sleeping wouldn't."""
    until = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < until
        page.wait_for_timeout(50)


def test_a_hidden_tab_gives_its_stream_back_and_is_told_what_it_missed(open_page, live_beside_pages):
    page = open_page()
    # That of the test before may be about to end
    wait_until(lambda: live_beside_pages.health()["streams"] == 1, what="one stream")
    hide(page, True)
    wait_until(lambda: live_beside_pages.health()["streams"] == 0, what="the stream of a hidden tab to end")
    expect(page.locator("#live-strip")).to_be_hidden()
    n1 = number(page, "n1")
    publish("note:n1", "saved")
    page.wait_for_timeout(300)
    assert number(page, "n1") == n1
    hide(page, False)
    changes(page, "n1", n1)


def hide(page: Page, hidden: bool) -> None:
    page.evaluate(
        """(hidden) => {
            Object.defineProperty(document, 'hidden', { configurable: true, get: () => hidden });
            document.dispatchEvent(new Event('visibilitychange'));
        }""",
        hidden,
    )


def test_ten_tabs_that_were_opened_behind_each_other_leave_each_other_connections(
    page, context, signed_in, alice, live_beside_pages
):
    """HTTP/1.1 gives a browser six connections to a host."""
    wait_until(lambda: live_beside_pages.health()["streams"] == 0, what="the streams of the test before to end")
    signed_in(alice)
    context.add_init_script("Object.defineProperty(document, 'hidden', { configurable: true, get: () => true })")
    tabs = [context.new_page() for _ in range(10)]
    for tab in tabs:
        tab.goto("/live-test/")
        expect(tab.locator("#n1 output")).to_be_visible()
    assert live_beside_pages.health()["streams"] == 0
    for tab in tabs:
        hide(tab, False)
        n1 = number(tab, "n1")
        wait_until(lambda: live_beside_pages.health()["streams"] >= 1, what="the stream of the tab in front")
        publish("note:n1", "saved")
        changes(tab, "n1", n1)
        hide(tab, True)


def test_the_strip_comes_after_three_seconds_without_a_stream_and_goes_with_its_return(
    page, signed_in, alice, problems, settings, live_port, live_server, tmp_path
):
    problems.allow(LOST)
    own = LiveProcess(tmp_path / "log", PORT=live_server.url.rpartition(":")[2])
    settings.LIVE_PORT = own.port
    signed_in(alice)
    page.clock.install()
    try:
        page.goto("/live-test/")
        wait_until(lambda: own.health()["streams"] == 1, what="the page's stream")
        n1, text = settled(page, "n1"), page.locator("#n1 h2").inner_text()
        strip = page.locator("#live-strip")
        stop_the_clock(page)
        with page.expect_request_finished(lambda request: "/live/events" in request.url):
            own.stop()
        # The page may hear of it somewhat later than the test
        without = 0
        while strip.is_hidden():
            page.clock.run_for(250)
            without += 250
            assert without < 60_000
        assert without >= 3_000
        expect(strip).to_contain_text(re.compile(r"Reconnecting\. .* Next try in \d+ s\."))
        expect(page.locator("#n1 h2")).to_have_text(re.compile(rf"{text} as of \d\d:\d\d:\d\d"))
        page.clock.resume()
        check_accessibility(page)
        stop_the_clock(page)
        publish("note:n1", "saved")
        # After so many tries in vain the next one is far away
        for _ in range(7):
            with page.expect_event("requestfailed", lambda request: "/live/events" in request.url):
                page.clock.run_for(31_000)
        own = LiveProcess(tmp_path / "log", port=own.port, PORT=live_server.url.rpartition(":")[2])
        strip.get_by_role("button", name="Try now").click()
        expect(strip).to_be_hidden()
        page.clock.resume()
        changes(page, "n1", n1)
        expect(page.locator("#n1 h2")).to_have_text(text)
    finally:
        own.stop()


def stop_the_clock(page: Page) -> None:
    """The page's time stands still until it is told to run: a busy machine's seconds don't count."""
    page.clock.pause_at(page.evaluate("Date.now()") / 1000 + 1)


def test_a_page_comes_back_by_itself(open_page, live_beside_pages, problems, page):
    problems.allow(LOST)
    open_page()
    page.context.set_offline(True)
    strip = page.locator("#live-strip")
    # Being offline doesn't cut a stream that is open; showing the tab again opens a new one
    hide(page, True)
    wait_until(lambda: live_beside_pages.health()["streams"] == 0, what="the stream of a hidden tab to end")
    hide(page, False)
    expect(strip).to_be_visible()
    n1 = number(page, "n1")
    publish("note:n1", "saved")
    page.context.set_offline(False)
    expect(strip).to_be_hidden()
    changes(page, "n1", n1)


def test_somebody_who_was_signed_out_is_told_so(open_page, alice, problems):
    problems.allow(r"401: GET .*/live/events|ERR_")
    page = open_page()
    Session.objects.all().delete()
    strip = page.locator("#live-strip")
    # The stream asks for its session again every few seconds, and the strip waits a little before it shows
    expect(strip.get_by_role("link", name="Sign in again")).to_be_visible(timeout=60_000)
    expect(strip.get_by_text("You were signed out.")).to_be_visible()


def test_a_topic_that_is_refused_doesnt_silence_the_others(open_page, problems):
    problems.allow(r"403: GET .*/live/events")
    page = open_page()
    with page.expect_response(lambda answer: "somebody-else" in answer.url):
        page.evaluate("document.querySelector('h1').setAttribute('data-live', 'person:somebody-else')")
    n1 = number(page, "n1")
    publish("note:n1", "saved")
    changes(page, "n1", n1)
    expect(page.locator("#live-strip")).to_be_hidden()
