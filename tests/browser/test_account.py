"""Signing in and one's own account in Chromium, in every look."""

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from apps.accounts import demo
from apps.accounts.models import User
from tests.accounts.codes import code_of
from tests.browser.checks import check_accessibility, check_fits
from tests.browser.plugin import SignIn
from tests.browser.variants import every_variant
from tests.browser.watch import Problems
from tests.people import PASSWORD, make_person

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def mina(transactional_db: None) -> User:
    return make_person("mina")


def fill_in(page: Page, email: str, password: str) -> None:
    page.locator("input[name=login]").fill(email)
    page.locator("input[name=password]").fill(password)
    page.locator("#form button[type=submit]").click()


def confirm_and_turn_on(page: Page) -> str:
    """From the account's page to the recovery codes; answers the key in the app."""
    page.locator("#second-factor").get_by_role("link", name="Turn on").click()
    page.locator("input[name=password]").fill(PASSWORD)
    page.get_by_role("button", name="Go on").click()
    key = page.locator("#totp-key").inner_text()
    page.locator("input[name=code]").fill(code_of(key))  # sends itself at the sixth digit
    expect(page).to_have_url(re.compile("/account/recovery-codes$"))
    return key


@every_variant
def test_the_sign_in_page_in_every_look(page: Page, settings: Any, mina: User) -> None:
    settings.DEBUG = True
    demo.load()
    page.goto("/sign-in")
    expect(page.locator("aside button")).to_have_count(len(demo.PEOPLE))
    check_accessibility(page)
    check_fits(page)


def test_a_refusal_stands_above_the_fields_and_then_one_is_let_in(page: Page, problems: Problems, mina: User) -> None:
    problems.allow("422: POST .*/sign-in")
    page.goto("/account")
    expect(page).to_have_url(re.compile("/sign-in"))
    fill_in(page, mina.email, "not-her-password")
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("E-mail and password don't match.")
    assert alert.bounding_box()["y"] < page.locator("input[name=login]").bounding_box()["y"]
    check_accessibility(page)
    fill_in(page, mina.email, PASSWORD)
    expect(page).to_have_url(re.compile("/account$"))
    expect(page.get_by_role("heading", level=1)).to_have_text("Your account")


def test_a_visitor_chooses_the_language_of_the_sign_in_page(page: Page, mina: User) -> None:
    page.goto("/sign-in")
    page.get_by_role("button", name="한국어").click()
    expect(page.locator("html")).to_have_attribute("lang", "ko")
    page.get_by_role("button", name="English").click()
    expect(page.locator("html")).to_have_attribute("lang", "en")


def test_one_click_signs_in_as_one_of_the_demos_people(page: Page, settings: Any, transactional_db: None) -> None:
    settings.DEBUG = True
    demo.load()
    page.goto("/sign-in")
    page.get_by_role("button", name="Henrike Vos").click()
    expect(page.get_by_role("button", name="Henrike Vos, account menu")).to_be_visible()


def test_the_second_factor_from_turning_it_on_to_losing_the_phone(
    page: Page, signed_in: SignIn, problems: Problems, mina: User
) -> None:
    problems.allow("422: POST .*/sign-in/code")
    signed_in(mina)
    page.goto("/account")
    key = confirm_and_turn_on(page)

    codes = page.locator("#codes").inner_text().split()
    assert len(codes) == 10
    check_accessibility(page)
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    assert download.value.suggested_filename == "imp-recovery-codes.txt"
    assert download.value.path().read_text().split() == codes
    page.get_by_role("link", name="I've stored them").click()
    expect(page.locator("#second-factor .badge")).to_have_text("on")

    page.get_by_role("button", name=re.compile("account menu")).click()
    page.get_by_role("button", name="Sign out").click()
    fill_in(page, mina.email, PASSWORD)
    expect(page.get_by_role("heading", level=1)).to_have_text("Enter your code")
    check_accessibility(page)
    page.locator("input[name=code]").fill(code_of(key, periods=1))
    expect(page).not_to_have_url(re.compile("/sign-in"))

    page.goto("/sign-out")
    page.get_by_role("button", name="Sign out").first.click()
    fill_in(page, mina.email, PASSWORD)
    page.get_by_role("link", name="Use a recovery code").click()
    page.locator("input[name=code]").fill("12345678")
    page.get_by_role("button", name="Go on").click()
    expect(page.locator(".error")).to_be_visible()
    page.locator("input[name=code]").fill(codes[0])
    page.get_by_role("button", name="Go on").click()
    expect(page).not_to_have_url(re.compile("/sign-in"))


@every_variant
def test_the_page_with_the_qr_code_in_every_look(page: Page, signed_in: SignIn, mina: User) -> None:
    signed_in(mina)
    page.goto("/account/second-factor/on")
    check_accessibility(page)
    page.locator("input[name=password]").fill(PASSWORD)
    page.locator("main form button[type=submit]").click()
    expect(page.locator("svg[role=img]")).to_be_visible()
    check_accessibility(page)
    check_fits(page)


def test_the_theme_of_the_menu_shows_at_once_and_is_kept_by_the_account(
    page: Page, signed_in: SignIn, mina: User
) -> None:
    signed_in(mina)
    page.goto("/account")
    page.get_by_role("button", name=re.compile("account menu")).click()
    with page.expect_response("**/account/theme"):
        page.locator("#user-menu").get_by_text("Dark", exact=True).click()
    expect(page.locator("body")).to_have_css("background-color", "rgb(12, 15, 16)")
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    mina.refresh_from_db()
    assert mina.theme == "dark"


def test_language_and_theme_are_saved_as_they_are_chosen(page: Page, signed_in: SignIn, mina: User) -> None:
    signed_in(mina)
    page.goto("/account")
    page.locator("#preferences input[value=dark]").check()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    expect(page.get_by_text("Saved", exact=True)).to_be_visible()
    page.locator("#language").select_option("ko")
    expect(page.locator("html")).to_have_attribute("lang", "ko")
    mina.refresh_from_db()
    assert (mina.theme, mina.language) == ("dark", "ko")


def test_the_name_is_changed_by_keyboard_alone(page: Page, signed_in: SignIn, mina: User) -> None:
    signed_in(mina)
    page.goto("/account")
    page.get_by_label("Name").focus()
    page.keyboard.press("Control+A")
    page.keyboard.type("Mina Sørum")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Mina Sørum, account menu")).to_be_visible()
