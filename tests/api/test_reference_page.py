"""The reference in a browser: both themes, a desk and a phone, signed in or not."""

from playwright.sync_api import Page, expect

from apps.accounts.models import User
from tests.browser.checks import check_accessibility, check_fits, text_copied
from tests.browser.plugin import SignIn
from tests.browser.variants import every_variant


@every_variant
def test_overview_and_group_can_be_read(page: Page, signed_in: SignIn, alice: User) -> None:
    signed_in(alice)
    page.goto("/v1/")
    check_fits(page)
    check_accessibility(page)
    page.locator("a[href$='#audit_events_list']").click()
    expect(page.locator("#audit_events_list-title")).to_be_visible()
    check_fits(page)
    check_accessibility(page)


def test_a_stranger_searches_by_a_key(page: Page) -> None:
    page.goto("/v1/")
    page.keyboard.press("/")
    expect(page.locator("#reference-q")).to_be_focused()
    page.keyboard.type("preferences")
    page.keyboard.press("Enter")
    expect(page.get_by_text("No operation has these words")).to_be_visible()
    page.goto("/v1/?q=read+account")
    expect(page.locator("main .list a")).to_have_count(1)


def test_the_command_is_copied(page: Page) -> None:
    page.goto("/v1/reference/me")
    page.locator("[data-copy='#me_update-curl']").click()
    assert text_copied(page, "curl").startswith("curl -X PATCH")
