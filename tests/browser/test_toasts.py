"""Notices in the corner."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.watch import Problems


@pytest.fixture(autouse=True)
def _signed_in(development: None) -> None:
    pass


def toasts(page: Page):  # type: ignore[no-untyped-def]
    return page.locator("#toasts > .toast")


def ask_for(page: Page, button: str) -> None:
    page.clock.install(time=0)
    page.goto("/components")
    # From here time stands still until it is told to run: a busy machine's seconds don't count
    page.clock.pause_at(3_600_000)
    page.get_by_role("button", name=button).click()
    expect(toasts(page)).to_have_count(1)


def test_a_good_one_leaves_by_itself(page: Page) -> None:
    ask_for(page, "Good toast")
    expect(toasts(page)).to_contain_text("Released 1.9.0-rc.3 to staging")
    page.clock.run_for(5_500)
    expect(toasts(page)).to_have_count(1)
    page.clock.run_for(1_000)
    expect(toasts(page)).to_have_count(0)


def test_it_waits_while_it_is_read(page: Page) -> None:
    ask_for(page, "Good toast")
    toasts(page).hover()
    page.clock.run_for(60_000)
    expect(toasts(page)).to_have_count(1)
    page.mouse.move(10, 10)
    page.clock.run_for(6_500)
    expect(toasts(page)).to_have_count(0)


def test_a_bad_one_stays_and_shows_the_request_id(page: Page) -> None:
    ask_for(page, "Bad toast")
    page.clock.run_for(600_000)
    expect(toasts(page)).to_contain_text("req_8fN1c2")
    toasts(page).get_by_role("button", name="Dismiss").click()
    expect(toasts(page)).to_have_count(0)


def test_a_failed_request_is_told_once_with_its_id(page: Page, problems: Problems) -> None:
    problems.allow("503: POST .*/components/failure|Response Status Error Code 503")
    page.goto("/components")
    with page.expect_response("**/components/failure") as answer:
        page.get_by_role("button", name="A request that fails").click()
    expect(toasts(page)).to_have_count(1)
    expect(toasts(page)).to_contain_text(answer.value.headers["x-request-id"])
    with page.expect_response("**/components/failure"):
        page.get_by_role("button", name="A request that fails").click()
    page.wait_for_timeout(300)
    expect(toasts(page)).to_have_count(1)


def test_no_answer_is_told_too(page: Page, problems: Problems) -> None:
    problems.allow("request failed: POST|console: htmx:(sendError|afterRequest)")
    page.goto("/components")
    page.route("**/components/toast/ok", lambda route: route.abort("connectionrefused"))
    page.get_by_role("button", name="Good toast").click()
    expect(toasts(page)).to_contain_text("No answer from the server")


def test_it_can_be_reached_over_an_open_dialog(page: Page) -> None:
    page.goto("/components")
    page.locator("#open-dialog").click()
    expect(page.locator("dialog[data-overlay]:modal")).to_be_visible()
    page.evaluate(
        """() => document.body.dispatchEvent(new CustomEvent('toast',
            {bubbles: true, detail: {tone: 'bad', title: 'Not saved'}}))"""
    )
    toasts(page).get_by_role("button", name="Dismiss").click()
    expect(toasts(page)).to_have_count(0)
    page.keyboard.press("Escape")
    expect(page.locator("body > #toasts")).to_have_count(1)
