"""Packages in Chromium: added, refused, looked at, removed; a worker does its part between."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from apps.accounts.models import User
from apps.functions.dependencies.services import set_dependencies
from apps.gateways.models import FunctionGateway
from apps.tenants.models import Tenant
from tests.browser.checks import check_accessibility, check_fits, look
from tests.browser.plugin import SignIn
from tests.browser.variants import Variant, every_variant
from tests.browser.watch import Problems
from tests.dependencies.registry import Registry
from tests.gateways.contract import some_gateway
from tests.gateways.pages import put_up
from tests.tasks import run_due_tasks
from tests.tenants.world import member

pytestmark = pytest.mark.django_db(transaction=True)
ESM = {"type": "module", "exports": "./index.js"}


@pytest.fixture
def registry(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Registry]:
    made = Registry()
    monkeypatch.setenv("NPM_CONFIG_REGISTRY", made.url)
    made.add("hoek", {"index.js": "export const clone = structuredClone", "index.d.ts": "export {}"}, **ESM)
    made.add("topo", {"index.js": "export * from 'hoek'"}, version="6.0.2", dependencies={"hoek": "^1"}, **ESM)
    made.add("files", {"index.js": "import fs from 'fs'; export default fs"}, **ESM)
    yield made
    made.stop()


@pytest.fixture
def gateway(transactional_db: None, alice: User, tidewater: Tenant, registry: Registry) -> FunctionGateway:
    return put_up(some_gateway(tidewater, alice, "parcel-tracking"))


def url_of(gateway: FunctionGateway) -> str:
    return f"/t/tidewater/gateways/{gateway.pk}/dependencies"


def test_packages_are_added_refused_and_removed_while_one_looks_on(
    page: Page, signed_in: SignIn, alice: User, gateway: FunctionGateway, problems: Problems
) -> None:
    # A form that is shown again with its errors
    problems.allow("422: POST")
    signed_in(alice)
    with page.expect_response(lambda response: "topic=" in response.url):
        page.goto(url_of(gateway))
    expect(page.get_by_role("heading", name="No npm package yet")).to_be_visible()
    page.get_by_role("link", name="Add packages").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Packages").fill("Topo")
    dialog.get_by_role("button", name="Add").click()
    expect(dialog.get_by_text("no name of an npm package")).to_be_visible()
    dialog.get_by_label("Packages").fill("topo@^6")
    dialog.get_by_role("button", name="Add").click()
    expect(page.get_by_text("Waiting for a worker")).to_be_visible()
    run_due_tasks()
    row = page.locator('[data-package="topo"]')
    expect(row).to_contain_text("6.0.2")
    row.get_by_text("1 package", exact=True).click()
    expect(row.get_by_text("hoek@1.0.0")).to_be_visible()
    page.get_by_role("link", name="Add packages").click()
    dialog.get_by_label("Packages").fill("files")
    dialog.get_by_role("button", name="Add").click()
    expect(dialog).to_be_hidden()
    run_due_tasks()
    expect(page.get_by_text("files needs fs of Node")).to_be_visible()
    page.locator("#discard-change").click()
    dialog.get_by_role("button", name="Discard the change").click()
    expect(page.get_by_text("files needs fs of Node")).to_be_hidden()
    row.get_by_role("link", name="Remove topo").click()
    dialog.get_by_role("button", name="Remove topo").click()
    expect(dialog).to_be_hidden()
    run_due_tasks()
    expect(page.get_by_role("heading", name="No npm package yet")).to_be_visible()


@every_variant
def test_it_looks_well(
    page: Page, signed_in: SignIn, alice: User, gateway: FunctionGateway, variant: Variant, tmp_path: Path
) -> None:
    actor = member(alice, gateway.tenant)
    for wanted in ({"topo": "6", "hoek": "1"}, {"topo": "6", "hoek": "1", "files": "1"}):
        set_dependencies(actor=actor, gateway=gateway, wanted=wanted)
        run_due_tasks()
    signed_in(alice)
    page.goto(url_of(gateway))
    page.locator('[data-package="topo"] summary').click()
    check_fits(page)
    check_accessibility(page)
    look(page, tmp_path, f"dependencies-{variant}")
