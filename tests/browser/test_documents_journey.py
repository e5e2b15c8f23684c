"""Functions' data in the browser: what a function kept is looked at, asked for and changed, on a real engine."""

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from apps.accounts.models import User
from apps.documents.selectors import get_document, list_indexes
from apps.documents.services import change_document, insert_document
from apps.functions.services.creating import create_function
from apps.gateways.models import FunctionGateway
from apps.tenants.models import Tenant
from tests.browser.checks import check_accessibility, check_fits, look
from tests.browser.plugin import SignIn
from tests.browser.test_functions_journey import agent, call, cluster, gateway
from tests.browser.watch import Problems
from tests.fleet.processes import RunningAgent, wait_until
from tests.tenants.world import member

pytestmark = pytest.mark.django_db(transaction=True)

__all__ = ["agent", "cluster", "gateway"]

KEEPS = """\
export default async (req: ImpRequest) => {
  const deliveries = imp.db("deliveries");
  await deliveries.insertOne({ _id: req.params.id, status: "open", weight: 3 });
  return { kept: await deliveries.countDocuments({}) };
};
"""


@pytest.fixture
def about(alice: User, tidewater: Tenant, gateway: FunctionGateway, agent: RunningAgent) -> dict[str, Any]:
    """Three documents, which a function has kept."""
    actor = member(alice, tidewater)
    create_function(actor=actor, gateway=gateway, name="dev/keep/:id", files={"handler.ts": KEEPS})
    wait_until(lambda: call(agent, "/keep/d1")[0] == 200, what="the function", log=agent.log)
    assert [call(agent, f"/keep/{each}")[1] for each in ("d2", "d3")] == [{"kept": 2}, {"kept": 3}]
    return {"actor": actor, "gateway": gateway, "collection": "deliveries"}


def test_what_a_function_kept_is_found_changed_and_dropped(
    page: Page, signed_in: SignIn, alice: User, about: dict[str, Any], folder: Path, problems: Problems
) -> None:
    problems.allow(r"^(412|422): POST ")
    signed_in(alice)
    page.goto(f"/t/tidewater/gateways/{about['gateway'].pk}")
    page.get_by_role("link", name="Data", exact=True).click()
    page.get_by_role("link", name="deliveries").click()
    documents, sheet, dialog = page.locator("#document-list > li"), page.locator("#sheet"), page.locator("#dialog")
    expect(documents).to_have_count(3)

    # Asked for by its fields, by the keyboard
    page.get_by_label("Filter").fill('{"_id": {"$in": ["d1", "d3"]}}')
    page.get_by_label("Order").fill('{"_id": -1}')
    page.keyboard.press("Enter")
    expect(documents).to_have_count(2)
    expect(documents.first).to_contain_text('"_id": "d3"')

    # Some fields of each, a wrong question told at its field, and a page at a time
    page.get_by_label("Fields").fill('{"weight": 1}')
    page.keyboard.press("Enter")
    expect(documents.first).not_to_contain_text('"status"')
    page.get_by_label("Order").fill('{"_id": 2}')
    page.keyboard.press("Enter")
    expect(page.locator("#sort-error")).to_contain_text("sort takes fields with 1 or -1")
    expect(page.get_by_role("heading", name="This can't be asked")).to_be_visible()
    check_accessibility(page)
    look(page, folder, "data-wrong-question")
    page.get_by_label("Order").fill('{"_id": -1}')
    page.get_by_label("Fields").fill("")
    page.keyboard.press("Enter")
    expect(page.locator("#sort-error")).to_be_empty()
    expect(documents.first).to_contain_text('"status": "open"')

    # Typed wrongly: told at the field, with nothing lost
    page.get_by_role("link", name="Insert a document").click()
    page.get_by_label("Document", exact=True).fill('{"_id": "mine", ')
    page.get_by_role("button", name="Insert").click()
    expect(sheet.locator(".error")).to_contain_text("line 1, column 17")
    expect(page.get_by_label("Document", exact=True)).to_have_value('{"_id": "mine", ')
    page.get_by_label("Document", exact=True).fill('{"_id": "mine", "weight": 9007199254740993}')
    page.get_by_role("button", name="Insert").click()
    expect(sheet.locator(".error")).to_contain_text("9007199254740993 has more digits")
    page.get_by_label("Document", exact=True).fill('{"_id": "mine", "status": "open"}')
    page.get_by_role("button", name="Insert").click()
    expect(sheet).to_be_hidden()
    # The question stays the one that was asked
    expect(page.get_by_label("Filter")).to_have_value('{"_id": {"$in": ["d1", "d3"]}}')
    expect(documents).to_have_count(2)
    page.get_by_label("Filter").fill('{"_id": "nobody"}')
    page.keyboard.press("Enter")
    page.get_by_role("link", name="Clear the filter").click()
    expect(documents).to_have_count(4)

    # Somebody else was faster
    page.get_by_role("link", name="Change d1").click()
    expect(page.get_by_label("Document", exact=True)).to_have_value(
        '{\n  "_id": "d1",\n  "status": "open",\n  "weight": 3\n}'
    )
    read = get_document(**about, id="d1")
    change_document(**about, id="d1", document={"status": "theirs"}, version=read.version)
    page.get_by_label("Document", exact=True).fill('{"_id": "d1", "status": "mine"}')
    page.get_by_role("button", name="Save").click()
    expect(sheet).to_contain_text('"status": "theirs"')
    expect(page.get_by_label("Document", exact=True)).to_have_value('{"_id": "d1", "status": "mine"}')
    check_fits(page)
    check_accessibility(page)
    look(page, folder, "data-conflict")
    page.get_by_label("Save mine in place of it").check()
    page.get_by_role("button", name="Save").click()
    expect(sheet).to_be_hidden()
    expect(documents.filter(has_text='"_id": "d1"')).to_contain_text('"status": "mine"')
    # Another's change comes by itself
    change_document(**about, id="d2", document={"status": "gone"}, version=get_document(**about, id="d2").version)
    expect(documents.filter(has_text='"_id": "d2"')).to_contain_text('"status": "gone"')

    page.get_by_role("link", name="New index").click()
    dialog.get_by_label("Fields", exact=True).fill('{"status": "up"}')
    page.get_by_role("button", name="Make the index").click()
    expect(dialog.locator(".error")).to_contain_text("1 or -1")
    dialog.get_by_label("Fields", exact=True).fill('{"status": 1}')
    page.get_by_role("button", name="Make the index").click()
    expect(page.locator("#beside")).to_contain_text("status_1")
    page.get_by_role("link", name="Drop status_1").click()
    page.get_by_role("button", name="Drop the index").click()
    expect(page.locator("#beside")).not_to_contain_text("status_1")
    assert [index.name for index in list_indexes(**about)] == ["_id_"]

    page.get_by_role("link", name="Delete mine").click()
    page.get_by_role("button", name="Delete the document").click()
    expect(documents).to_have_count(3)
    page.locator("#drop-collection").click()
    dialog.get_by_role("textbox").fill("deliveries")
    page.get_by_role("button", name="Drop deliveries").click()
    expect(page.get_by_role("heading", name="No collections yet")).to_be_visible()

    # One that isn't there is said to be missing, and made
    page.go_back()
    expect(page.get_by_role("heading", name="There is no collection deliveries")).to_be_visible()
    check_accessibility(page)
    look(page, folder, "data-no-collection")
    page.get_by_role("link", name="Make the collection").click()
    expect(dialog.get_by_label("Name", exact=True)).to_have_value("deliveries")
    dialog.get_by_role("button", name="Make the collection").click()
    expect(page.get_by_role("heading", name="No documents yet")).to_be_visible()


def test_documents_are_shown_a_page_at_a_time(
    page: Page, signed_in: SignIn, alice: User, about: dict[str, Any]
) -> None:
    for number in range(25):
        insert_document(**about, document={"_id": f"n{number:02}"})
    signed_in(alice)
    page.goto(f"/t/tidewater/gateways/{about['gateway'].pk}/data/collections/deliveries")
    documents = page.locator("#document-list > li")
    expect(documents).to_have_count(20)
    page.get_by_role("link", name="Next", exact=True).click()
    expect(documents).to_have_count(8)
    expect(documents.last).to_contain_text('"_id": "n24"')
    page.get_by_role("link", name="From the beginning").click()
    expect(documents.first).to_contain_text('"_id": "d1"')
    page.get_by_label("Show", exact=True).select_option("50")
    page.get_by_role("button", name="Find").click()
    expect(documents).to_have_count(28)


def test_what_was_typed_stays_when_the_gateway_cannot_be_reached(
    page: Page, signed_in: SignIn, alice: User, about: dict[str, Any], agent: RunningAgent, problems: Problems
) -> None:
    problems.allow(r"^503: POST .*/insert")
    problems.allow(r"^console: Response Status Error Code 503 from .*/insert")
    signed_in(alice)
    page.goto(f"/t/tidewater/gateways/{about['gateway'].pk}/data/collections/deliveries")
    page.get_by_role("link", name="Insert a document").click()
    page.get_by_label("Document", exact=True).fill('{"status": "typed"}')
    agent.stop()
    page.get_by_role("button", name="Insert").click()
    expect(page.locator("#toasts")).to_contain_text("can't be reached")
    expect(page.get_by_label("Document", exact=True)).to_have_value('{"status": "typed"}')
