"""Signing up, choosing a forgotten password anew and changing one's address, in Chromium, in every look."""

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from apps.accounts.models import User
from apps.accounts.services.emails import ask_to_change_email
from apps.accounts.services.passwords import ask_for_password_link
from apps.accounts.services.sign_up import start_sign_up
from tests.accounts.mailbox import link_to, newest_mail
from tests.browser.checks import check_accessibility, check_fits
from tests.browser.plugin import SignIn
from tests.browser.variants import Variant, every_variant
from tests.browser.watch import Problems
from tests.people import PASSWORD, make_person

pytestmark = pytest.mark.django_db(transaction=True)

ZOE = "zoe@reyes.example"
CHOSEN = "a-long-tide-4711"


@pytest.fixture
def mina(transactional_db: None) -> User:
    return make_person("mina")


def send(page: Page) -> None:
    page.locator("#form button[type=submit]").click()


def sign_up(page: Page) -> None:
    page.goto("/sign-in")
    page.get_by_role("link", name="Create an account").click()
    page.get_by_label("Your name").fill("Zoë Reyes")
    page.get_by_label("E-mail").fill(ZOE)
    page.get_by_label("Password").fill(CHOSEN)
    send(page)
    expect(page).to_have_url(re.compile("/sign-up/sent$"))


def check_looks(page: Page) -> None:
    check_accessibility(page)
    check_fits(page)


# --- Journeys --------------------------------------------------------------------------------------


def test_from_no_account_to_signed_in_and_back_in_again(page: Page, problems: Problems) -> None:
    sign_up(page)
    expect(page.get_by_text(ZOE)).to_be_visible()
    expect(page.get_by_role("button", name="Send again")).to_be_disabled()
    page.goto(link_to(ZOE))
    expect(page).to_have_url(re.compile("/sign-up/confirm$"))
    expect(page.locator("input[name=password]")).to_have_count(0)
    send(page)
    expect(page.get_by_role("button", name="Zoë Reyes, account menu")).to_be_visible()

    page.get_by_role("button", name=re.compile("account menu")).click()
    page.get_by_role("button", name="Sign out").click()
    page.locator("input[name=login]").fill(ZOE)
    page.locator("input[name=password]").fill(CHOSEN)
    send(page)
    expect(page.get_by_role("button", name="Zoë Reyes, account menu")).to_be_visible()


def test_the_link_is_clicked_on_the_page_of_mails(page: Page, settings: Any, live_server: Any) -> None:
    settings.DEBUG = True
    settings.PUBLIC_URL = live_server.url
    settings.EMAIL_BACKEND = "apps.core.mail.backends.KeepingBackend"
    sign_up(page)
    page.get_by_role("link", name="Open the mails").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Mails")
    check_looks(page)
    row = page.locator("details").filter(has_text="Confirm your address")
    expect(row).to_contain_text(ZOE)
    row.locator("a[href*='/link/']").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Finish signing up")


def test_in_another_browser_the_password_finishes_it_and_a_wrong_one_is_told(page: Page, problems: Problems) -> None:
    problems.allow("422: POST .*/sign-up/confirm")
    start_sign_up(email=ZOE, password=CHOSEN, name="Zoë Reyes")
    page.goto(link_to(ZOE))
    page.get_by_label("Password").fill("not-the-one-4711")
    page.keyboard.press("Enter")
    expect(page.locator(".error")).to_contain_text("This isn't the password")
    check_looks(page)
    page.get_by_label("Password").fill(CHOSEN)
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Zoë Reyes, account menu")).to_be_visible()


def test_a_weak_password_is_refused_at_its_field_and_nothing_else_is_lost(page: Page, problems: Problems) -> None:
    problems.allow("422: POST .*/sign-up")
    page.goto("/sign-up")
    page.get_by_label("Your name").fill("Zoë Reyes")
    page.get_by_label("E-mail").fill(ZOE)
    page.get_by_label("Password").fill("zoë reyes")
    send(page)
    expect(page.locator(".error").first).to_be_visible()
    expect(page.get_by_label("Password")).to_be_focused()
    expect(page.get_by_label("E-mail")).to_have_value(ZOE)
    check_looks(page)


def test_a_forgotten_password_is_chosen_anew(page: Page, problems: Problems, mina: User) -> None:
    problems.allow("410: GET .*/sign-in/reset")
    page.goto("/sign-in")
    page.get_by_role("link", name="Forgot it?").click()
    page.get_by_label("E-mail").fill(mina.email)
    send(page)
    expect(page.get_by_role("heading", level=1)).to_have_text("Check your inbox")
    path = link_to(mina.email)
    page.goto(path)
    page.get_by_role("textbox", name="New password").fill("another-tide-4712")
    send(page)
    expect(page).to_have_url(re.compile("/sign-in$"))
    expect(page.get_by_text("Password changed")).to_be_visible()
    page.locator("input[name=login]").fill(mina.email)
    page.locator("input[name=password]").fill("another-tide-4712")
    send(page)
    expect(page.get_by_role("button", name="Mina, account menu")).to_be_visible()
    page.goto(path)
    expect(page.get_by_role("heading", level=1)).to_have_text("This link doesn't work any more")


def test_the_address_is_changed_by_the_link_to_the_new_one(page: Page, signed_in: SignIn, mina: User) -> None:
    signed_in(mina)
    page.goto("/account")
    page.get_by_role("link", name="Change address").click()
    page.locator("input[name=password]").fill(PASSWORD)
    page.get_by_role("button", name="Go on").click()
    page.get_by_label("New address").fill("mina@reyes.example")
    page.get_by_role("button", name="Mail me a link").click()
    pending = page.locator("#pending-email")
    expect(pending).to_contain_text("Waiting for mina@reyes.example")
    check_looks(page)
    page.goto(link_to("mina@reyes.example"))
    expect(page.locator(".touches")).to_contain_text("mina@tidewater.example")
    send(page)
    expect(page).to_have_url(re.compile("/account$"))
    expect(page.locator("#profile")).to_contain_text("mina@reyes.example")
    expect(pending).to_have_count(0)
    assert newest_mail("mina@tidewater.example").template == "email_changed"


def test_a_wish_for_another_address_is_taken_back(page: Page, signed_in: SignIn, mina: User) -> None:
    signed_in(mina)
    ask_to_change_email(actor=mina, email="mina@reyes.example")
    page.goto("/account")
    page.get_by_role("button", name="Keep the old one").click()
    expect(page.get_by_text("Your address stays as it is")).to_be_visible()
    expect(page.locator("#pending-email")).to_have_count(0)
    mina.refresh_from_db()
    assert (mina.name, mina.email) == ("Mina", "mina@tidewater.example")


# --- Looks -----------------------------------------------------------------------------------------


@every_variant
def test_signing_up_in_every_look(page: Page, variant: Variant, transactional_db: None) -> None:
    page.goto("/sign-up")
    check_looks(page)
    page.locator("input[name=name]").fill("Zoë Reyes")
    page.locator("input[name=email]").fill(ZOE)
    page.locator("input[name=password]").fill(CHOSEN)
    send(page)
    expect(page).to_have_url(re.compile("/sign-up/sent$"))
    check_looks(page)
    page.goto(link_to(ZOE))
    check_looks(page)
    assert newest_mail(ZOE).language == variant.language


@every_variant
def test_a_forgotten_password_in_every_look(page: Page, mina: User, problems: Problems) -> None:
    problems.allow("410: GET .*/link/")
    page.goto("/sign-in/forgot")
    check_looks(page)
    ask_for_password_link(email=mina.email)
    page.goto(link_to(mina.email))
    check_looks(page)
    page.goto("/link/no-such-link")
    check_looks(page)


@every_variant
def test_another_address_and_mails_in_every_look(
    page: Page, mina: User, signed_in: SignIn, settings: Any, problems: Problems
) -> None:
    # The process of the event stream isn't developing here
    problems.allow("403: GET .*topic=mails")
    settings.DEBUG = True
    signed_in(mina)
    ask_to_change_email(actor=mina, email="mina@reyes.example")
    page.goto(link_to("mina@reyes.example"))
    check_looks(page)
    page.goto("/account")
    check_looks(page)
    page.goto("/mails")
    check_looks(page)
    page.goto(f"/mails/{newest_mail('mina@reyes.example').pk}")
    check_looks(page)
