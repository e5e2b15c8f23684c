"""Cron triggers in Chromium: set while the page says what is typed, run, paused, and how it looks."""

from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from apps.accounts.models import User
from apps.core import clock
from apps.gateways.models import FunctionGateway
from apps.tenants.models import Tenant
from apps.triggers.firing.ticker import Ticker
from apps.triggers.models import Trigger
from tests.browser.checks import check_accessibility, check_fits, look
from tests.browser.plugin import SignIn
from tests.browser.variants import Variant, every_variant
from tests.browser.watch import Problems
from tests.functions.peer import OK, peer
from tests.triggers.world import answers_at, make_function, make_run, make_serving, make_trigger

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def gateway(transactional_db: None, alice: User, tidewater: Tenant) -> FunctionGateway:
    gateway = make_serving(tidewater, owner=alice)
    make_function(gateway, "shipments/estimate")
    make_function(gateway, "sweep", stage="prod")
    return gateway


def url_of(gateway: FunctionGateway) -> str:
    return f"/t/tidewater/gateways/{gateway.pk}/triggers"


def fire() -> None:
    """As the loop beside the workers does, until nothing is under way."""
    ticker = Ticker()
    ticker.do_due()
    while ticker.running:
        ticker.write_down()
    ticker.threads.shutdown()


def test_a_trigger_is_set_run_paused_and_deleted(
    page: Page, signed_in: SignIn, alice: User, gateway: FunctionGateway, problems: Problems
) -> None:
    problems.allow("422: POST .*/triggers/new")
    # Its page may still ask for one that is being deleted
    problems.allow("404: GET .*/triggers/trg_|Status Error Code 404")
    signed_in(alice)
    page.goto(url_of(gateway))
    page.get_by_role("link", name="New trigger").first.click()
    sheet = page.locator("#sheet")
    expect(sheet.get_by_role("heading", name="New cron trigger")).to_be_visible()
    schedule = sheet.locator("#schedule")
    expect(schedule).to_contain_text("At 09:00, on Monday to Friday.")
    # What is typed is said at once, and what is wrong with it
    sheet.get_by_label("When", exact=True).fill("*/10 9-17 * * 1-5")
    expect(schedule).to_contain_text("Every 10 minutes, in the hours 09 to 17, on Monday to Friday.")
    sheet.get_by_label("Time zone").fill("Asia/Seoul")
    expect(schedule).to_contain_text("KST")
    expect(schedule.locator("li")).to_have_count(5)
    sheet.get_by_label("When", exact=True).fill("61 * * * *")
    expect(schedule).to_contain_text("can't be the minutes")
    sheet.get_by_label("Note").fill("Tidies up")
    # As a browser does for whoever draws it larger; no style that came with a page is allowed
    sheet.get_by_label("Payload").evaluate("field => { field.style.height = '200px' }")
    sheet.get_by_role("button", name="Create trigger").click()
    expect(sheet.get_by_label("When", exact=True)).to_have_attribute("aria-invalid", "true")
    expect(sheet.get_by_label("Note")).to_have_value("Tidies up")
    sheet.get_by_label("When", exact=True).fill("0 9 * * L5")
    sheet.get_by_label("Payload").fill('{"days": 3}')
    sheet.get_by_role("button", name="Create trigger").click()
    row = page.locator("#table tbody tr")
    expect(row).to_have_count(1)
    expect(row).to_contain_text("At 09:00, on the last Friday of the month.")
    expect(row).to_contain_text("Tidies up")

    # Run now, and what came of it appears by itself
    row.get_by_role("link", name="shipments/estimate").click()
    page.get_by_role("link", name="Run now").click()
    with peer(OK) as (port, asked):
        answers_at(gateway, port)
        page.get_by_role("button", name="Run dev/shipments/estimate").click()
        expect(page.get_by_text("is being run")).to_be_visible()
        fire()
    expect(page.locator("#table tbody tr")).to_contain_text("succeeded")
    assert b'{"days": 3}' in asked[0]

    page.get_by_role("link", name="Pause").click()
    page.get_by_role("button", name="Pause trigger").click()
    expect(page.locator("#standing")).to_contain_text("None while it's paused.")
    page.reload()
    page.get_by_role("link", name="Delete").click()
    page.get_by_role("button", name="Delete trigger").click()
    expect(page.get_by_role("heading", name="No trigger yet")).to_be_visible()
    assert not Trigger.objects.exists()


@every_variant
def test_it_looks_well(
    page: Page, signed_in: SignIn, alice: User, gateway: FunctionGateway, variant: Variant, tmp_path: Path
) -> None:
    trigger = make_trigger(
        gateway, "*/5 * * * *", base_name="shipments/estimate", zone="America/Chicago", note="Sees whether it answers"
    )
    make_trigger(gateway, "0 30 9 * * mon-fri", stage="prod", zone="Asia/Seoul", is_enabled=False,
                 paused_because="Its function was deleted.")  # fmt: skip
    make_run(
        trigger, outcome="succeeded", status=200, request_id="req_01", started_at=clock.now(), ended_at=clock.now()
    )
    earlier = clock.now() - timedelta(minutes=5)
    make_run(trigger, earlier, outcome="failed", status=500, request_id="req_02", started_at=earlier, ended_at=earlier,
             error="The function answered with an error.")  # fmt: skip
    make_run(trigger, earlier - timedelta(hours=2), outcome="missed", missed_count=14, ended_at=earlier,
             error="The gateway or its stage was switched off.")  # fmt: skip
    signed_in(alice)
    pages = {
        "list": url_of(gateway),
        "all": "/t/tidewater/triggers",
        "one": f"{url_of(gateway)}/{trigger.pk}",
        "new": f"{url_of(gateway)}/new",
    }
    for name, url in pages.items():
        page.goto(url)
        check_fits(page)
        check_accessibility(page)
        look(page, tmp_path, f"triggers-{name}-{variant}")
