"""Every page of this part in both themes, on a desk and a phone, in both languages: it fits, and axe finds nothing."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from apps.accounts.models import User
from apps.audit.services import record
from apps.core.processes.models import ProcessHeartbeat
from tests.browser.checks import check_accessibility, check_fits, look
from tests.browser.plugin import SignIn
from tests.browser.variants import Variant, every_variant
from tests.browser.watch import Problems
from tests.sample.services import create_note

pytestmark = pytest.mark.urls("tests.web.urls")

ERRORS = {
    "not-allowed": 403,
    "missing": 404,
    "conflict": 409,
    "stale-version": 412,
    "invalid-input": 422,
    "too-many-requests": 429,
    "mistake": 500,
    "database-away": 503,
}

VISITORS = {
    "nowhere": "/nowhere",
    "errors": "/errors/",
    "error-type": "/errors/too-many-requests",
    "search": "/search?q=",
    "search-nothing": "/search?q=zzzz",
}


@pytest.fixture
def history(alice: User, operator: User, transactional_db: None) -> None:
    from django.db import transaction

    ProcessHeartbeat.objects.create(kind="web", host="harbour", pid=4100, version="0.1.0")
    ProcessHeartbeat.objects.create(kind="worker", host="harbour", pid=4101, version="0.1.0")
    with transaction.atomic():
        record(actor=alice, verb="account.signed_in", target=alice)
        record(
            actor=alice,
            verb="account.preferences_changed",
            target=alice,
            before={"theme": "light", "language": "en"},
            after={"theme": "dark", "language": "en"},
        )
        record(actor=operator, verb="person.changed", target=alice, before={"name": "Al"}, after={"name": "Alice Park"})


@every_variant
def test_overview(page: Page, signed_in: SignIn, operator: User, history: None, variant: Variant, folder: Path) -> None:
    signed_in(operator)
    page.goto("/")
    expect(page.locator("#platform .list")).to_be_visible()
    check_fits(page)
    look(page, folder, f"overview-{variant}")
    check_accessibility(page)


@every_variant
def test_quiet_overview(page: Page, signed_in: SignIn, bob: User, variant: Variant, folder: Path) -> None:
    signed_in(bob)
    page.goto("/")
    check_fits(page)
    look(page, folder, f"overview-quiet-{variant}")
    check_accessibility(page)


@every_variant
def test_audit_log(
    page: Page, signed_in: SignIn, operator: User, history: None, variant: Variant, folder: Path
) -> None:
    signed_in(operator)
    page.goto("/audit")
    page.locator("details.fold").nth(1).locator("summary").click()
    expect(page.locator("details .diff").first).to_be_visible()
    check_fits(page)
    look(page, folder, f"audit-{variant}")
    check_accessibility(page)


@every_variant
def test_filtered_audit_log(
    page: Page, signed_in: SignIn, operator: User, history: None, variant: Variant, folder: Path
) -> None:
    signed_in(operator)
    page.goto("/audit?q=zzz&verb=nosuchverb&within=7d")
    check_fits(page)
    look(page, folder, f"audit-filtered-{variant}")
    check_accessibility(page)


@every_variant
def test_error_pages(
    page: Page, signed_in: SignIn, problems: Problems, alice: User, variant: Variant, folder: Path
) -> None:
    signed_in(alice)
    for name, status in ERRORS.items():
        problems.allow(rf"^{status}: GET .*/wrong/{name}$")
        response = page.goto(f"/wrong/{name}")
        assert response is not None
        assert response.status == status
        check_fits(page)
        look(page, folder, f"error-{name}-{variant}")
        check_accessibility(page)


@every_variant
def test_pages_for_visitors(
    page: Page, problems: Problems, variant: Variant, folder: Path, transactional_db: None
) -> None:
    problems.allow(r"^404: GET .*/nowhere")
    for name, address in VISITORS.items():
        page.goto(address)
        check_fits(page)
        look(page, folder, f"visitor-{name}-{variant}")
        check_accessibility(page)


@every_variant
def test_palette(page: Page, signed_in: SignIn, alice: User, variant: Variant, folder: Path) -> None:
    signed_in(alice)
    page.goto("/")
    page.keyboard.press("Control+k")
    expect(page.locator("#palette [role=option]").first).to_be_visible()
    look(page, folder, f"palette-{variant}")
    check_accessibility(page)


@every_variant
def test_form_in_its_overlay(page: Page, signed_in: SignIn, alice: User, variant: Variant, folder: Path) -> None:
    note = create_note(actor=alice, title="Harbour")
    signed_in(alice)
    page.goto("/board")
    check_accessibility(page)
    page.get_by_role("link", name="Harbour").click()
    sheet = page.locator("dialog.sheet[open]")
    expect(sheet.get_by_label("Title")).to_have_value("Harbour")
    look(page, folder, f"sheet-{variant}")
    check_accessibility(page)
    page.goto(f"/board/{note.pk}/delete")
    check_fits(page)
    look(page, folder, f"confirm-{variant}")
    check_accessibility(page)
