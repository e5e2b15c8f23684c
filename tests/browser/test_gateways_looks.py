"""How the pages of gateways look, in each theme, width and language; nothing is reached from here."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from apps.accounts.models import User
from apps.core.lifecycle import kernel
from apps.fleet.models import Cluster
from apps.functions.models import Function
from apps.gateways.lifecycle.machines import GATEWAY
from apps.gateways.models import FunctionGateway, GatewayDatabase
from apps.gateways.services.creating import create_gateway
from apps.gateways.services.states import stop_gateway
from apps.gateways.services.variables import Setting
from apps.gateways.sizes import Layout, SizeName
from apps.gateways.store import connect
from apps.tenants.models import Tenant
from tests.browser.checks import check_accessibility, check_fits, look
from tests.browser.plugin import SignIn
from tests.browser.variants import Variant, every_variant
from tests.functions.contract import function_row
from tests.gateways.world import ObedientCluster, converge, drop_for_good, make_cluster
from tests.tenants.world import member

pytestmark = pytest.mark.django_db(transaction=True)

GATEWAYS = "/t/tidewater/gateways"


@pytest.fixture
def cluster(transactional_db: None) -> Cluster:
    facts = {"gateway_port": "8480", "runtime_version": "2.9.0", "envoy_version": "1.38.0"}
    cluster = make_cluster(title="This machine", facts=facts)
    make_cluster("rotterdam", maintenance_at=cluster.created_at, maintenance_because="New disks until 16:00.")
    return cluster


@pytest.fixture
def running(transactional_db: None, alice: User, tidewater: Tenant, cluster: Cluster) -> FunctionGateway:
    """Came up; another beside it is stopped."""
    actor = member(alice, tidewater)
    settings = [Setting("DEFAULT_COUNTRY", "KR"), Setting("CARRIER_TOKEN", "not-a-real-one", is_secret=True)]
    gateway = create_gateway(
        actor=actor, name="parcel-tracking", cluster=cluster, size=SizeName.STANDARD, variables=settings
    )
    other = create_gateway(actor=actor, name="billing-hooks", cluster=cluster, layout=Layout.SHARED)
    obedient = ObedientCluster()
    converge(obedient)
    stop_gateway(actor=actor, gateway=other)
    converge(obedient)
    _fill(gateway)
    return gateway


def _fill(gateway: FunctionGateway) -> None:
    """What its first page shows of what lies in it: a function that doesn't load, and what was logged."""
    for name in ("dev/shipments/estimate", "prod/shipments/estimate", "staging/webhooks/carrier-update"):
        function_row(gateway, name)
    refused = {"version": 2, "message": "ReferenceError: zones is not defined (shipments/estimate/zones.ts:23:18)"}
    Function.objects.filter(stage="dev").update(load_error=refused)
    Function.objects.filter(stage="prod").update(live_version=2)
    said = "signature older than 300 s, answered 401"
    lines = [("prod", "webhooks/carrier-update", "warn", said, "{}")] * 3
    stack = '{"stack": "TypeError: no zone\\n    at zoneFor (zones.ts:23:18)"}'
    lines.append(("dev", "shipments/estimate", "error", "TypeError: no zone", stack))
    with connect(gateway.pk) as there, there.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO imp.logs (at, stage, function, version, request_id, level, text, fields)"
            " VALUES (now(), %s, %s, 2, 'req_8fK2mQ', %s, %s, %s)",
            lines,
        )


@pytest.fixture
def creating(alice: User, tidewater: Tenant, cluster: Cluster) -> FunctionGateway:
    """Its cluster has taken nothing yet."""
    gateway = create_gateway(
        actor=member(alice, tidewater), name="parcel-returns", title="Parcel returns", cluster=cluster
    )
    kernel.advance(GATEWAY, gateway.pk)
    return gateway


@pytest.fixture(autouse=True)
def _no_database_left(transactional_db: None) -> Iterator[None]:
    """Databases outlast the rows that name them."""
    yield
    for name in GatewayDatabase.objects.values_list("name", flat=True):
        drop_for_good(name)


def show(page: Page, path: str, name: str, folder: Path, variant: Variant) -> None:
    page.goto(path)
    # What a page asks for by itself once it's there
    expect(page.locator("[hx-trigger^=load]")).to_have_count(0)
    check_fits(page)
    look(page, folder, f"{name}-{variant}")
    check_accessibility(page)


@every_variant
def test_pages(
    page: Page, signed_in: SignIn, alice: User, running: FunctionGateway, variant: Variant, folder: Path
) -> None:
    signed_in(alice)
    one = f"{GATEWAYS}/{running.pk}"
    for path, name in (
        (GATEWAYS, "gateways"),
        (one, "gateway"),
        (f"{one}/environment", "gateway-environment"),
        (f"{one}/history", "gateway-history"),
        (f"{one}/settings", "gateway-settings"),
    ):
        show(page, path, name, folder, variant)


@every_variant
def test_making_one(
    page: Page, signed_in: SignIn, alice: User, creating: FunctionGateway, variant: Variant, folder: Path
) -> None:
    signed_in(alice)
    page.goto(f"{GATEWAYS}/new")
    page.locator("#id_title").fill("Parcel returns")
    page.locator("#id_name").fill("parcel-returns")
    expect(page.locator("#name-reason")).not_to_be_empty()
    page.locator("#variables details summary").click()
    page.locator("#env").fill('DEFAULT_COUNTRY=KR\nexport CARRIER_TOKEN="not-a-real-one"\nnonsense')
    page.locator("#variables [name=paste]").click()
    expect(page.locator("#variables tbody tr")).to_have_count(2)
    check_fits(page)
    look(page, folder, f"gateway-new-{variant}")
    check_accessibility(page)
    show(page, f"{GATEWAYS}/{creating.pk}", "gateway-creating", folder, variant)


@every_variant
def test_dialogs(
    page: Page, signed_in: SignIn, alice: User, running: FunctionGateway, variant: Variant, folder: Path
) -> None:
    signed_in(alice)
    one = f"{GATEWAYS}/{running.pk}"
    for path, opener, name in (
        (one, "#do-stop", "gateway-stop"),
        (f"{one}/settings", "#go-delete", "gateway-delete"),
        (f"{one}/settings", "#go-bundle", "gateway-bundle"),
        (f"{one}/settings", "#switch-dev", "gateway-switch-off"),
        (f"{one}/environment", "#set-variables", "gateway-set-variables"),
    ):
        page.goto(path)
        page.locator(opener).click()
        expect(page.locator("dialog[open]")).to_be_visible()
        look(page, folder, f"{name}-{variant}")
        check_accessibility(page, "dialog[open]")


@every_variant
def test_an_empty_list_teaches(
    page: Page, signed_in: SignIn, alice: User, tidewater: Tenant, variant: Variant, folder: Path
) -> None:
    signed_in(alice)
    show(page, GATEWAYS, "gateways-empty", folder, variant)
