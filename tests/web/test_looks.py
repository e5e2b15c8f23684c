"""Every page of this part in both themes, on a desk and a phone, in both languages: it fits, and axe finds nothing."""

import os
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


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Pictures of a failed test stay in its own folder; LOOKS names one for those who want to see them all."""
    return Path(os.environ.get("LOOKS") or tmp_path)


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
@pytest.mark.parametrize("name", ERRORS)
def test_error_page(
    page: Page,
    signed_in: SignIn,
    problems: Problems,
    alice: User,
    variant: Variant,
    folder: Path,
    name: str,
) -> None:
    problems.allow(rf"^{ERRORS[name]}: GET .*/wrong/")
    signed_in(alice)
    response = page.goto(f"/wrong/{name}")
    assert response is not None
    assert response.status == ERRORS[name]
    check_fits(page)
    look(page, folder, f"error-{name}-{variant}")
    check_accessibility(page)


@every_variant
def test_missing_page_for_a_visitor(
    page: Page, problems: Problems, variant: Variant, folder: Path, transactional_db: None
) -> None:
    problems.allow(r"^404: GET .*/nowhere")
    page.goto("/nowhere")
    check_fits(page)
    look(page, folder, f"error-visitor-{variant}")
    check_accessibility(page)


@every_variant
@pytest.mark.parametrize("address", ["/errors/", "/errors/too-many-requests", "/search?q=", "/search?q=zzzz"])
def test_public_page(page: Page, variant: Variant, folder: Path, address: str, transactional_db: None) -> None:
    page.goto(address)
    check_fits(page)
    look(page, folder, f"public{address.replace('/', '-').replace('?', '-')}-{variant}")
    check_accessibility(page)
