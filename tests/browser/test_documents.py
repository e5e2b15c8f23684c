"""How the tab Data looks, with what real functions' runtimes keep."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from apps.accounts.models import User
from apps.documents.services import create_index, insert_document
from apps.gateways.models import FunctionGateway
from apps.tenants.models import Tenant
from tests.browser.checks import check_accessibility, check_fits, look
from tests.browser.plugin import SignIn
from tests.browser.variants import Variant, every_variant
from tests.documents.conftest import gateway, house, port
from tests.runtime.house import House
from tests.tenants.world import member

pytestmark = pytest.mark.django_db(transaction=True)

__all__ = ["gateway", "house", "port"]

LONG = "a-number-that-goes-on-and-on-as-those-of-some-carriers-do-0123456789-0123456789-0123456789"


@every_variant
def test_it_looks_well(
    page: Page,
    signed_in: SignIn,
    alice: User,
    tidewater: Tenant,
    gateway: FunctionGateway,
    house: House,
    variant: Variant,
    folder: Path,
) -> None:
    about = {"actor": member(alice, tidewater), "gateway": gateway, "collection": "deliveries"}
    for each in ("d1", LONG):
        insert_document(**about, document={"_id": each, "status": "open", "at": {"$date": "2026-01-31T12:00:00Z"}})
    create_index(**about, keys={"status": 1, "at": -1})
    house.ask_data(
        "INSERT INTO data.imp_slow (collection, op, shape, suggests, total_ms, most_ms) VALUES"
        """ ('deliveries', 'find', '{"weight":?,"carrier":{"$in":?}}', '[["weight", 1]]', 250, 250)"""
    )
    signed_in(alice)
    data = f"/t/tidewater/gateways/{gateway.pk}/data"
    for name, path in (
        ("collections", ""),
        ("collection", "/collections/deliveries"),
        ("wrong", "/collections/deliveries?filter=%7B&sort=%7B%22a%22%3A5%7D"),
        ("nothing", "/collections/deliveries?filter=%7B%22a%22%3A1%7D"),
        ("missing", "/collections/nobody"),
        ("form", "/collections/x/insert"),
        ("change", "/collections/deliveries/change?name=d1"),
        ("delete", "/collections/deliveries/delete?name=d1"),
        ("index", "/collections/deliveries/indexes/new"),
    ):
        page.goto(data + path)
        expect(page.locator("main")).not_to_contain_text("can't be reached")
        check_fits(page)
        check_accessibility(page)
        look(page, folder, f"data-{name}-{variant}")
