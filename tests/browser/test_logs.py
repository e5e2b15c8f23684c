"""A gateway's log in Chromium: lines as they're written, filters, time travel, pause, and how it looks."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from apps.accounts.models import User
from apps.core.ids import new_id
from apps.gateways import databases, store
from apps.gateways.databases import name_of
from apps.gateways.models import FunctionGateway
from apps.tenants.models import Membership, Tenant
from tests.browser.checks import check_accessibility, check_fits, look
from tests.browser.plugin import SignIn
from tests.browser.variants import Variant, every_variant
from tests.browser.watch import Problems
from tests.gateways.pages import put_up
from tests.gateways.world import drop_for_good
from tests.logs.world import Written, gateway_row, moment

pytestmark = pytest.mark.django_db(transaction=True)
STACK = (
    "TypeError: Cannot read properties of undefined (reading 'code')\n"
    "    at zoneOf (user/zones.ts:14:22)\n"
    "    at default (user/me.ts:9:16)"
)


@pytest.fixture
def gateway(transactional_db: None, alice: User, tidewater: Tenant) -> Iterator[FunctionGateway]:
    made = new_id("gw")
    databases.make_database(name_of(made), "a-password")
    store.prepare(name_of(made), "another-password")
    row = gateway_row(tidewater, alice, made)
    FunctionGateway.objects.filter(pk=made).update(title="Parcel tracking", name="parcel-tracking")
    yield put_up(row)
    drop_for_good(name_of(made))


@pytest.fixture
def written(gateway: FunctionGateway) -> Iterator[Written]:
    log = Written(gateway.pk, "another-password")
    yield log
    log.close()


def url_of(gateway: FunctionGateway) -> str:
    return f"/t/tidewater/gateways/{gateway.pk}/logs"


def some_lines(written: Written) -> None:
    written.lines(
        [
            {"at": moment(5), "text": "estimate", "request_id": "req_01", "fields": {"zone": "KR", "hours": 31}},
            {"at": moment(4), "text": "slow carrier: 1,900 ms", "level": "warn", "stage": "prod", "version": 12},
            {
                "at": moment(3),
                "text": "Cannot read properties of undefined (reading 'code')",
                "level": "error",
                "request_id": "req_02",
                "function": "user/me",
                "fields": {"stack": STACK},
            },
            {"at": moment(2), "text": "cache warmed", "level": "debug", "stage": "staging"},
            {
                "at": moment(1),
                "text": "1,204 lines were left out",
                "level": "warn",
                "source": "system",
                "fields": {"left_out": 1204},
            },
        ]
    )


def open_live(page: Page, gateway: FunctionGateway, query: str = "") -> None:
    page.goto(url_of(gateway) + query)
    expect(page.locator("#tail-word")).to_have_text("Live")


def test_lines_appear_as_they_are_written_and_wait_while_paused(
    page: Page, signed_in: SignIn, alice: User, gateway: FunctionGateway, written: Written
) -> None:
    signed_in(alice)
    open_live(page, gateway)
    expect(page.get_by_role("heading", name="Nothing was written yet")).to_be_visible()
    written.line("first <b>of all</b>", request_id="req_7", level="error", fields={"stack": STACK, "zone": "KR"})
    line = page.locator("#log-lines > li")
    expect(line).to_have_count(1)
    expect(line).to_contain_text("first <b>of all</b>")
    expect(line).to_have_class("is-bad")
    expect(page.locator("#log-none")).to_be_hidden()
    line.get_by_text("Stack trace").click()
    expect(line.locator(".stack-trace")).to_contain_text("at zoneOf (user/zones.ts:14:22)")
    expect(line.locator(".log-fields")).to_contain_text('"zone": "KR"')
    page.get_by_role("button", name="Pause").click()
    expect(page.locator("#tail-word")).to_have_text("Paused")
    written.lines(
        [
            {"text": "second", "version": 0, "fields": {"zone": "KR", "hours": [31, 1.5]}},
            {"text": "third", "fields": "x" * 200},
        ]
    )
    expect(page.get_by_role("button", name="Follow (2)")).to_be_visible()
    expect(line).to_have_count(1)
    page.get_by_role("button", name="Follow (2)").click()
    expect(line).to_have_count(3)
    expect(page.locator("#tail-word")).to_have_text("Live")
    expect(line.nth(1)).to_contain_text("zone: KR, hours: [31,1.5]")
    expect(line.nth(1)).to_contain_text("dev/track (draft) second")
    made = line.locator("summary, .from").all_inner_texts()
    # A line that the page made is as one that the server made
    page.reload()
    expect(line).to_have_count(3)
    assert line.locator("summary, .from").all_inner_texts() == made
    expect(line.first).to_contain_text("first <b>of all</b>")


def test_filters_hold_for_what_comes_later_and_a_request_is_found_whole(
    page: Page, signed_in: SignIn, alice: User, gateway: FunctionGateway, written: Written
) -> None:
    some_lines(written)
    signed_in(alice)
    open_live(page, gateway)
    line = page.locator("#log-lines > li")
    expect(line).to_have_count(5)
    expect(page.get_by_text("1204 lines were left out here")).to_be_visible()
    page.get_by_label("Level").select_option("error")
    expect(line).to_have_count(1)
    page.wait_for_url("**level=error**")
    expect(page.locator("#tail-word")).to_have_text("Live")
    written.lines([{"text": "of no concern"}, {"text": "another error", "level": "error", "request_id": "req_02"}])
    expect(line).to_have_count(2)
    expect(line.last).to_contain_text("another error")
    line.last.get_by_role("link", name="req_02").click()
    page.wait_for_url("**request_id=req_02")
    expect(line).to_have_count(2)
    expect(page.get_by_label("Request id")).to_have_value("req_02")


def test_one_goes_back_in_time_and_returns(
    page: Page, signed_in: SignIn, alice: User, gateway: FunctionGateway, written: Written
) -> None:
    written.lines([{"at": moment(2 * 3600), "text": "two hours ago"}, {"text": "now"}])
    signed_in(alice)
    open_live(page, gateway)
    page.get_by_label("Back to").fill((moment() - timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%S"))
    line = page.locator("#log-lines > li")
    expect(line).to_have_count(1)
    expect(line).to_contain_text("two hours ago")
    expect(page.get_by_text("A time that is over")).to_be_visible()
    written.line("later")
    page.get_by_role("link", name="Back to now").click()
    expect(line).to_have_count(3)
    expect(page.locator("#tail-word")).to_have_text("Live")


def test_older_lines_are_a_page_away_and_a_download_has_all(
    page: Page, signed_in: SignIn, alice: User, gateway: FunctionGateway, written: Written
) -> None:
    written.lines([{"text": f"line {number:03}"} for number in range(300)])
    signed_in(alice)
    open_live(page, gateway)
    expect(page.get_by_text("line 299")).to_be_in_viewport()
    page.get_by_role("link", name="Older lines").click()
    expect(page.get_by_text("line 099")).to_be_visible()
    expect(page.get_by_text("line 100")).to_have_count(0)
    page.get_by_role("link", name="Newer lines").click()
    expect(page.get_by_text("line 299")).to_have_count(1)
    with page.expect_download() as started:
        page.get_by_role("link", name="NDJSON").click()
    assert len(Path(started.value.path()).read_text().splitlines()) == 300


def test_somebody_who_may_no_longer_is_told(
    page: Page, signed_in: SignIn, bob: User, gateway: FunctionGateway, written: Written, problems: Problems
) -> None:
    # The page's other stream is refused too
    problems.allow("403: GET .*/live/events")
    signed_in(bob)
    open_live(page, gateway)
    Membership.objects.filter(person=bob).delete()
    expect(page.locator("#tail-word")).to_have_text("You may no longer read this log")


@every_variant
def test_it_looks_well(
    page: Page,
    signed_in: SignIn,
    alice: User,
    gateway: FunctionGateway,
    written: Written,
    variant: Variant,
    tmp_path: Path,
) -> None:
    some_lines(written)
    signed_in(alice)
    page.goto(url_of(gateway))
    expect(page.locator("#tail-state")).to_have_attribute("data-state", "live")
    page.locator("#log-lines details").last.locator("summary").click()
    check_fits(page)
    check_accessibility(page)
    look(page, tmp_path, f"log-{variant}")
