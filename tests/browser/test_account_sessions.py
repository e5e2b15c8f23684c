"""Sessions in Chromium: ended elsewhere while a page is open, dialogs, and leaving for good."""

import re

import pytest
from playwright.sync_api import Page, expect

from apps.accounts.models import Session, User
from tests.accounts.browsers import ELSEWHERE, FIREFOX, HOME, SAFARI, client_of
from tests.browser.checks import check_accessibility, check_fits
from tests.browser.plugin import SignIn
from tests.browser.variants import every_variant
from tests.browser.watch import Problems
from tests.people import PASSWORD, make_person

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def mina(transactional_db: None) -> User:
    """Signed in on a phone at home, and in a browser from where she never was."""
    made = make_person("mina")
    for user_agent, address in ((SAFARI, HOME), (FIREFOX, ELSEWHERE)):
        client_of(user_agent, address).post("/sign-in", {"login": made.email, "password": PASSWORD})
    return made


def confirm(page: Page) -> None:
    page.locator("input[name=password]").fill(PASSWORD)
    page.get_by_role("button", name="Go on").click()


@every_variant
def test_the_sections_of_the_account_in_every_look(page: Page, signed_in: SignIn, mina: User) -> None:
    signed_in(mina)
    page.goto("/account")
    expect(page.locator("#sessions li")).to_have_count(3)
    check_accessibility(page)
    check_fits(page)


@every_variant
def test_the_dialogs_of_the_account_in_every_look(page: Page, signed_in: SignIn, mina: User) -> None:
    signed_in(mina)
    page.goto("/account")
    page.locator("#sessions li .btn").first.click()
    expect(page.locator("#dialog .touches")).to_be_visible()
    check_accessibility(page)
    check_fits(page)
    page.goto("/account/delete")
    check_accessibility(page)
    check_fits(page)


def test_a_session_is_revoked_by_keyboard_and_the_list_follows(page: Page, signed_in: SignIn, mina: User) -> None:
    signed_in(mina)
    page.goto("/account")
    link, dialog = page.get_by_role("link", name="Revoke Firefox 144 on Windows"), page.get_by_role("dialog")
    link.press("Enter")
    expect(dialog).to_contain_text("Revoke Firefox 144 on Windows?")
    page.get_by_role("button", name="Revoke session").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#toasts")).to_contain_text("Session revoked")
    expect(page.locator("#sessions li")).to_have_count(2)
    assert not Session.objects.filter(user_agent=FIREFOX).exists()


def test_a_new_sign_in_appears_in_the_list_by_itself(page: Page, signed_in: SignIn, mina: User) -> None:
    signed_in(mina)
    with page.expect_response(lambda answer: "/live/events" in answer.url and answer.status == 200):
        page.goto("/account")
    expect(page.locator("#sessions li")).to_have_count(3)
    client_of(SAFARI, HOME).post("/sign-in", {"login": mina.email, "password": PASSWORD})
    expect(page.locator("#sessions li")).to_have_count(4)


def test_an_open_page_whose_session_is_revoked_elsewhere_goes_to_the_sign_in(
    page: Page, signed_in: SignIn, problems: Problems, mina: User
) -> None:
    problems.allow("401: GET .*/live/events")
    signed_in(mina)
    with page.expect_response(lambda answer: "/live/events" in answer.url and answer.status == 200):
        page.goto("/audit")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    other = client_of(SAFARI, HOME)
    other.post("/sign-in", {"login": mina.email, "password": PASSWORD})
    here = Session.objects.filter(person=mina).exclude(user_agent__in=[SAFARI, FIREFOX]).get()
    other.post(f"/account/sessions/{here.pk}/revoke")
    expect(page).to_have_url(re.compile("/sign-in\\?next="))
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")


def test_all_others_end_after_the_password(page: Page, signed_in: SignIn, mina: User) -> None:
    signed_in(mina)
    page.goto("/account")
    page.get_by_role("link", name="Sign out the other 2").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Confirm that it's you")
    confirm(page)
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign out everywhere else?")
    page.get_by_role("button", name="Sign out the others").click()
    expect(page).to_have_url(re.compile("/account"))
    expect(page.locator("#toasts")).to_contain_text("2 sessions ended")
    expect(page.locator("#sessions li")).to_have_count(1)


def test_ones_data_is_downloaded(page: Page, signed_in: SignIn, mina: User) -> None:
    signed_in(mina)
    page.goto("/account")
    with page.expect_download() as download:
        page.locator("#leave").get_by_role("button", name="Download").click()
    assert re.fullmatch(r"imp-account-\d{8}\.json", download.value.suggested_filename)
    assert mina.email in download.value.path().read_text()


def test_the_time_zone_is_saved_as_it_is_chosen(page: Page, signed_in: SignIn, mina: User) -> None:
    signed_in(mina)
    page.goto("/account")
    page.get_by_label("Time zone").select_option("Asia/Seoul")
    expect(page.get_by_text("Saved", exact=True)).to_be_visible()
    mina.refresh_from_db()
    assert mina.time_zone == "Asia/Seoul"
    expect(page.get_by_label("Time zone")).to_have_value("Asia/Seoul")


def test_an_account_is_deleted_after_password_and_address(
    page: Page, signed_in: SignIn, problems: Problems, mina: User
) -> None:
    problems.allow("422: POST .*/account/delete")
    problems.allow("401: GET .*/live/events")
    signed_in(mina)
    page.goto("/account")
    page.locator("#leave").get_by_role("link", name="Delete account").click()
    confirm(page)
    page.get_by_label(f"Type {mina.email} to go on").fill("somebody else")
    page.get_by_role("button", name="Delete account").click()
    expect(page.locator(".error")).to_contain_text("Write it exactly")
    page.get_by_label(f"Type {mina.email} to go on").fill(mina.email)
    page.get_by_role("button", name="Delete account").click()
    expect(page).to_have_url(re.compile("/sign-in"))
    expect(page.locator("#toasts")).to_contain_text("Your account is deleted")
    assert not User.objects.filter(pk=mina.pk).exists()
