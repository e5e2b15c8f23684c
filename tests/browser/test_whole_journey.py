"""One person's way through everything about people, workspaces and roles, in Chromium."""

import csv
import io
import json
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.utils import translation
from django.utils.translation import gettext
from playwright.sync_api import BrowserContext, Locator, Page, expect

from apps.accounts.models import Session, User
from apps.tenants.models import Membership, Tenant
from tests.accounts.codes import code_of
from tests.accounts.mailbox import link_to, newest_mail
from tests.browser.checks import check_accessibility, check_fits
from tests.browser.plugin import PATIENCE
from tests.browser.variants import Variant
from tests.browser.watch import Problems
from tests.people import PASSWORD
from tests.tenants.links import token_in_mail_to
from tests.terminal import curl

pytestmark = pytest.mark.django_db(transaction=True)

NAME, EMAIL, CHOSEN = "Zoë Reyes", "zoe@reyes.example", "a-long-tide-4711"
LOOKS = [Variant("light", 1280, "en"), Variant("dark", 390, "ko")]

Say = Callable[..., str]
OpenBrowser = Callable[[], Page]


@pytest.fixture
def say(variant: Variant) -> Say:
    """A text as the pages of this journey have it."""

    def in_its_language(text: str, **values: Any) -> str:
        with translation.override(variant.language):
            return gettext(text) % values

    return in_its_language


@contextmanager
def browsers(context: BrowserContext, variant: Variant, problems: Problems) -> Iterator[OpenBrowser]:
    """More browsers beside the fixture's, which look the same and are watched as well."""
    assert context.browser is not None
    with ExitStack() as closing:

        def open_browser() -> Page:
            assert context.browser is not None
            other = context.browser.new_context(
                base_url=_origin(context.pages[0].url),
                viewport={"width": variant.width, "height": variant.height},
                color_scheme="dark" if variant.theme == "dark" else "light",
                locale=variant.language,
                reduced_motion="reduce",
            )
            closing.callback(other.close)
            other.set_default_timeout(PATIENCE)
            problems.watch(other)
            return other.new_page()

        yield open_browser


def _origin(url: str) -> str:
    found = re.match(r"https?://[^/]+", url)
    assert found, url
    return found[0]


def check(page: Page) -> None:
    check_accessibility(page)
    check_fits(page)


def sees(found: Locator, text: str) -> None:
    expect(found).to_contain_text(text)


def arrives(page: Page, pattern: str) -> None:
    expect(page).to_have_url(re.compile(pattern))


# --- Steps -----------------------------------------------------------------------------------------


def sign_up(page: Page) -> None:
    page.goto("/sign-up")
    check(page)
    page.locator("input[name=name]").fill(NAME)
    page.locator("input[name=email]").fill(EMAIL)
    page.locator("input[name=password]").fill(CHOSEN)
    page.locator("#form button[type=submit]").click()
    arrives(page, "/sign-up/sent$")
    sees(page.get_by_role("main"), EMAIL)
    check(page)


def open_the_mail(page: Page, language: str) -> None:
    assert newest_mail(EMAIL).language == language
    page.goto(link_to(EMAIL))
    arrives(page, "/sign-up/confirm$")
    check(page)
    page.locator("#form button[type=submit]").click()
    arrives(page, "/t/zoe-reyes")
    sees(page.locator("h1"), NAME)
    check(page)


def turn_on_the_second_factor(page: Page) -> str:
    """Answers the key in the app."""
    page.goto("/account")
    check(page)
    page.locator("#second-factor .btn.is-primary").click()
    arrives(page, "/account/confirm")
    page.locator("input[name=password]").fill(CHOSEN)
    page.locator("main form .btn.is-primary").click()
    key = page.locator("#totp-key").inner_text()
    check(page)
    page.locator("input[name=code]").fill(code_of(key))  # sends itself at the sixth digit
    arrives(page, "/account/recovery-codes$")
    check(page)
    page.locator(".card-foot .btn.is-primary").click()
    expect(page.locator("#second-factor .badge.is-ok")).to_be_visible()
    return key


def sign_in(page: Page, email: str, password: str) -> None:
    page.goto("/sign-in")
    page.locator("input[name=login]").fill(email)
    page.locator("input[name=password]").fill(password)
    page.locator("#form button[type=submit]").click()


def invite(owner: Page) -> None:
    owner.goto("/t/tidewater/members")
    check(owner)
    owner.locator(".page-head .btn.is-primary").click()
    dialog = owner.locator("dialog[open]")
    dialog.locator("textarea").first.fill(EMAIL)
    dialog.locator("input[value=viewer]").check()
    check(owner)
    dialog.locator("button[type=submit]").click()
    expect(dialog).to_have_count(0)
    sees(owner.locator("#invitations"), EMAIL)


def accept(page: Page) -> None:
    page.goto(f"/invitations/{token_in_mail_to(EMAIL)}")
    sees(page.locator("h1"), "Tidewater")
    check(page)
    page.locator("button[name=answer][value=join]").click()
    arrives(page, "/t/tidewater/$")
    sees(page.locator("h1"), NAME)
    check(page)


def switch_to(page: Page, workspace: str, variant: Variant) -> None:
    if variant.width < 860:
        page.locator("button[popovertarget=sidebar]").click()
    page.locator(".switcher").click()
    menu = page.locator("#tenants")
    expect(menu).to_be_visible()
    check_accessibility(page)
    menu.get_by_role("link", name=workspace).click()


def is_refused(page: Page, say: Say) -> None:
    page.goto("/t/tidewater/settings")
    expect(page.locator("h1")).to_have_text(say("Your role doesn't allow this"))
    expect(page.locator(".nav [aria-current]")).to_have_count(0)
    expect(page.locator(".empty b.mono")).to_have_text(["viewer", "owner", "admin"])
    expect(page.locator(".empty .btn.is-primary")).to_have_attribute("href", "mailto:alice@tidewater.example")
    check(page)


def make_a_token(page: Page) -> str:
    page.goto("/account")
    page.locator("#new-token-button").click()
    dialog = page.locator("dialog[open]")
    dialog.locator("input[name=name]").fill("release-bot")
    with page.expect_response(lambda answer: "/account/tokens/new?" in answer.url):
        dialog.locator("select[name=tenant]").select_option("Tidewater")
    dialog.locator("input[value='workspace:read']").check()
    check(page)
    dialog.locator("button[type=submit]").click()
    secret = dialog.locator("#new-token")
    expect(secret).to_be_visible()
    check(page)
    token = secret.inner_text()
    dialog.locator("[data-stored]").check()
    dialog.locator("[data-stored-done]").click()
    expect(dialog).to_have_count(0)
    sees(page.locator("#tokens"), "release-bot")
    assert token not in page.content()
    return token


def use_the_token(page: Page, token: str) -> None:
    server = _origin(page.url)
    status, body = curl(f"{server}/v1/members", token)
    assert status == 200, body
    assert {(each["email"], each["role"]) for each in json.loads(body)["items"]} >= {(EMAIL, "viewer")}
    status, body = curl(f"{server}/v1/invitations", token)
    problem = json.loads(body)
    assert (status, problem["roles"]) == (403, ["owner", "admin"]), body
    status, body = curl(f"{server}/v1/members", f"{token[:-1]}{'a' if token[-1] != 'a' else 'b'}")
    assert status == 401, body


def sign_in_elsewhere(other: Page, key: str) -> None:
    sign_in(other, EMAIL, CHOSEN)
    expect(other.locator("input.otp")).to_be_visible()
    check(other)
    other.locator("input[name=code]").fill(code_of(key, periods=1))  # one code never does twice
    arrives(other, "/t/")
    with other.expect_response(lambda answer: "/live/events" in answer.url and answer.status == 200):
        other.goto("/account")


def revoke_the_other(page: Page, other: Page) -> None:
    page.goto("/account")
    rows = page.locator("#sessions li")
    expect(rows).to_have_count(2)
    rows.locator(".btn").click()
    dialog = page.locator("dialog[open]")
    expect(dialog.locator(".touches")).to_be_visible()
    check(page)
    dialog.locator("button[type=submit]").click()
    expect(rows).to_have_count(1)
    arrives(other, r"/sign-in\?next=")
    check(other)
    other.goto("/t/tidewater/")
    arrives(other, r"/sign-in\?next=")


def read_the_log(owner: Page, say: Say) -> None:
    owner.goto("/t/tidewater/audit")
    check(owner)
    rows = owner.locator("#table details")
    owner.locator("select[name=actor]").select_option(label=NAME)
    expect(rows.filter(has_text=NAME)).to_have_count(2)
    expect(rows).to_have_count(2)
    arrives(owner, "actor=")
    rows.first.locator("summary").click()
    expect(rows.first.locator(".diff")).to_be_visible()
    check(owner)
    with owner.expect_download() as download:
        owner.get_by_role("link", name="CSV").click()
    lines = list(csv.DictReader(io.StringIO(Path(download.value.path()).read_text(encoding="utf-8-sig"))))
    assert [line["verb"] for line in lines] == ["token.created", "member.joined"]
    assert {line["actor_label"] for line in lines} == {NAME}
    owner.locator("select[name=verb]").select_option("token.revoked")
    sees(owner.locator("#table"), say("Nothing matches"))
    check(owner)


# --- The journey -----------------------------------------------------------------------------------


@pytest.mark.parametrize("variant", LOOKS, ids=str, indirect=True)
def test_from_signing_up_to_the_audit_log(
    page: Page, say: Say, variant: Variant, problems: Problems, alice: User, tidewater: Tenant
) -> None:
    problems.allow("403: GET .*/t/tidewater/settings$")
    problems.allow("401: GET .*/live/events")
    User.objects.filter(pk=alice.pk).update(language=variant.language)

    sign_up(page)
    open_the_mail(page, variant.language)
    key = turn_on_the_second_factor(page)

    with browsers(page.context, variant, problems) as open_browser:
        owner = open_browser()
        sign_in(owner, alice.email, PASSWORD)
        arrives(owner, "/t/tidewater/$")
        invite(owner)
        accept(page)
        sees(owner.locator("#table"), NAME)

        switch_to(page, NAME, variant)
        arrives(page, "/t/zoe-reyes")
        switch_to(page, "Tidewater", variant)
        arrives(page, "/t/tidewater/$")
        is_refused(page, say)

        use_the_token(page, make_a_token(page))

        other = open_browser()
        sign_in_elsewhere(other, key)
        revoke_the_other(page, other)

        read_the_log(owner, say)

    zoe = User.objects.get(email=EMAIL)
    assert zoe.language == variant.language
    assert set(Membership.objects.filter(person=zoe).values_list("role", flat=True)) == {"owner", "viewer"}
    assert Session.objects.filter(person=zoe).count() == 1
