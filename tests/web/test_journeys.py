"""What a person does in the console, in Chromium."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from playwright.sync_api import Page, expect

from apps.accounts.models import User
from apps.audit.services import record
from apps.core import clock, throttling
from tests.browser.plugin import SignIn
from tests.browser.variants import on_a_phone
from tests.browser.watch import Problems
from tests.sample.models import Note
from tests.sample.services import create_note, update_note

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.urls("tests.web.urls")]


@pytest.fixture
def notes(alice: User) -> list[Note]:
    start = clock.now()
    return Note.objects.bulk_create(
        Note(
            owner=alice,
            title=f"Note {number:02}",
            colour="blue" if number % 2 else "yellow",
            created_at=start - timedelta(minutes=number),
        )
        for number in range(25)
    )


def test_list_is_filtered_sorted_paged_and_cleared_without_reloading(
    page: Page, signed_in: SignIn, alice: User, notes: list[Note]
) -> None:
    signed_in(alice)
    page.goto("/board")
    page.evaluate("document.body.dataset.loaded = 'once'")
    rows = page.locator("#table tbody tr")
    expect(rows).to_have_count(10)

    page.keyboard.press("/")
    page.keyboard.type("Note 1")
    expect(page).to_have_url(re.compile(r"/board\?q=Note\+1$"))
    expect(rows.first).to_contain_text("Note 10")
    page.get_by_role("combobox", name="Colour").select_option("blue")
    expect(rows).to_have_count(5)
    expect(page).to_have_url(re.compile(r"q=Note\+1&colour=blue$"))

    page.get_by_role("link", name="Title", exact=True).click()
    expect(page.locator("th[aria-sort=ascending]")).to_contain_text("Title")
    expect(rows.first).to_contain_text("Note 11")
    assert page.evaluate("document.body.dataset.loaded") == "once"

    page.get_by_role("link", name="Clear the filters").click()
    expect(page).to_have_url(re.compile(r"/board\?sort=title$"))
    expect(rows.first).to_contain_text("Note 00")
    page.get_by_role("link", name="Next").click()
    expect(rows.first).to_contain_text("Note 10")
    page.get_by_role("link", name="Before").click()
    expect(rows.first).to_contain_text("Note 00")
    page.go_back()
    expect(page.locator("html")).to_have_attribute("lang", "en")
    expect(rows.first).to_contain_text("Note 10")


def test_export_takes_what_is_filtered(page: Page, signed_in: SignIn, alice: User, notes: list[Note]) -> None:
    signed_in(alice)
    page.goto("/board?colour=blue")
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").click()
    assert download.value.suggested_filename.endswith(".csv")
    assert len(download.value.path().read_text().splitlines()) == 13


def test_export_and_order_follow_what_is_filtered_on_the_page(
    page: Page, signed_in: SignIn, alice: User, notes: list[Note]
) -> None:
    signed_in(alice)
    page.goto("/board")
    page.get_by_role("link", name="Title", exact=True).click()
    expect(page).to_have_url(re.compile(r"/board\?sort=title$"))
    page.get_by_role("combobox", name="Colour").select_option("blue")
    expect(page.locator("#table tbody tr")).to_have_count(10)
    expect(page).to_have_url(re.compile(r"colour=blue"))
    expect(page).to_have_url(re.compile(r"sort=title"))
    page.get_by_role("link", name="Next").click()
    expect(page).to_have_url(re.compile(r"cursor="))
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").click()
    assert len(download.value.path().read_text().splitlines()) == 13


def test_a_table_that_came_again_is_no_page_to_go_back_from(
    page: Page, signed_in: SignIn, alice: User, notes: list[Note]
) -> None:
    signed_in(alice)
    page.goto("/board?colour=blue")
    before = page.evaluate("history.length")
    with page.expect_response("**/board?*"):
        page.get_by_role("searchbox").press("Enter")
    page.get_by_role("combobox", name="Colour").select_option("yellow")
    expect(page).to_have_url(re.compile("colour=yellow"))
    assert page.evaluate("history.length") == before + 1


def test_chosen_rows_are_archived_and_the_list_says_so(
    page: Page, signed_in: SignIn, alice: User, notes: list[Note]
) -> None:
    signed_in(alice)
    page.goto("/board")
    page.get_by_label("Choose Note 00").check()
    page.get_by_label("Choose Note 02").check()
    page.get_by_role("button", name="Archive").click()
    expect(page.locator("#toasts")).to_contain_text("Archive: 2 done")
    assert Note.objects.filter(archived_at__isnull=False).count() == 2


def test_note_is_edited_in_a_sheet_and_what_another_saved_first_is_not_lost(
    page: Page, signed_in: SignIn, problems: Problems, alice: User
) -> None:
    problems.allow(r"^4(12|22): POST .*/board/")
    note = create_note(actor=alice, title="Harbour")
    signed_in(alice)
    page.goto("/board")
    page.get_by_role("link", name="Harbour").click()
    sheet = page.locator("dialog.sheet[open]")
    sheet.get_by_label("Title").fill("Untitled")
    sheet.get_by_role("button", name="Save note").click()
    expect(sheet).to_contain_text("Give it a title that says something.")

    sheet.get_by_label("Title").fill("Mine")
    page.evaluate(
        """() => document.querySelector('dialog.sheet form')
            .insertAdjacentHTML('beforeend', '<input type="hidden" name="version" value="1">')"""
    )
    update_note(actor=alice, note=Note.objects.get(pk=note.pk), title="Theirs")
    sheet.get_by_role("button", name="Save note").click()
    expect(sheet).to_contain_text("Someone saved first")
    expect(sheet.get_by_label("Title")).to_have_value("Mine")
    sheet.get_by_role("button", name="Save note").click()
    expect(sheet).to_have_count(0)
    expect(page.locator("#toasts")).to_contain_text("Saved")


def test_overview_shows_what_happens_elsewhere_without_reloading(page: Page, signed_in: SignIn, alice: User) -> None:
    signed_in(alice)
    with page.expect_response(lambda answer: "/live/events" in answer.url and answer.status == 200):
        page.goto("/")
    expect(page.locator("#activity")).to_contain_text("Quiet so far")
    page.wait_for_timeout(300)
    with transaction.atomic():
        record(actor=alice, verb="account.password_changed", target=alice)
    expect(page.locator("#activity")).to_contain_text("Changed the password of Alice")


def test_palette_finds_by_keyboard_and_opens(page: Page, signed_in: SignIn, alice: User) -> None:
    signed_in(alice)
    page.goto("/")
    page.keyboard.press("Control+k")
    expect(page.locator("#palette [role=option]").first).to_be_visible()
    page.keyboard.type("ㄱㅅ")
    expect(page.locator("#palette [role=option]")).to_have_count(1)
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("/audit$"))
    expect(page.locator(".nav a[aria-current=page]")).to_contain_text("Your audit log")


def test_palette_changes_the_theme_and_it_stays(page: Page, signed_in: SignIn, alice: User) -> None:
    signed_in(alice)
    page.goto("/")
    page.keyboard.press("Control+k")
    page.keyboard.type("dark")
    expect(page.locator("#palette [role=option]").first).to_contain_text("Dark theme")
    with page.expect_response("**/account/theme"):
        page.keyboard.press("Enter")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.wait_for_timeout(300)
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")


def test_palette_says_when_nothing_is_found(page: Page, signed_in: SignIn, alice: User) -> None:
    signed_in(alice)
    page.goto("/")
    page.keyboard.press("Control+k")
    page.keyboard.type("zzzz")
    expect(page.locator("#palette")).to_contain_text("Nothing is called “zzzz”")


def test_audit_row_opens_where_it_stands(page: Page, signed_in: SignIn, alice: User) -> None:
    with transaction.atomic():
        event = record(
            actor=alice, verb="account.preferences_changed", target=alice, before={"theme": "a"}, after={"theme": "b"}
        )
    signed_in(alice)
    page.goto("/audit")
    page.locator("summary").first.click()
    expect(page.locator(".diff")).to_contain_text("theme: b")
    expect(page.locator("details")).to_contain_text(event.pk)


@on_a_phone
def test_refused_fragment_is_a_notice_and_leaves_the_page_alone(
    page: Page, signed_in: SignIn, problems: Problems, alice: User, settings: Any
) -> None:
    problems.allow(r"^429: GET .*/board|Status Error Code 429")
    settings.THROTTLES = {**settings.THROTTLES, "pages": "1/hour"}
    throttling.forget_all()
    signed_in(alice)
    page.goto("/board")
    page.get_by_role("combobox", name="Colour").select_option("blue")
    expect(page.locator("#toasts .toast")).to_have_count(1)
    expect(page.locator("#toasts")).to_contain_text("Too many requests")
    expect(page.locator("#toasts")).to_contain_text("req_")
    expect(page.locator("#table")).to_contain_text("No note yet")
    throttling.forget_all()
