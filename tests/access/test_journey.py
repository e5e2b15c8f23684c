"""A token's life in Chromium, used with curl in between."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from apps.access.models import AccessToken
from apps.accounts.models import User
from apps.core import clock
from apps.tenants.models import Tenant
from tests.access.tokens import make_token
from tests.browser.checks import check_accessibility, check_fits, text_copied
from tests.browser.plugin import SignIn
from tests.browser.variants import every_variant
from tests.browser.watch import Problems
from tests.people import PASSWORD, make_person
from tests.tenants.world import join, make_tenant
from tests.terminal import curl

pytestmark = pytest.mark.django_db(transaction=True)

Ask = Callable[[str], tuple[int, str]]


@pytest.fixture
def mina(transactional_db: None) -> User:
    return make_person("mina")


@pytest.fixture
def freight(mina: User) -> Tenant:
    tenant = make_tenant("Tidewater Freight")
    join(mina, tenant, "owner")
    return tenant


@pytest.fixture
def ask(live_server: Any) -> Ask:
    """As anybody would ask from a terminal."""
    return lambda token: curl(f"{live_server.url}/v1/access-tokens/self", token)


def say_who_it_is(page: Page) -> None:
    expect(page).to_have_url(re.compile("/account/confirm"))
    page.locator("input[name=password]").fill(PASSWORD)
    page.get_by_role("button", name="Go on").click()
    expect(page).to_have_url(re.compile("/account/tokens/new$"))


def test_made_copied_used_with_curl_revoked_and_refused(
    page: Page, signed_in: SignIn, ask: Ask, problems: Problems, mina: User, freight: Tenant
) -> None:
    problems.allow("422: POST .*/account/tokens/new")
    signed_in(mina)
    page.goto("/account")
    page.locator("#tokens").get_by_role("link", name="New token").click()
    say_who_it_is(page)

    # From here the dialog opens over the list, as nobody asks again
    page.goto("/account/tokens")
    page.get_by_role("link", name="New token").click()
    dialog = page.locator("dialog[open]")
    dialog.get_by_label("Name").fill("release-bot")
    dialog.get_by_role("button", name="Create token").click()
    expect(dialog.locator(".error")).to_contain_text("Allow it something.")
    check_accessibility(page)
    dialog.get_by_role("group", name="May").locator("input[value='functions:write']").check()
    dialog.get_by_role("button", name="Create token").click()

    expect(dialog.get_by_role("heading", name="Copy your new token now")).to_be_visible()
    check_accessibility(page)
    dialog.get_by_role("button", name="Copy").click()
    copied = text_copied(page, "imp_pat_")
    assert copied == dialog.locator("#new-token").inner_text()
    page.keyboard.press("Escape")
    expect(dialog).to_be_visible()
    dialog.get_by_label("I've stored it").check()
    dialog.get_by_role("button", name="Done").click()
    expect(dialog).to_have_count(0)
    row = page.get_by_role("row", name=re.compile("release-bot"))
    expect(row).to_contain_text("Tidewater Freight")
    expect(row).to_contain_text("functions:write")
    expect(row).to_contain_text("Not yet")
    assert copied not in page.content()

    status, body = ask(copied)
    assert (status, '"name":"release-bot"' in body) == (200, True), body
    page.reload()
    expect(row).to_contain_text("127.0.0.1")
    assert copied not in page.content()

    row.get_by_role("link", name="Revoke release-bot").click()
    expect(dialog).to_contain_text("can't be brought back")
    check_accessibility(page)
    dialog.get_by_role("button", name="Revoke token").click()
    expect(page.get_by_text("release-bot revoked", exact=True)).to_be_visible()
    expect(row).to_have_count(0)
    status, body = ask(copied)
    assert (status, "was revoked" in body) == (401, True), body


def test_by_keyboard_alone(page: Page, signed_in: SignIn, mina: User, freight: Tenant) -> None:
    signed_in(mina)
    page.goto("/account/tokens/new")
    say_who_it_is(page)
    page.get_by_label("Name").focus()
    page.keyboard.type("nightly")
    page.keyboard.press("Tab")
    page.keyboard.press("End")
    expect(page.locator("input[value='account:read']")).to_be_visible()
    page.get_by_label("Everything that I may").focus()
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Copy your new token now")).to_be_visible()
    page.get_by_label("I've stored it").press("Space")
    page.get_by_role("button", name="Done").press("Enter")
    expect(page.get_by_role("row", name=re.compile("nightly"))).to_contain_text("All I may")


def test_the_offered_scopes_follow_the_workspace_and_keep_what_was_typed(
    page: Page, signed_in: SignIn, mina: User, freight: Tenant
) -> None:
    join(mina, make_tenant("Greenmarket", "customer"))
    signed_in(mina)
    page.goto("/account/tokens/new")
    say_who_it_is(page)
    page.get_by_label("Name").fill("kept")
    page.locator("input[value='workspace:read']").check()
    page.get_by_label("Workspace").select_option("Greenmarket")
    expect(page.locator("input[value='subscriptions:read']")).to_be_visible()
    expect(page.locator("input[value='functions:read']")).to_have_count(0)
    expect(page.locator("input[value='workspace:read']")).to_be_checked()
    expect(page.get_by_label("Name")).to_have_value("kept")


def show_the_demo(mina: User, freight: Tenant) -> None:
    hanbit = Tenant.objects.create(name="한빛데이터", slug="hanbit", kind="provider")
    join(mina, hanbit)
    make_token(mina, "functions:read", days=200, name="한빛 점검", tenant=hanbit)
    AccessToken.objects.filter(name="한빛 점검").update(expires_at=clock.now() - timedelta(days=40))
    make_token(mina, "workspace:read", "customers:read", days=2, name="usage export", tenant=freight)
    make_token(mina, "account:write", "functions:write", "gateways:read", days=90, name="MacBook CLI")
    used = {"last_used_at": clock.now() - timedelta(minutes=11), "last_used_address": "2001:db8:85a3::8a2e:370:7334"}
    AccessToken.objects.filter(name="MacBook CLI").update(**used)


@every_variant
def test_the_list_in_every_look(page: Page, signed_in: SignIn, mina: User, freight: Tenant) -> None:
    show_the_demo(mina, freight)
    signed_in(mina)
    page.goto("/account/tokens")
    expect(page.get_by_text("한빛 점검").first).to_be_visible()
    check_accessibility(page)
    check_fits(page)


@every_variant
def test_the_form_and_the_new_token_in_every_look(page: Page, signed_in: SignIn, mina: User, freight: Tenant) -> None:
    signed_in(mina)
    page.goto("/account/tokens/new")
    page.locator("input[name=password]").fill(PASSWORD)
    page.locator("main form button[type=submit]").click()
    expect(page.locator("#token-may")).to_be_visible()
    page.goto("/account/tokens")
    page.locator("#new-token-button").click()
    expect(page.locator("dialog[open] #token-may")).to_be_visible()
    check_accessibility(page)
    check_fits(page)
    page.locator("dialog[open] input[name=name]").fill("release-bot")
    page.locator("dialog[open] input[name=everything]").check()
    page.locator("dialog[open] button[type=submit]").click()
    expect(page.locator("#new-token")).to_be_visible()
    check_accessibility(page)
    check_fits(page)
