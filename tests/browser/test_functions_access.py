"""What each role reads on a function's page before it types, by keyboard alone, and what strangers get."""

from collections.abc import Sequence

import pytest
from playwright.sync_api import Locator, Page, expect

from apps.accounts.models import User
from apps.functions.models import Function, FunctionVersion
from apps.functions.services import copy_function
from apps.gateways.models import FunctionGateway
from apps.tenants.member import Member
from apps.tenants.models import Tenant
from apps.tenants.roles import Kind, Role
from tests.browser.plugin import SignIn
from tests.browser.test_functions_editor import (
    _no_database_left,
    actor,
    cluster,
    enter,
    function,
    gateway,
    path_of,
    type_at_start,
)
from tests.browser.watch import Problems
from tests.people import make_person
from tests.tenants.world import join, make_member, make_tenant

pytestmark = pytest.mark.django_db(transaction=True)

__all__ = ["_no_database_left", "actor", "cluster", "function", "gateway"]

WHO_SAVES = {
    "dev": "owner, admin, gateway-owner, api-developer",
    "staging": "owner, admin, gateway-owner, qa",
    "prod": "owner, admin, gateway-owner",
}


@pytest.mark.parametrize(
    ("role", "saves_in", "calls"),
    [(Role.VIEWER, (), False), (Role.QA, ("staging",), True), (Role.API_DEVELOPER, ("dev",), True)],
)
def test_each_role_reads_which_one_it_takes(
    page: Page,
    signed_in: SignIn,
    tidewater: Tenant,
    actor: Member,
    gateway: FunctionGateway,
    function: Function,
    role: Role,
    saves_in: Sequence[str],
    calls: bool,
) -> None:
    for stage in ("staging", "prod"):
        copy_function(actor=actor, function=function, name=f"{stage}/{function.base_name}")
    signed_in(make_member("mateus", tidewater, role).person)
    page.goto(f"/t/tidewater/gateways/{gateway.pk}/functions")
    expect(page.get_by_role("link", name="New function")).to_have_count(1 if saves_in else 0)
    for stage, names in WHO_SAVES.items():
        page.goto(path_of(function, stage))
        expect(page.locator("html[data-editor=ready]")).to_be_attached()
        expect(page.locator("#run")).to_have_count(1 if calls else 0)
        expect(page.get_by_text("Calling a function from here takes another role")).to_have_count(0 if calls else 1)
        expect(page.locator("#save")).to_have_count(1 if stage in saves_in else 0)
        if stage in saves_in:
            expect(page.locator("#read-only")).to_have_count(0)
            continue
        expect(page.locator("#read-only")).to_contain_text(f"Saving in {stage} takes one of these roles: {names}.")
        type_at_start(page, "// mine\n")
        expect(page.locator("#editor .view-lines")).not_to_contain_text("mine")


def test_a_customer_finds_nothing_of_it(
    page: Page, signed_in: SignIn, gateway: FunctionGateway, function: Function, problems: Problems
) -> None:
    problems.allow("404: GET")
    buyer = make_person("greta")
    join(buyer, make_tenant("Greenmarket", Kind.CUSTOMER), Role.OWNER)
    signed_in(buyer)
    of_gateway = f"/t/tidewater/gateways/{gateway.pk}"
    for path in (path_of(function), *(f"{of_gateway}/{each}" for each in ("functions", "logs", "data", "triggers"))):
        answer = page.goto(path)
        assert answer is not None
        assert answer.status == 404, path
        assert "shipments/estimate" not in page.locator("main").inner_text()


# --- The keyboard alone ------------------------------------------------------------------------------


def go_to(page: Page, target: Locator, key: str = "Tab") -> None:
    """As somebody does who can't point; where one is can be seen."""
    for _ in range(80):
        page.keyboard.press(key)
        if target.count() and target.first.evaluate("each => each === document.activeElement"):
            break
    expect(target.first).to_be_focused()
    is_seen = """each => [each, each.parentElement].some(one => {
        const { outlineStyle, outlineWidth } = getComputedStyle(one);
        return outlineStyle !== 'none' && parseFloat(outlineWidth) >= 1;
    })"""
    assert target.first.evaluate(is_seen)


def expect_in_editor(page: Page) -> None:
    expect(page.locator("#editor :focus")).to_have_count(1)


def test_a_function_is_opened_written_and_mended_by_the_keyboard(
    page: Page, signed_in: SignIn, alice: User, gateway: FunctionGateway, function: Function, problems: Problems
) -> None:
    # What is wrong can't be saved, and what runs nowhere can't be called
    problems.allow(r"\d{3}: POST .*/(save|run)")
    signed_in(alice)
    page.goto(f"/t/tidewater/gateways/{gateway.pk}/functions")
    go_to(page, page.get_by_role("link", name=function.base_name, exact=True))
    page.keyboard.press("Enter")
    expect(page.locator("html[data-editor=ready]")).to_be_attached()
    expect_in_editor(page)
    page.keyboard.press("Control+Home")
    page.keyboard.insert_text("// faster\n")
    page.keyboard.press("Control+s")
    expect(page.locator("#savebar")).to_contain_text("v2 is saved")
    page.keyboard.press("Control+Enter")
    told = page.locator("#answer").get_by_role("alert")
    expect(told).to_be_visible()
    expect_in_editor(page)
    # It stands off the edges of the panel
    alert, panel = told.bounding_box(), page.locator("#answer").bounding_box()
    assert alert is not None
    assert panel is not None
    assert panel["x"] + 8 <= alert["x"] <= alert["x"] + alert["width"] <= panel["x"] + panel["width"] - 8

    # From the list of problems to the line, which goes
    page.keyboard.insert_text("const = 5;\n")
    page.keyboard.press("Control+s")
    expect(page.locator("#savebar")).to_contain_text("Not live: 1 error")
    page.keyboard.press("Control+m")
    go_to(page, page.locator("#problem-list a"))
    page.keyboard.press("Enter")
    expect_in_editor(page)
    page.keyboard.press("Control+Shift+k")
    expect(page.locator("#problems")).to_be_hidden()
    expect(page.locator("#save")).to_be_disabled()
    assert FunctionVersion.objects.filter(function=function).count() == 2


def test_files_tabs_and_dialogs_keep_the_focus(page: Page, signed_in: SignIn, alice: User, function: Function) -> None:
    signed_in(alice)
    enter(page, function)
    expect_in_editor(page)
    page.keyboard.press("Control+m")
    tree, tabs = page.locator("#tree"), page.locator("#filetabs")
    zones = tree.get_by_role("link", name="zones.ts")
    go_to(page, zones, "Shift+Tab")
    page.keyboard.press("Enter")
    expect(tabs.locator("[aria-current]")).to_have_text("zones.ts")
    expect(zones).to_be_focused()

    handler = tabs.get_by_role("link", name="handler.ts")
    go_to(page, handler)
    page.keyboard.press("Enter")
    expect(tabs.locator("[aria-current]")).to_have_text("handler.ts")
    expect(handler).to_be_focused()
    go_to(page, tabs.get_by_role("button", name="Close zones.ts"))
    page.keyboard.press("Enter")
    expect(handler).to_be_focused()

    # Escape leaves all as it was; what is named anew or made has the focus then
    go_to(page, zones, "Shift+Tab")
    page.keyboard.press("F2")
    expect(page.locator("#file-path")).to_be_focused()
    page.keyboard.press("Escape")
    expect(zones).to_be_focused()
    page.keyboard.press("F2")
    page.locator("#file-path").fill("areas.ts")
    page.keyboard.press("Enter")
    expect(tree.get_by_role("link", name="areas.ts")).to_be_focused()
    page.keyboard.press("Delete")
    page.get_by_role("alertdialog").get_by_role("button", name="Delete file").press("Enter")
    expect(tree.locator("[aria-current]")).to_be_focused()
    go_to(page, page.locator("#add-file"), "Shift+Tab")
    page.keyboard.press("Enter")
    page.locator("#file-path").fill("lib/dates.ts")
    page.keyboard.press("Enter")
    expect_in_editor(page)
    expect(tabs.locator("[aria-current]")).to_contain_text("dates.ts")

    settings = page.locator("#function-settings")
    go_to(page, settings, "Shift+Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog").get_by_label("Description")).to_be_focused()
    page.keyboard.press("Escape")
    expect(settings).to_be_focused()
    page.keyboard.press("?")
    keys = page.get_by_role("dialog", name="Keyboard shortcuts")
    for said in ("Save", "Run", "Let Tab leave the editor"):
        expect(keys).to_contain_text(said)
    page.keyboard.press("Escape")
    expect(keys).to_be_hidden()
