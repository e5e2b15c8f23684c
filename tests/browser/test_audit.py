"""The audit log of a workspace in Chromium: read, filtered, exported; and an operator who looks as somebody else."""

import csv
import io
import re
from datetime import timedelta
from pathlib import Path

import pytest
import time_machine
from django.db import transaction
from django.urls import reverse
from playwright.sync_api import Page, expect

from apps.accounts.models import User
from apps.audit.models import AuditEvent
from apps.audit.services import SYSTEM, Target, record
from apps.core import clock, context
from apps.tenants.models import Membership, Tenant
from tests.browser.checks import check_accessibility, check_fits, look
from tests.browser.plugin import SignIn
from tests.browser.variants import Variant, every_variant
from tests.people import PASSWORD
from tests.tenants.world import member

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def history(transactional_db: None, alice: User, bob: User, operator: User, tidewater: Tenant) -> Tenant:
    """Alice changed bob's role yesterday; an operator and the system did something just now."""
    actor, membership = member(alice, tidewater), Membership.objects.get(person=bob)
    before, after = {"role": "qa"}, {"role": "viewer"}
    with time_machine.travel(clock.now() - timedelta(days=2)), transaction.atomic():
        record(actor=actor, verb="member.role_changed", target=membership, before=before, after=after)
    with transaction.atomic(), context.bound(request_id="req_8fNq4Z", address="203.0.113.24"):
        record(actor=operator, verb="view_as.started", target=bob, after={"reason": "4471"}, tenant_id=tidewater.pk)
        record(actor=SYSTEM, verb="member.left", target=Target("membership", "mem_1", "Vera"), tenant_id=tidewater.pk)
        record(actor=actor, verb="invitation.revoked", target=Target("invitation", "inv_1", "zoe@reyes.example"))
    return tidewater


def entries(page: Page) -> list[str]:
    return [text.strip() for text in page.locator("#table details .cells > span:nth-child(2)").all_inner_texts()]


def test_the_log_is_filtered_by_person_kind_and_time(
    page: Page, signed_in: SignIn, alice: User, history: Tenant
) -> None:
    signed_in(alice)
    page.goto("/t/tidewater/audit")
    rows = page.locator("#table details")
    expect(rows).to_have_count(4)
    who, what, when = (page.get_by_label(name, exact=True) for name in ("Who", "What", "When"))

    who.select_option(label="Platform operators")
    expect(rows).to_have_count(1)
    expect(rows.first).to_contain_text("Operator")
    who.select_option(label="The system")
    expect(rows.first).to_contain_text("Vera")
    who.select_option(label="Alice")
    expect(rows).to_have_count(2)
    what.select_option(label="Changed the role of …")
    expect(rows).to_have_count(1)
    when.select_option(label="Last 24 h")
    expect(page.get_by_text("Nothing matches")).to_be_visible()
    page.get_by_role("link", name="Clear the filters").first.click()
    expect(rows).to_have_count(4)


def test_the_fields_for_dates_show_when_they_are_wanted(
    page: Page, signed_in: SignIn, alice: User, history: Tenant
) -> None:
    signed_in(alice)
    page.goto("/t/tidewater/audit")
    since, until = page.get_by_label("From", exact=True), page.get_by_label("To", exact=True)
    expect(since).to_be_hidden()
    page.get_by_label("When", exact=True).select_option(label="From … to …")
    expect(since).to_be_visible()
    until.fill(f"{clock.now() - timedelta(days=1):%Y-%m-%dT%H:%M}")
    expect(page.locator("#table details")).to_have_count(1)
    expect(page).to_have_url(re.compile("until="))
    page.reload()
    expect(until).to_be_visible()
    expect(page.locator("#table details")).to_have_count(1)
    page.get_by_label("When", exact=True).select_option(label="Last 7 days")
    expect(page.locator("#table details")).to_have_count(4)
    expect(until).to_be_hidden()


def test_an_entry_opens_where_it_stands_and_the_export_has_what_the_filter_left(
    page: Page, signed_in: SignIn, alice: User, history: Tenant
) -> None:
    signed_in(alice)
    page.goto("/t/tidewater/audit?verb=members")
    entry = page.locator("details.fold", has_text="Changed the role of Bob")
    entry.locator("summary").click()
    expect(entry.locator(".diff del")).to_have_text("qa")
    expect(entry.locator(".diff ins")).to_have_text("viewer")
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").click()
    lines = list(csv.DictReader(io.StringIO(Path(download.value.path()).read_text(encoding="utf-8-sig"))))
    assert {line["verb"] for line in lines} == {"member.left", "invitation.revoked", "member.role_changed"}
    entry.get_by_role("link", name="All about this object").click()
    expect(page.locator("#table details")).to_have_count(1)
    expect(page.locator("#table")).to_contain_text("Object: Bob")


@every_variant
def test_how_it_looks(
    page: Page, signed_in: SignIn, alice: User, history: Tenant, variant: Variant, folder: Path
) -> None:
    signed_in(alice)
    page.goto("/t/tidewater/audit?within=dates")
    page.locator("details.fold summary").nth(3).click()
    expect(page.locator("details .diff").first).to_be_visible()
    check_fits(page)
    look(page, folder, f"workspace-audit-{variant}")
    check_accessibility(page)


# --- View as ---------------------------------------------------------------------------------------


def way_to(person: User) -> str:
    return reverse("admin:accounts_user_view_as", args=[person.pk])


def begin(page: Page, person: User) -> None:
    page.goto(way_to(person))
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.get_by_label("Reason").fill("Ticket 4471, asked for by Bob")
    page.get_by_role("button", name="View as Bob").click()
    expect(page.get_by_text("You see the console as Bob.")).to_be_visible()


def test_an_operator_looks_as_somebody_else_and_comes_back(
    page: Page, signed_in: SignIn, operator: User, bob: User, tidewater: Tenant
) -> None:
    signed_in(operator)
    page.goto(f"/admin/accounts/user/{bob.pk}/change/")
    expect(page.get_by_role("link", name="View as")).to_have_attribute("href", way_to(bob))
    begin(page, bob)
    page.goto("/t/tidewater/members")
    expect(page.get_by_text("You see the console as Bob.")).to_be_visible()
    expect(page.get_by_role("main")).to_contain_text("Alice")
    page.get_by_role("button", name="End").click()
    expect(page).to_have_url(re.compile(f"/admin/accounts/user/{bob.pk}/change/$"))
    verbs = AuditEvent.objects.filter(tenant_id=tidewater.pk, actor_id=operator.pk).order_by("at")
    assert list(verbs.values_list("verb", flat=True)) == ["view_as.started", "view_as.ended"]


@pytest.mark.parametrize("variant", [Variant("dark", 1280), Variant("light", 390)], ids=str, indirect=True)
def test_how_looking_looks(
    page: Page, signed_in: SignIn, operator: User, bob: User, tidewater: Tenant, variant: Variant, folder: Path
) -> None:
    signed_in(operator)
    begin(page, bob)
    page.goto("/t/tidewater/members")
    check_fits(page)
    look(page, folder, f"viewing-{variant}")
    check_accessibility(page)
