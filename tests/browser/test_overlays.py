"""Dialogs, sheets, questions and what keeps work from being lost."""

import re

import pytest
from playwright.sync_api import Dialog, Page, expect

from tests.browser.checks import text_copied, wait_for
from tests.browser.variants import on_a_phone
from tests.browser.watch import Problems


@pytest.fixture(autouse=True)
def _signed_in(development: None) -> None:
    pass


def dialog(page: Page):  # type: ignore[no-untyped-def]
    return page.locator("dialog[data-overlay]:modal")


def start(page: Page, opener: str) -> None:
    page.goto("/components")
    page.locator(f"#{opener}").focus()
    page.keyboard.press("Enter")
    expect(dialog(page)).to_be_visible()


@pytest.mark.parametrize("how", ["Escape", "cancel", "outside"])
def test_focus_goes_back_to_what_opened_a_dialog(page: Page, how: str) -> None:
    start(page, "open-dialog")
    if how == "Escape":
        page.keyboard.press("Escape")
    elif how == "cancel":
        dialog(page).get_by_role("button", name="Cancel").click()
    else:
        page.mouse.click(5, 5)
    expect(dialog(page)).to_have_count(0)
    expect(page.locator("#open-dialog")).to_be_focused()


def test_a_dialog_from_a_menu_gives_focus_back_to_the_menus_button(page: Page) -> None:
    page.goto("/components")
    page.get_by_role("button", name="Menu", exact=True).click()
    page.locator("#example-menu").get_by_role("button", name="Release").click()
    expect(dialog(page)).to_be_visible()
    page.locator("#example-menu").evaluate("menu => menu.hidePopover()")
    page.keyboard.press("Escape")
    expect(page.locator('[popovertarget="example-menu"]')).to_be_focused()


def test_a_dialog_is_named_by_its_heading(page: Page) -> None:
    start(page, "open-danger")
    expect(page.get_by_role("dialog", name="Stop Parcel tracking?")).to_be_visible()


def test_a_refused_form_stays_open_at_its_first_error_and_then_succeeds(page: Page, problems: Problems) -> None:
    problems.allow("422: POST .*/components/form")
    start(page, "open-dialog")
    name = dialog(page).get_by_label("Name")
    name.fill("parcel-tracking")
    dialog(page).get_by_role("textbox", name="Release note").fill("Faster estimates")
    dialog(page).get_by_label("I have read the release note").check()
    dialog(page).get_by_role("button", name="Release").click()
    expect(dialog(page).get_by_text("Taken by another gateway", exact=False).first).to_be_visible()
    expect(name).to_be_focused()
    expect(name).to_have_value("parcel-tracking")
    expect(dialog(page).get_by_role("textbox", name="Release note")).to_have_value("Faster estimates")
    name.fill("parcel-tracking-2")
    dialog(page).get_by_role("button", name="Release").click()
    expect(dialog(page)).to_have_count(0)
    expect(page.locator("#toasts").get_by_text("Released parcel-tracking-2")).to_be_visible()


@pytest.mark.parametrize("is_refused", [False, True])
def test_what_was_typed_into_a_dialog_isnt_thrown_away_without_a_question(
    page: Page, problems: Problems, is_refused: bool
) -> None:
    problems.allow("422: POST .*/components/form")
    start(page, "open-dialog")
    name = dialog(page).get_by_label("Name")
    name.fill("parcel-tracking")
    if is_refused:
        dialog(page).get_by_role("button", name="Release").click()
        expect(dialog(page).get_by_text("Taken by another gateway", exact=False).first).to_be_visible()
    page.keyboard.press("Escape")
    page.locator("#confirm").get_by_role("button", name="Cancel").click()
    expect(name).to_have_value("parcel-tracking")
    page.keyboard.press("Escape")
    page.locator("#confirm [value=go]").click()
    expect(dialog(page)).to_have_count(0)


def test_a_dangerous_dialog_wants_the_name(page: Page, problems: Problems) -> None:
    problems.allow("422: POST .*/components/dialog")
    start(page, "open-danger")
    expect(dialog(page).get_by_label(re.compile("Type parcel-tracking"))).to_be_focused()
    dialog(page).get_by_label(re.compile("Type parcel-tracking")).fill("parcel")
    dialog(page).get_by_role("button", name="Stop gateway").click()
    expect(dialog(page).get_by_text("Write it exactly as parcel-tracking.").first).to_be_visible()
    dialog(page).get_by_label(re.compile("Type parcel-tracking")).fill("parcel-tracking")
    dialog(page).get_by_role("button", name="Stop gateway").click()
    expect(dialog(page)).to_have_count(0)


def test_what_a_dialog_held_is_gone_when_it_closes(page: Page) -> None:
    start(page, "open-sheet")
    page.keyboard.press("Escape")
    expect(dialog(page)).to_have_count(0)
    expect(page.locator("#sheet")).to_be_empty()


def test_a_key_stays_until_somebody_has_stored_it(page: Page) -> None:
    start(page, "open-key")
    done = dialog(page).get_by_role("button", name="Done")
    expect(done).to_be_disabled()
    page.keyboard.press("Escape")
    expect(dialog(page)).to_be_visible()
    tick = dialog(page).get_by_label("I've stored it")
    expect(tick).to_be_focused()
    dialog(page).get_by_role("button", name="Copy").click()
    assert text_copied(page, "imp_sk") == "imp_sk_7Hq2wVbN4xRtY9cK_c41f"
    tick.check()
    done.click()
    expect(dialog(page)).to_have_count(0)
    assert "imp_sk" not in page.content()


@pytest.mark.parametrize("answer", ["Cancel", "Revoke key"])
def test_a_question_is_asked_in_our_own_dialog(page: Page, answer: str) -> None:
    page.goto("/components")
    page.locator("#open-question").click()
    question = page.get_by_role("alertdialog", name="Revoke this key?")
    expect(question.get_by_text("greenmarket loses access")).to_be_visible()
    expect(question.get_by_role("button", name="Cancel")).to_be_focused()
    question.get_by_role("button", name=answer).click()
    expect(question).to_be_hidden()
    expect(page.locator("#toasts .toast")).to_have_count(0 if answer == "Cancel" else 1)
    expect(page.locator("#open-question")).to_be_focused()


def test_leaving_a_changed_form_asks_first(page: Page) -> None:
    asked: list[str] = []

    def stay(prompt: Dialog) -> None:
        asked.append(prompt.type)
        prompt.dismiss()

    page.on("dialog", stay)
    page.goto("/components")
    page.locator("#forms form[data-guard]").get_by_label("Name").fill("billing")
    page.evaluate("() => { location.href = '/account' }")
    wait_for(page, lambda: asked)
    assert asked == ["beforeunload"]
    assert page.url.endswith("/components")


def test_leaving_an_unchanged_form_asks_nothing(page: Page) -> None:
    page.on("dialog", lambda prompt: pytest.fail("asked without need"))
    page.goto("/components")
    page.locator("#forms form[data-guard]").get_by_label("Name").click()
    page.goto("/errors/")
    assert page.url.endswith("/errors/")


@on_a_phone
def test_the_sidebar_is_a_popover_on_a_phone(page: Page) -> None:
    page.goto("/components")
    sidebar = page.locator("#sidebar")
    expect(sidebar).to_be_hidden()
    page.get_by_role("button", name="Open the menu").click()
    expect(sidebar).to_be_visible()
    page.keyboard.press("Escape")
    expect(sidebar).to_be_hidden()
    expect(page.get_by_role("button", name="Open the menu")).to_be_focused()
