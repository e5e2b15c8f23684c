"""Writing a function in the browser: everything that needs no runtime. What does is in test_functions_journey.py."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from apps.accounts.models import User
from apps.fleet.models import Cluster
from apps.functions.models import Draft, Function, FunctionVersion
from apps.functions.presence import tell_editing
from apps.functions.services import copy_function, create_function, save_draft, save_function
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


# --- Writing -----------------------------------------------------------------------------------------


def test_a_save_makes_a_version_and_the_bar_says_where_it_is(
    page: Page, signed_in: SignIn, alice: User, function: Function
) -> None:
    signed_in(alice)
    enter(page, function)
    expect(page.locator("#save")).to_be_disabled()
    type_at_start(page, "// faster\n")
    expect(page.locator("#savebar")).to_contain_text("Not saved yet")
    expect(page.locator("#tree [aria-current] .dot")).to_be_visible()
    page.keyboard.press("Control+s")
    expect(page.locator("#savebar")).to_contain_text("v2 is saved and waits for the gateway")
    expect(page.locator("#save")).to_be_disabled()
    function.refresh_from_db()
    assert function.head is not None
    assert function.head.files == {**FILES, "handler.ts": "// faster\n" + HANDLER}
    # Nothing is left of it in the editor's memory of what isn't saved
    assert not Draft.objects.filter(function=function).exists()
    assert page.evaluate("() => Object.keys(localStorage).filter(key => key.startsWith('imp-draft'))") == []


def test_errors_are_listed_lead_to_their_line_and_keep_what_was_live(
    page: Page, signed_in: SignIn, alice: User, function: Function, folder: Path, problems: Problems
) -> None:
    problems.allow("422: POST .*/save")
    signed_in(alice)
    enter(page, function)
    page.locator("#tree").get_by_role("link", name="zones.ts").click()
    type_at_start(page, "const = 5;\n")
    page.locator("#tree").get_by_role("link", name="handler.ts").click()
    page.keyboard.press("Control+s")
    expect(page.locator("#savebar")).to_contain_text("Not live: 1 error in zones.ts")
    expect(page.locator("#savebar")).to_contain_text("v1 keeps serving.")
    expect(page.locator("#tree .is-bad")).to_contain_text("1 error")
    expect(page.locator("#problem-count")).to_contain_text("1 error")
    check_accessibility(page)
    page.locator("#problem-list a").first.click()
    expect(page.locator("#filetabs [aria-current]")).to_contain_text("zones.ts")
    expect(page.locator("#editor .squiggly-error").first).to_be_visible()
    look(page, folder, "function-error")
    assert versions(function) == 1
    page.keyboard.press("Control+Home")
    page.keyboard.press("Control+Shift+k")
    expect(page.locator("#problems")).to_be_hidden()
    expect(page.locator("#save")).to_be_disabled()


def test_it_knows_the_types_of_what_a_function_is_given(
    page: Page, signed_in: SignIn, alice: User, function: Function
) -> None:
    signed_in(alice)
    enter(page, function)
    type_at_start(page, "const known: ImpRequest | undefined = undefined;\nimp.")
    page.keyboard.press("Control+Space")
    suggestions = page.locator(".suggest-widget.visible")
    for name in ("db", "env", "log"):
        expect(suggestions.get_by_role("option", name=name).first).to_be_visible()
    # A row may be there with nothing to be seen in it
    row = suggestions.get_by_role("option", name="env").first
    outer, inner = row.bounding_box(), row.locator(".label-name").bounding_box()
    assert outer is not None
    assert inner is not None
    assert outer["y"] <= inner["y"] + inner["height"] / 2 <= outer["y"] + outer["height"]
    page.keyboard.press("Escape")
    # Its own other files too
    page.keyboard.press("Control+a")
    page.keyboard.insert_text('import { zoneFor } from "./zones";\nzoneFor(5);\n')
    expect(page.locator("#problem-list")).to_contain_text("not assignable to parameter of type 'string'")
    expect(page.locator("#problem-count")).to_have_text("1 hint")


def test_files_are_added_renamed_made_the_entry_and_deleted(
    page: Page, signed_in: SignIn, alice: User, function: Function
) -> None:
    signed_in(alice)
    enter(page, function)
    tree, dialog = page.locator("#tree"), page.locator("#file-dialog")
    page.locator("#add-file").click()
    page.locator("#file-path").fill("zones.ts")
    page.keyboard.press("Enter")
    expect(page.locator("#file-error")).to_have_text("There is a file of this name already.")
    page.locator("#file-path").fill("lib/dates.exe")
    page.keyboard.press("Enter")
    expect(page.locator("#file-error")).to_contain_text("Write a path such as lib/dates.ts")
    page.locator("#file-path").fill("lib/dates.ts")
    page.keyboard.press("Enter")
    expect(dialog).to_be_hidden()
    expect(page.locator("#filetabs [aria-current]")).to_contain_text("dates.ts")
    expect(tree.locator("summary", has_text="lib")).to_be_visible()
    page.locator("#editor .view-lines").click()
    page.keyboard.insert_text("export default () => new Date();\n")
    # With the keyboard alone
    tree.get_by_role("link", name="zones.ts").focus()
    page.keyboard.press("F2")
    page.locator("#file-path").fill("areas.ts")
    page.keyboard.press("Enter")
    expect(tree.get_by_role("link", name="areas.ts")).to_be_visible()
    expect(tree.get_by_role("link", name="zones.ts")).to_have_count(0)
    tree.get_by_role("link", name="dates.ts").hover()
    page.get_by_role("button", name="What to do with lib/dates.ts").click()
    page.locator("#file-entry").click()
    expect(tree.get_by_role("link", name="dates.ts")).to_contain_text("entry")
    for name in ("handler.ts", "pick.ts", "areas.ts"):
        tree.get_by_role("link", name=name).focus()
        page.keyboard.press("Delete")
        page.get_by_role("button", name="Delete file").click()
        expect(tree.get_by_role("link", name=name)).to_have_count(0)
    page.keyboard.press("Control+s")
    expect(page.locator("#savebar")).to_contain_text("v2 is saved")
    function.refresh_from_db()
    assert function.head is not None
    assert function.head.files == {"lib/dates.ts": "export default () => new Date();\n"}
    assert function.head.entrypoint == "lib/dates.ts"


# --- Nothing is lost ---------------------------------------------------------------------------------


def test_a_closed_browser_loses_no_draft(
    page: Page, context: BrowserContext, signed_in: SignIn, alice: User, function: Function
) -> None:
    signed_in(alice)
    enter(page, function)
    type_at_start(page, "// half a thought\n")
    expect(page.locator("#savebar")).to_contain_text("Your draft is kept.")
    page.close()
    again = context.new_page()
    # Another browser: it has nothing of its own
    again.goto("/")
    again.evaluate("() => localStorage.clear()")
    lines = enter(again, function)
    expect(lines).to_contain_text("half a thought")
    expect(again.locator("#savebar")).to_contain_text("Not saved yet")
    again.locator("#undo").click()
    again.get_by_role("alertdialog").get_by_role("button", name="Undo changes").click()
    expect(lines).not_to_contain_text("half a thought")
    wait_for(again, lambda: not Draft.objects.filter(function=function).exists())
    assert not Draft.objects.filter(function=function).exists()
    assert versions(function) == 1


def test_what_is_written_without_a_connection_comes_back(
    page: Page, context: BrowserContext, signed_in: SignIn, alice: User, function: Function, problems: Problems
) -> None:
    problems.allow("ERR_INTERNET_DISCONNECTED")
    # A worker of the editor that was not there yet, and what a live part asks meanwhile
    problems.allow("exception: Event|htmx:sendError")
    signed_in(alice)
    enter(page, function)
    context.set_offline(True)
    type_at_start(page, "// in a tunnel\n")
    page.keyboard.press("Control+s")
    expect(page.locator("#savebar")).to_contain_text("Not saved")
    expect(page.locator("#savebar")).to_contain_text("kept in this browser")
    wait_for(page, lambda: page.evaluate("() => JSON.stringify(localStorage).includes('in a tunnel')"))
    page.close()
    context.set_offline(False)
    assert not Draft.objects.filter(function=function).exists()
    again = context.new_page()
    expect(enter(again, function)).to_contain_text("in a tunnel")
    wait_for(again, lambda: Draft.objects.filter(function=function).exists())
    assert "in a tunnel" in Draft.objects.get(function=function).files["handler.ts"]


def test_ones_own_draft_that_came_late_is_no_other_windows(
    page: Page, context: BrowserContext, signed_in: SignIn, alice: User, actor: Member, function: Function,
    problems: Problems,
) -> None:  # fmt: skip
    problems.allow("409: POST .*/draft")
    signed_in(alice)
    enter(page, function)
    # What a page sends as it's left may arrive after the next one has been read
    page.route("**/draft", lambda route: None)
    type_at_start(page, "// left ")
    wait_for(page, lambda: page.evaluate("() => JSON.stringify(localStorage).includes('// left')"))
    page.close()
    again = context.new_page()
    enter(again, function)
    files = {**FILES, "handler.ts": "// left " + HANDLER}
    save_draft(actor=actor, function=function, files=files, entrypoint="handler.ts", base_version=1)
    type_at_start(again, "// more ")
    expect(again.locator("#savebar")).to_contain_text("Your draft is kept.")
    expect(again.locator("#notice")).to_be_hidden()
    assert Draft.objects.get(function=function).files["handler.ts"] == "// more // left " + HANDLER


def test_a_draft_goes_on_over_other_settings_of_its_function(
    page: Page, signed_in: SignIn, alice: User, actor: Member, function: Function
) -> None:
    signed_in(alice)
    with page.expect_response(lambda response: "topic=" in response.url):
        enter(page, function)
    type_at_start(page, "// mine\n")
    expect(page.locator("#savebar")).to_contain_text("Your draft is kept.")
    page.locator("#function-settings").click()
    page.get_by_label("Time limit, in milliseconds").fill("7000")
    page.get_by_role("button", name="Save settings").click()
    expect(page.locator("#version")).to_have_text("v2")
    expect(page.locator("#notice")).to_be_hidden()
    page.reload()
    expect(page.locator("#editor .view-lines")).to_contain_text("// mine")
    expect(page.locator("#notice")).to_be_hidden()
    page.keyboard.press("Control+s")
    expect(page.locator("#savebar")).to_contain_text("v3 is saved")


# --- Several people ----------------------------------------------------------------------------------


def test_others_are_seen_and_a_later_save_is_stopped_and_merged(
    page: Page, signed_in: SignIn, alice: User, tidewater: Tenant, function: Function, folder: Path, problems: Problems
) -> None:
    problems.allow("409: POST .*/save")
    mateus = make_member("mateus", tidewater, Role.API_DEVELOPER)
    signed_in(alice)
    with page.expect_response(lambda response: "topic=" in response.url):
        enter(page, function)
    theirs = {**FILES, "zones.ts": ZONES.replace("MAINLAND", "METRO")}
    save_draft(actor=mateus, function=function, files=theirs, entrypoint="handler.ts", base_version=1)
    tell_editing(function)
    expect(page.locator("#notice")).to_contain_text("Mateus is editing this too")
    type_at_start(page, "// mine\n")
    save_function(actor=mateus, function=function, files=theirs, base_version=1, note="Metro first")
    expect(page.locator("#notice")).to_contain_text("Mateus saved v2 meanwhile.")
    page.keyboard.press("Control+s")
    page.wait_for_url("**/conflict")
    expect(page.get_by_role("alert").first).to_contain_text("Mateus saved v2 while you edited v1")
    expect(page.locator("main")).to_contain_text("METRO")
    check_accessibility(page)
    look(page, folder, "conflict")
    page.get_by_role("button", name="Go on").click()
    expect(page.locator("html[data-editor=ready]")).to_be_attached()
    function.refresh_from_db()
    assert function.head is not None
    assert function.head.number == 3
    assert function.head.files == {**theirs, "handler.ts": "// mine\n" + HANDLER}


def test_whoever_changed_nothing_sees_what_was_saved_at_once(
    page: Page, signed_in: SignIn, alice: User, tidewater: Tenant, function: Function
) -> None:
    mateus = make_member("mateus", tidewater, Role.API_DEVELOPER)
    signed_in(alice)
    with page.expect_response(lambda response: "topic=" in response.url):
        lines = enter(page, function)
    save_function(actor=mateus, function=function, files={**FILES, "handler.ts": "// new\n" + HANDLER}, base_version=1)
    expect(lines).to_contain_text("// new")
    expect(page.locator("#savebar")).to_contain_text("v2 is saved")
    expect(page.locator("#save")).to_be_disabled()


def test_a_role_that_may_not_save_here_reads_so_before_typing(
    page: Page, signed_in: SignIn, tidewater: Tenant, actor: Member, gateway: FunctionGateway, function: Function,
    folder: Path,
) -> None:  # fmt: skip
    copy_function(actor=actor, function=function, name="staging/shipments/estimate")
    mateus = make_member("mateus", tidewater, Role.API_DEVELOPER)
    signed_in(mateus.person)
    page.goto(path_of(function, "staging"))
    expect(page.locator("html[data-editor=ready]")).to_be_attached()
    expect(page.locator("#read-only")).to_contain_text(
        "Saving in staging takes one of these roles: owner, admin, gateway-owner, qa."
    )
    expect(page.locator("#save")).to_have_count(0)
    type_at_start(page, "// mine\n")
    expect(page.locator("#editor .view-lines")).not_to_contain_text("mine")
    check_accessibility(page)
    look(page, folder, "function-read-only")
    page.get_by_role("link", name="prod").click()
    expect(page.locator("main")).to_contain_text("shipments/estimate isn't in prod yet")
    expect(page.locator("main")).to_contain_text("owner, admin, gateway-owner")
    check_accessibility(page)
    look(page, folder, "function-elsewhere")


# --- Looks and ways in -------------------------------------------------------------------------------


def test_the_theme_is_followed_while_one_writes(page: Page, signed_in: SignIn, alice: User, function: Function) -> None:
    signed_in(alice)
    enter(page, function)
    ground = "() => getComputedStyle(document.querySelector('#editor .monaco-editor')).backgroundColor"
    surface = "() => getComputedStyle(document.querySelector('.ide')).backgroundColor"
    light = page.evaluate(ground)
    assert light == page.evaluate(surface)
    page.evaluate("() => { document.documentElement.dataset.theme = 'dark' }")
    wait_for(page, lambda: page.evaluate(ground) != light)
    assert page.evaluate(ground) == page.evaluate(surface) != light


@on_a_phone
def test_it_is_used_on_a_phone(page: Page, signed_in: SignIn, alice: User, function: Function) -> None:
    signed_in(alice)
    enter(page, function)
    type_at_start(page, "// on the way\n")
    page.locator("#save").click()
    expect(page.locator("#savebar")).to_contain_text("v2 is saved")
    check_fits(page)


def test_without_script_the_files_are_fields_that_save(
    page: Page, signed_in: SignIn, alice: User, function: Function, folder: Path, problems: Problems
) -> None:
    problems.allow("request failed: GET .*[.]js")
    signed_in(alice)
    page.route("**/*.js", lambda route: route.abort())
    page.goto(path_of(function))
    field = page.get_by_label("zones.ts", exact=True)
    expect(field).to_have_value(ZONES)
    field.fill(ZONES.replace("MAINLAND", "METRO"))
    look(page, folder, "function-plain")
    page.get_by_role("button", name="Save and go live").click()
    expect(page.get_by_label("zones.ts", exact=True)).to_have_value(ZONES.replace("MAINLAND", "METRO"))
    function.refresh_from_db()
    assert function.head is not None
    assert function.head.files == {**FILES, "zones.ts": ZONES.replace("MAINLAND", "METRO")}
