"""A custom domain from its adding to its end, in Chromium, and how its page looks."""

import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from apps.accounts.models import User
from apps.core import clock
from apps.gateways.lifecycle import custom_domains
from apps.gateways.lifecycle.table import State
from apps.gateways.models import CustomDomain, FunctionGateway, RuntimeDomain
from apps.tenants.models import Tenant
from tests.browser.checks import check_accessibility, check_fits, look, text_copied
from tests.browser.plugin import SignIn
from tests.browser.variants import Variant, every_variant
from tests.browser.watch import Problems
from tests.fleet.processes import Running
from tests.gateways.contract import add_domain, some_gateway
from tests.gateways.nameserver import NameServer, running_name_server
from tests.gateways.pages import GATEWAYS, put_up
from tests.machine import database_url

pytestmark = pytest.mark.django_db(transaction=True)

HOST = "track.tidewater.example"
PATIENCE = 60_000
BOTH = pytest.mark.parametrize("variant", [Variant(), Variant("dark", 390)], ids=str, indirect=True)
Phase = CustomDomain.Phase


@pytest.fixture
def names() -> Iterator[NameServer]:
    with running_name_server() as names:
        yield names


@pytest.fixture
def worker(transactional_db: None, names: NameServer, tmp_path: Path) -> Iterator[Running]:
    worker = Running(
        [sys.executable, "manage.py", "worker", "--workers", "1"],
        tmp_path / "worker.log",
        DJANGO_SETTINGS_MODULE="portal.settings.test",
        DATABASE_URL=database_url(),
        DNS_SERVERS=names.address,
    )
    yield worker
    worker.stop()


@pytest.fixture
def gateway(transactional_db: None, alice: User, tidewater: Tenant) -> FunctionGateway:
    """It serves, as far as the console knows."""
    gateway = put_up(some_gateway(tidewater, alice, "parcel-tracking"))
    up = {"phase": "started", "state": State.RUNNING, "layout": gateway.layout, "observed_generation": 1}
    RuntimeDomain.objects.update(due_at=None, **up)
    return gateway


@BOTH
def test_from_its_adding_to_its_end(
    page: Page,
    signed_in: SignIn,
    alice: User,
    gateway: FunctionGateway,
    worker: Running,
    names: NameServer,
    variant: Variant,
    folder: Path,
    problems: Problems,
) -> None:
    # What was typed wrong, and what was asked too soon
    problems.allow(r"422: POST http\S+/domains/prod/add")
    problems.allow(r"409: POST http\S+/domains/prod/check")
    signed_in(alice)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(f"{GATEWAYS}/{gateway.pk}")
    page.get_by_role("navigation", name="Gateway").get_by_role("link", name="Domains").click()
    prod = page.locator("#domain-prod")

    # Refused with the reason, what was typed kept; then taken
    page.locator("#add-prod").click()
    dialog = page.locator("dialog[open]")
    dialog.locator("[name=host]").fill(f"https://{HOST}")
    dialog.locator("[name=host]").press("Enter")
    expect(dialog).to_contain_text("without https://")
    expect(dialog.locator("[name=host]")).to_have_value(f"https://{HOST}")
    dialog.locator("[name=host]").fill(HOST)
    dialog.get_by_role("button", name="Add the domain").click()
    expect(prod).to_contain_text("waiting for the record")
    expect(prod).to_contain_text(f"There is no TXT record at _imp-challenge.{HOST}", timeout=PATIENCE)

    # What is to be copied is what proves it; a wrong one is told as what was found
    prod.get_by_role("button", name="Copy the value of the TXT record").click()
    token = text_copied(page, "imp-")
    assert token == CustomDomain.objects.get().token
    names.prove(HOST, "imp-of-last-year")
    page.locator("#check-prod").click()
    expect(prod).to_contain_text(f"found 'imp-of-last-year', wanted '{token}'", timeout=PATIENCE)
    check_fits(page)
    check_accessibility(page)
    look(page, folder, f"domain-found-another-{variant}")
    # Asked again at once, however long this machine takes, it says how long to wait
    CustomDomain.objects.update(asked_at=clock.now() + timedelta(hours=1))
    page.locator("#check-prod").click()
    expect(page.locator("dialog[open]")).to_contain_text("Wait")
    page.keyboard.press("Escape")
    names.prove(HOST, "imp-of-last-year", token)
    expect(prod).to_contain_text("proven", timeout=PATIENCE)
    look(page, folder, f"domain-proven-{variant}")

    page.locator("#remove-prod").click()
    dialog = page.locator("dialog[open]")
    expect(dialog).to_contain_text("Get 404 there")
    dialog.get_by_role("button", name=f"Remove {HOST}").click()
    expect(page.locator("#add-prod")).to_be_visible()
    assert not CustomDomain.objects.exists()


@every_variant
def test_looks(
    page: Page, signed_in: SignIn, alice: User, gateway: FunctionGateway, variant: Variant, folder: Path
) -> None:
    moment = clock.now()
    record = f"_imp-challenge.next.{HOST}"
    add_domain(
        gateway,
        f"next.{HOST}",
        stage="dev",
        token="imp-0123456789abcdef0123456789abcdef",
        because=custom_domains.OTHER_RECORD,
        because_of={"record": record, "found": "imp-of-last-year", "wanted": "imp-0123456789abcdef0123456789abcdef"},
        checked_at=moment - timedelta(minutes=2),
        leads_here=False,
        leads_to="192.0.2.9",
    )
    record = f"_imp-challenge.{HOST}"
    add_domain(
        gateway,
        HOST,
        token="imp-fedcba9876543210fedcba9876543210",
        phase=Phase.LOSING,
        proven_at=moment,
        missing_at=moment - timedelta(days=2),
        because=custom_domains.NO_RECORD,
        because_of={"record": record, "wanted": "imp-fedcba9876543210fedcba9876543210"},
        checked_at=moment - timedelta(hours=1),
        leads_here=True,
        leads_to="parcel-tracking.prod.localhost",
    )
    signed_in(alice)
    path = f"{GATEWAYS}/{gateway.pk}"
    for name, shown in (("gateway-domains", f"{path}/domains"), ("gateway-with-domains", path)):
        page.goto(shown)
        check_fits(page)
        look(page, folder, f"{name}-{variant}")
        check_accessibility(page)
    page.goto(f"{path}/domains")
    for opener, name in (("#add-staging", "domain-add"), ("#remove-prod", "domain-remove")):
        page.locator(opener).click()
        expect(page.locator("dialog[open]")).to_be_visible()
        look(page, folder, f"{name}-{variant}")
        check_accessibility(page, "dialog[open]")
        page.keyboard.press("Escape")
