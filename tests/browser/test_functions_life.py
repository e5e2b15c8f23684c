"""What becomes of a function, on a real engine: named anew, copied, deleted, saved over, given packages."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from apps.accounts.models import User
from apps.functions.models import Dependencies, Draft, Function, FunctionVersion
from apps.functions.services import create_function, save_function
from apps.gateways.models import FunctionGateway
from apps.tenants.member import Member
from apps.tenants.models import Tenant
from apps.tenants.roles import Role
from tests.browser.checks import check_accessibility, look, press_until
from tests.browser.plugin import SignIn
from tests.browser.test_functions_editor import path_of
from tests.browser.test_functions_journey import agent, call, cluster, gateway, write
from tests.browser.watch import Problems
from tests.dependencies.conftest import real_registry
from tests.fleet.processes import RunningAgent, wait_until
from tests.tasks import run_due_tasks
from tests.tenants.world import make_member, member

pytestmark = pytest.mark.django_db(transaction=True)

__all__ = ["agent", "cluster", "gateway", "real_registry"]

USES = """\
import { z } from "zod";

const Parcel = z.object({ weight: z.coerce.number().positive() });

export default async (req: ImpRequest, res: ImpResponse) => {
  const found = Parcel.safeParse(req.query);
  if (!found.success) return res.status(422).json({ wrong: found.error.issues[0]?.path });
  return { weight: found.data.weight };
};
"""


@pytest.fixture
def actor(alice: User, tidewater: Tenant) -> Member:
    return member(alice, tidewater)


def says(text: str) -> dict[str, str]:
    return {"handler.ts": f'export default async () => ({{ said: "{text}" }});\n'}


def await_answer(agent: RunningAgent, path: str, said: str) -> None:
    wait_until(lambda: call(agent, path) == (200, {"said": said}), what=f"{path} to say {said}", log=agent.log)


def await_nothing(agent: RunningAgent, path: str) -> None:
    wait_until(lambda: call(agent, path)[0] == 404, what=f"nothing at {path}", log=agent.log)


def choose(page: Page, function: Function, what: str) -> None:
    """Of its row's menu."""
    page.get_by_role("button", name=f"Actions for {function}", exact=True).click()
    page.locator(f"#{what}-{function.pk}").click()
    expect(page.get_by_role("dialog")).to_be_visible()


def test_it_is_renamed_copied_deleted_and_brought_back(
    page: Page, signed_in: SignIn, alice: User, actor: Member, gateway: FunctionGateway, agent: RunningAgent
) -> None:
    function = create_function(actor=actor, gateway=gateway, name="dev/hello", files=says("hello"))
    await_answer(agent, "/hello", "hello")
    signed_in(alice)
    page.goto(f"/t/tidewater/gateways/{gateway.pk}/functions")
    dialog, row = page.get_by_role("dialog"), page.locator(f"tr#{function.pk}")

    choose(page, function, "rename")
    dialog.get_by_label("Name").fill("greetings")
    dialog.get_by_role("button", name="Rename").click()
    expect(row).to_contain_text("greetings")
    await_answer(agent, "/greetings", "hello")
    await_nothing(agent, "/hello")
    function.refresh_from_db()

    # One of this name answers where nothing is named
    choose(page, function, "copy")
    dialog.get_by_label("Name").fill("index")
    dialog.get_by_role("button", name="Copy").click()
    expect(dialog).to_be_hidden()
    copy = Function.objects.get(base_name="index")
    expect(page.locator(f"#call-{copy.pk}")).to_have_attribute("href", re.compile(r"^http://[^/]+/$"))
    await_answer(agent, "/", "hello")
    await_nothing(agent, "/index")

    choose(page, function, "delete")
    dialog.get_by_role("button", name="Delete dev/greetings").click()
    expect(row).to_have_count(0)
    await_nothing(agent, "/greetings")
    await_answer(agent, "/", "hello")

    page.get_by_role("link", name="Recycle bin", exact=True).click()
    page.locator(f"#restore-{function.pk}").click()
    dialog.get_by_role("button", name="Restore").click()
    expect(page.get_by_role("heading", name="Nothing in the recycle bin")).to_be_visible()
    await_answer(agent, "/greetings", "hello")


def test_whoever_saves_later_sees_the_difference_and_may_save_over_it(
    page: Page,
    signed_in: SignIn,
    alice: User,
    actor: Member,
    tidewater: Tenant,
    gateway: FunctionGateway,
    agent: RunningAgent,
    folder: Path,
    problems: Problems,
) -> None:
    problems.allow("409: POST .*/save")
    function = create_function(actor=actor, gateway=gateway, name="dev/hello", files=says("hello"))
    mateus = make_member("mateus", tidewater, Role.API_DEVELOPER)
    signed_in(alice)
    page.goto(path_of(function))
    expect(page.locator("html[data-editor=ready]")).to_be_attached()
    write(page, says("mine")["handler.ts"])
    save_function(actor=mateus, function=function, files=says("theirs"), base_version=1)
    await_answer(agent, "/hello", "theirs")
    page.keyboard.press("Control+s")
    page.wait_for_url("**/conflict")
    expect(page.locator("main")).to_contain_text("Both of you changed the same places.")
    for text in ("theirs", "mine"):
        expect(page.locator(".diff")).to_contain_text(text)
    check_accessibility(page)
    look(page, folder, "conflict-override")
    # Until that is decided, what was there stays
    assert call(agent, "/hello") == (200, {"said": "theirs"})
    page.get_by_label("Save mine over it").check()
    page.get_by_role("button", name="Go on").click()
    expect(page.locator("#savebar")).to_contain_text("v3")
    await_answer(agent, "/hello", "mine")
    kept = FunctionVersion.objects.filter(function=function).order_by("number").values_list("files", flat=True)
    assert list(kept) == [says("hello"), says("theirs"), says("mine")]
    assert not Draft.objects.filter(function=function).exists()


def test_a_package_is_added_known_to_the_editor_and_called(
    page: Page,
    signed_in: SignIn,
    alice: User,
    actor: Member,
    gateway: FunctionGateway,
    agent: RunningAgent,
    real_registry: None,
    folder: Path,
) -> None:
    function = create_function(actor=actor, gateway=gateway, name="dev/parcels", files=says("nothing yet"))
    signed_in(alice)
    with page.expect_response(lambda response: "topic=" in response.url):
        page.goto(f"/t/tidewater/gateways/{gateway.pk}/dependencies")
    dialog, zod = page.get_by_role("dialog"), page.locator('[data-package="zod"]')

    def add(wanted: str) -> None:
        page.get_by_role("link", name="Add packages").click()
        dialog.get_by_label("Packages").fill(wanted)
        dialog.get_by_role("button", name="Add").click()
        expect(dialog).to_be_hidden()
        run_due_tasks()

    add("zod@~3.23.0")
    expect(zod).to_contain_text("3.23.")
    add("imp-gateway-has-no-such-package")
    expect(page.get_by_text("There is no npm package imp-gateway-has-no-such-package.")).to_be_visible()
    expect(zod).to_contain_text("3.23.")
    row = Dependencies.objects.select_related("lock").get(gateway=gateway)
    assert row.lock is not None
    assert list(row.lock.wanted) == ["zod"]
    assert row.lock.wanted["zod"].startswith("3.23.")

    # The editor knows what is in it
    page.goto(path_of(function))
    expect(page.locator("html[data-editor=ready]")).to_be_attached()
    write(page, 'import { z } from "zod";\n\nconst weight: number = z.string().parse("2.5");\nz.strin')

    def ask() -> None:
        page.keyboard.press("Escape")
        page.keyboard.press("Control+Space")

    press_until(ask, page.locator(".suggest-widget.visible").get_by_role("option", name="string").first)
    page.keyboard.press("Escape")
    expect(page.locator("#problem-list")).to_contain_text("Type 'string' is not assignable to type 'number'.")
    write(page, USES)
    expect(page.locator("#problems")).to_be_hidden()
    page.keyboard.press("Control+s")
    expect(page.locator("#savebar b")).to_have_text(re.compile(r"v2 live in [\d.]+ ms"))
    look(page, folder, "function-with-package")
    assert call(agent, "/parcels?weight=2.5") == (200, {"weight": 2.5})
    assert call(agent, "/parcels?weight=-1") == (422, {"wrong": ["weight"]})
