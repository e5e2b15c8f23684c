"""Everything without a mouse."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.variants import Variant


@pytest.fixture(autouse=True)
def _signed_in(development: None) -> None:
    pass


def test_the_first_tab_skips_to_the_content(page: Page) -> None:
    page.goto("/components")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    expect(page.get_by_role("link", name="Skip to content")).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()


def test_search_opens_finds_moves_and_goes(page: Page) -> None:
    page.goto("/components")
    page.keyboard.press("Control+k")
    field = page.get_by_role("combobox", name="Search")
    expect(field).to_be_focused()
    with page.expect_response(re.compile("q=account$")):
        field.press_sequentially("account")
    expect(page.locator(".htmx-request")).to_have_count(0)
    chosen = page.locator('#palette-results [role=option][aria-selected="true"]')
    expect(chosen).to_contain_text("Account")
    first = field.get_attribute("aria-activedescendant")
    assert first == chosen.get_attribute("id")
    if page.locator("#palette-results [role=option]").count() > 1:
        field.press("ArrowDown")
        assert field.get_attribute("aria-activedescendant") != first
        field.press("ArrowUp")
    field.press("Enter")
    expect(page).to_have_url(re.compile("/account$"))


def test_escape_closes_search_and_gives_focus_back(page: Page) -> None:
    page.goto("/components")
    page.get_by_role("link", name="Badges and stages").focus()
    page.keyboard.press("Control+k")
    expect(page.locator("#palette")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#palette")).to_be_hidden()
    expect(page.locator(".search-trigger, [href='#badges']").locator(":scope:focus")).to_have_count(1)


def test_the_question_mark_shows_the_keys(page: Page) -> None:
    page.goto("/components")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#shortcuts")).to_be_hidden()


def test_the_slash_focuses_the_filter(page: Page) -> None:
    page.goto("/components")
    page.keyboard.press("/")
    expect(page.get_by_label("Find a gateway")).to_be_focused()


def test_g_and_a_letter_goes_to_a_page(page: Page) -> None:
    page.goto("/components")
    page.keyboard.press("g")
    page.keyboard.press("a")
    expect(page).to_have_url(re.compile("/account$"))


def test_letters_rest_while_one_types(page: Page) -> None:
    page.goto("/components")
    field = page.get_by_label("Find a gateway")
    field.focus()
    field.press_sequentially("ga?/")
    expect(field).to_have_value("ga?/")
    expect(page.locator("#shortcuts")).to_be_hidden()
    assert page.url.endswith("/components")


def test_letters_rest_under_a_dialog(page: Page) -> None:
    page.goto("/components")
    page.locator("#open-sheet").click()
    expect(page.locator("dialog:modal")).to_be_visible()
    page.keyboard.press("?")
    page.keyboard.press("Control+k")
    expect(page.locator("#shortcuts")).to_be_hidden()
    expect(page.locator("#palette")).to_be_hidden()


def test_a_korean_input_method_changes_no_key(page: Page) -> None:
    page.goto("/components")
    page.evaluate(
        """() => { for (const [key, code] of [['ㅎ', 'KeyG'], ['ㅁ', 'KeyA']])
            document.body.dispatchEvent(new KeyboardEvent('keydown', {key, code, bubbles: true, cancelable: true})) }"""
    )
    expect(page).to_have_url(re.compile("/account$"))


def test_the_sixth_digit_sends_a_code_once(page: Page) -> None:
    page.goto("/components")
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url) if "code=" in request.url else None)
    page.locator("input.otp").press_sequentially("48 2913")
    expect(page).to_have_url(re.compile("code=482913"))
    assert len(sent) == 1


@pytest.mark.parametrize("variant", [Variant("light"), Variant("dark")], ids=str, indirect=True)
def test_a_theme_shows_at_once_and_stays(page: Page, variant: Variant) -> None:
    other = "dark" if variant.theme == "light" else "light"
    page.goto("/components")
    before = page.evaluate("() => getComputedStyle(document.body).backgroundColor")
    page.get_by_role("button", name="account menu").click()
    with page.expect_response("**/account/theme"):
        page.locator(f"#theme-{other}").check()
    after = page.evaluate("() => getComputedStyle(document.body).backgroundColor")
    assert before != after
    # Without its script the page has the theme already: the server wrote it
    page.route("**/*.js", lambda route: route.fulfill(body="", content_type="text/javascript"))
    page.goto("/errors/")
    assert page.locator("html").get_attribute("data-theme") == other
    assert page.evaluate("() => getComputedStyle(document.body).backgroundColor") == after
