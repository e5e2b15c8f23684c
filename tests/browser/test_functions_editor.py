"""Writing a function in the browser: everything that needs no runtime. What does is in test_functions_journey.py."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from apps.accounts.models import User
from apps.fleet.models import Cluster
from apps.functions.models import Draft, Function, FunctionVersion
from apps.functions.services import create_function, save_draft, save_function
from apps.gateways import databases
from apps.gateways.models import FunctionGateway, GatewayDatabase
from apps.gateways.services.creating import create_gateway
from apps.gateways.services.variables import Setting
from apps.tenants.member import Member
from apps.tenants.models import Tenant
from apps.tenants.roles import Role
from tests.browser.checks import check_accessibility, check_fits, look, wait_for
from tests.browser.plugin import SignIn
from tests.browser.variants import Variant, every_variant, on_a_phone
from tests.browser.watch import Problems
from tests.gateways.world import make_cluster
from tests.people import make_person
from tests.tenants.world import make_member, member

pytestmark = pytest.mark.django_db(transaction=True)

HANDLER = """\
import { zoneFor } from "./zones";
import { fastest } from "./carriers/pick";

// GET /shipments/estimate?postcode=63122
export default async (req: ImpRequest, res: ImpResponse) => {
  const zone = zoneFor(String(req.query.postcode ?? ""));
  if (!zone) return res.status(422).json({ error: "No such postcode" });

  imp.log.info("estimate", { zone });
  return { zone, carrier: fastest(zone) };
};
"""
ZONES = """\
const ISLANDS = [/^63\\d{3}$/, /^40200$/];

export function zoneFor(postcode: string): string {
  return ISLANDS.some((each) => each.test(postcode)) ? "ISLAND" : "MAINLAND";
}
"""
PICK = """\
export function fastest(zone: string): string {
  return zone === "ISLAND" ? "ferry" : "van";
}
"""
FILES = {"handler.ts": HANDLER, "zones.ts": ZONES, "carriers/pick.ts": PICK}


@pytest.fixture
def cluster(transactional_db: None) -> Cluster:
    return make_cluster(title="This machine", facts={"gateway_port": "8480"})


@pytest.fixture
def actor(alice: User, tidewater: Tenant) -> Member:
    return member(alice, tidewater)


@pytest.fixture
def gateway(actor: Member, cluster: Cluster) -> FunctionGateway:
    settings = [Setting("DEFAULT_COUNTRY", "KR"), Setting("CARRIER_TOKEN", "not-a-real-one", is_secret=True)]
    return create_gateway(
        actor=actor, name="parcel-tracking", title="Parcel tracking", cluster=cluster, variables=settings
    )


@pytest.fixture
def function(actor: Member, gateway: FunctionGateway) -> Function:
    return create_function(
        actor=actor, gateway=gateway, name="dev/shipments/estimate", files=FILES, entrypoint="handler.ts",
        methods=["GET"],
    )  # fmt: skip


@pytest.fixture(autouse=True)
def _no_database_left(transactional_db: None) -> Iterator[None]:
    """Databases outlast the rows that name them."""
    yield
    for name in GatewayDatabase.objects.values_list("name", flat=True):
        databases.drop_database(name)


def path_of(function: Function, stage: str = "") -> str:
    return f"/t/tidewater/gateways/{function.gateway_id}/functions/{stage or function.stage}/{function.base_name}"


def enter(page: Page, function: Function) -> Locator:
    """Opens it and waits for the editor, which is large; what is typed goes into it."""
    page.goto(path_of(function))
    expect(page.locator("html[data-editor=ready]")).to_be_attached()
    return page.locator("#editor .view-lines")


def type_at_start(page: Page, text: str) -> None:
    page.locator("#editor .view-lines").click()
    page.keyboard.press("Control+Home")
    page.keyboard.insert_text(text)


def versions(function: Function) -> int:
    return FunctionVersion.objects.filter(function=function).count()


@every_variant
def test_its_looks(
    page: Page, signed_in: SignIn, alice: User, function: Function, variant: Variant, folder: Path
) -> None:
    signed_in(alice)
    lines = enter(page, function)
    expect(lines).to_contain_text("zoneFor")
    page.locator("#problems").wait_for(state="hidden")
    check_fits(page)
    check_accessibility(page)
    look(page, folder, f"function-{variant}")
