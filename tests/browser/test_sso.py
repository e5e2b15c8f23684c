"""Signing in through a real identity provider in Chromium: there and back, refused, linked, signed out."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from apps.accounts.models import User
from apps.audit.services import SYSTEM
from apps.sso import services
from apps.sso.models import IdentityProvider
from apps.sso.oidc import discovery
from tests.browser.checks import check_accessibility, check_fits, text_copied
from tests.browser.plugin import SignIn
from tests.browser.thread import BrowserThread
from tests.browser.variants import every_variant
from tests.browser.watch import Problems
from tests.people import PASSWORD, make_person
from tests.sso.running import SECRET, RunningProvider, running
from tests.sso.visits import CLAES
from tests.tenants.world import join, make_tenant

pytestmark = pytest.mark.django_db(transaction=True)
FONTS = re.compile(r"https://fonts\.googleapis\.com/")


@pytest.fixture(scope="module")
def provider_process() -> Iterator[RunningProvider]:
    yield from running()


@pytest.fixture
def oidc(
    provider_process: RunningProvider, live_server: Any, browser_thread: BrowserThread, context: BrowserContext
) -> RunningProvider:
    """Its pages ask for a font of somebody else's, which they get empty here."""
    browser_thread.run(lambda: context.route(FONTS, lambda route: route.fulfill(body="", content_type="text/css")))
    provider_process.set_up(f"{live_server.url}/sso/keycloak/callback", f"{live_server.url}/sign-in")
    provider_process.set(people={"claes": CLAES, "stranger": {**CLAES, "groups": ["staff", "warehouse-gdansk"]}})
    discovery.forget_all()
    return provider_process


@pytest.fixture
def keycloak(oidc: RunningProvider) -> IdentityProvider:
    provider = services.create_provider(
        actor=SYSTEM,
        slug="keycloak",
        name="Keycloak",
        issuer=oidc.issuer,
        client_id="imp",
        client_secret=SECRET,
        email_domains="tidewater.example",
    )
    tenant = make_tenant("Tidewater Freight")
    services.set_group_role(actor=SYSTEM, provider=provider, group="imp-developers", tenant=tenant, role="qa")
    return provider


def sign_in_there(page: Page, name: str) -> None:
    page.locator("input[name=login]").fill(name)
    page.locator("input[name=password]").fill("any")
    page.get_by_role("button", name="Sign-in").click()
    agree_there(page)


def agree_there(page: Page) -> None:
    page.get_by_role("button", name="Continue").click()


def test_there_and_back_and_signed_out_on_both_sides(page: Page, keycloak: IdentityProvider) -> None:
    page.goto("/sign-in?next=/account")
    page.get_by_role("link", name="Continue with Keycloak").click()
    sign_in_there(page, "claes")
    expect(page).to_have_url(re.compile("/account$"))
    expect(page.locator("#identities")).to_contain_text("You have no password")
    expect(page.locator("#identities")).to_contain_text(CLAES["email"])
    assert User.objects.get(email=CLAES["email"]).memberships.get().role == "qa"
    page.get_by_role("button", name=re.compile("account menu")).click()
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("button", name="Yes, sign me out").click()
    expect(page).to_have_url(re.compile("/sign-in$"))
    page.get_by_role("link", name="Continue with Keycloak").click()
    expect(page.locator("input[name=login]")).to_be_visible()


@every_variant
def test_somebody_without_a_role_is_told_what_would_do_in_every_look(
    page: Page, problems: Problems, keycloak: IdentityProvider
) -> None:
    problems.allow("403: GET .*/sso/keycloak/callback")
    page.goto("/sign-in")
    check_accessibility(page)
    check_fits(page)
    page.locator("a[href^='/sso/keycloak']").click()
    sign_in_there(page, "stranger")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page.locator("main")).to_contain_text("warehouse-gdansk")
    expect(page.locator("main")).to_contain_text("imp-developers")
    check_accessibility(page)
    check_fits(page)
    page.locator("button[data-copy]").click()
    text = "keycloak · sso-no-role · claes@tidewater.example · staff, warehouse-gdansk · req_"
    assert text_copied(page, "keycloak").startswith(text)


def test_cancelling_there_leads_back_to_a_page_that_says_so(
    page: Page, problems: Problems, keycloak: IdentityProvider
) -> None:
    problems.allow("403: GET .*/sso/keycloak/callback")
    page.goto("/sign-in")
    page.get_by_role("link", name="Continue with Keycloak").click()
    page.get_by_role("link", name="[ Cancel ]").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("You cancelled the sign-in")
    page.get_by_role("link", name="Begin again").click()
    expect(page.locator("input[name=login]")).to_be_visible()


@every_variant
def test_linking_and_unlinking_on_the_accounts_page_in_every_look(
    page: Page, signed_in: SignIn, keycloak: IdentityProvider, variant: Any
) -> None:
    claes = make_person("claes")
    join(claes, make_tenant("Hanbit"))
    signed_in(claes)
    page.goto("/account#identities")
    section = page.locator("#identities")
    section.get_by_role("button").click()
    page.locator("input[name=password]").fill(PASSWORD)
    page.locator("main form button[type=submit]").first.click()
    sign_in_there(page, "claes")
    expect(page).to_have_url(re.compile("/account#identities$"))
    expect(section).to_contain_text(CLAES["email"])
    check_accessibility(page)
    check_fits(page)
    section.get_by_role("link").click()
    expect(page.locator("dl.touches")).to_contain_text("Tidewater Freight")
    check_accessibility(page)
    check_fits(page)
    page.locator("main form button[type=submit]").click()
    expect(page.locator("#identities").get_by_role("button")).to_be_visible()
    assert [row.tenant.name for row in claes.memberships.all()] == ["Hanbit"]
