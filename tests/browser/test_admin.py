"""The admin in Chromium: its scripts and styles run under a policy that forbids inline ones."""

import re
from pathlib import Path

import pytest
from django.db import transaction
from django.urls import reverse
from playwright.sync_api import Page, expect

from apps.accounts.models import User
from apps.audit.models import AuditEvent
from apps.audit.services import record
from apps.tenants.models import Tenant
from tests.browser.checks import check_fits, look
from tests.browser.plugin import SignIn
from tests.browser.variants import Variant
from tests.people import make_person
from tests.tenants.contract import make_invitation

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def event(transactional_db: None, yuna: User) -> AuditEvent:
    from django.db import transaction

    with transaction.atomic():
        return record(actor=yuna, verb="person.created", target=yuna, after={"name": "Yuna"})


def test_its_pages_open_without_a_word_in_the_console(
    page: Page, signed_in: SignIn, yuna: User, event: AuditEvent
) -> None:
    signed_in(yuna)
    for path in (
        "/admin/",
        "/admin/accounts/user/",
        "/admin/accounts/user/add/",
        f"/admin/accounts/user/{yuna.pk}/change/",
        "/admin/audit/auditevent/",
        f"/admin/audit/auditevent/{event.pk}/change/",
        "/admin/mfa/authenticator/",
        "/admin/core/waitingtask/",
    ):
        page.goto(path)
        expect(page.locator("#nav-sidebar-inner")).to_be_attached()


def test_its_widgets_work(page: Page, signed_in: SignIn, yuna: User) -> None:
    signed_in(yuna)
    make_person("alice")
    page.goto("/admin/accounts/user/")
    bar = page.locator("#changelist-actions")
    expect(bar).to_be_hidden()
    page.locator("input.action-select").first.check()
    expect(bar).to_be_visible()
    assert bar.evaluate("bar => bar.style.width").endswith("px")
    bar.locator("select[name=action]").select_option("deactivate")
    bar.get_by_role("button", name="Run").click()
    expect(page.get_by_text("1 deactivated.")).to_be_visible()


@pytest.mark.parametrize(("theme", "background"), [("dark", "rgb(19, 24, 26)"), ("light", "rgb(247, 249, 249)")])
def test_it_wears_our_colours_in_the_accounts_theme(
    page: Page, signed_in: SignIn, yuna: User, theme: str, background: str
) -> None:
    signed_in(yuna)
    User.objects.update(theme=theme)
    page.goto("/admin/")
    expect(page.locator("body")).to_have_css("background-color", background)


def test_it_leads_back_to_the_console(page: Page, signed_in: SignIn, yuna: User) -> None:
    signed_in(yuna)
    page.goto("/admin/")
    page.get_by_role("link", name="Back to the console").first.click()
    expect(page).to_have_url(re.compile(r"^http://[^/]+/$"))


@pytest.mark.parametrize("variant", [Variant("dark", 1280), Variant("light", 390)], ids=str, indirect=True)
def test_pages_of_workspaces_open_and_fit(
    page: Page, signed_in: SignIn, yuna: User, alice: User, tidewater: Tenant, variant: Variant, folder: Path
) -> None:
    with transaction.atomic():
        make_invitation(tidewater, alice, "zoe@reyes.example")
    signed_in(yuna)
    User.objects.filter(pk=yuna.pk).update(theme=variant.theme)
    for name, path in {
        "tenants": "/admin/tenants/tenant/",
        "tenant": f"/admin/tenants/tenant/{tidewater.pk}/change/",
        "tenant-new": "/admin/tenants/tenant/add/",
        "tenant-suspend": reverse("admin:tenants_tenant_suspend_this", args=[tidewater.pk]),
        "tenant-delete": reverse("admin:tenants_tenant_delete_this", args=[tidewater.pk]),
        "memberships": "/admin/tenants/membership/",
        "invitations": "/admin/tenants/invitation/",
        "person": f"/admin/accounts/user/{alice.pk}/change/",
    }.items():
        page.goto(path)
        expect(page.get_by_role("heading").first).to_be_attached()
        check_fits(page)
        look(page, folder, f"admin-{name}-{variant}")
