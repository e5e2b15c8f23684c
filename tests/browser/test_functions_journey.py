"""The whole of it: a function is made, written, saved, called and watched in the browser, on a real engine."""

import http.client
import json
import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from apps.accounts.models import User
from apps.core import clock
from apps.core.lifecycle import kernel
from apps.core.lifecycle.machine import all_machines
from apps.fleet.models import Agent, Cluster
from apps.functions.models import Function
from apps.gateways import databases
from apps.gateways.lifecycle.table import Phase
from apps.gateways.models import FunctionGateway, GatewayDatabase
from apps.gateways.services.creating import create_gateway
from apps.gateways.services.variables import Setting
from apps.gateways.sizes import Layout
from apps.tenants.models import Tenant
from tests.browser.checks import check_accessibility, check_fits, look
from tests.browser.plugin import SignIn
from tests.browser.watch import Problems
from tests.fleet.processes import RunningAgent, Server, new_token, wait_until
from tests.gateways.world import make_cluster
from tests.tenants.world import member

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def cluster(transactional_db: None) -> Cluster:
    return make_cluster(title="This machine")


@pytest.fixture
def agent(cluster: Cluster, tmp_path: Path) -> Iterator[RunningAgent]:
    server = Server(tmp_path)
    agent = RunningAgent(tmp_path / "agent", server.port, token=new_token(cluster))
    wait_until(lambda: Agent.objects.filter(leads=True).exists(), what="the agent", log=agent.log)
    yield agent
    agent.stop()
    server.stop()


@pytest.fixture
def gateway(alice: User, tidewater: Tenant, cluster: Cluster, agent: RunningAgent) -> Iterator[FunctionGateway]:
    cluster.refresh_from_db()
    gateway = create_gateway(
        actor=member(alice, tidewater), name="parcel-tracking", title="Parcel tracking", cluster=cluster,
        layout=Layout.SHARED, variables=[Setting("GREETING", "Ahoy")],
    )  # fmt: skip

    def is_there() -> bool:
        for machine in all_machines():
            for pk in machine.model._base_manager.filter(due_at__lte=clock.now()).values_list("pk", flat=True):
                kernel.advance(machine, pk)
        gateway.refresh_from_db()
        return gateway.phase == Phase.STARTED

    wait_until(is_there, what="the gateway", log=agent.log)
    yield gateway
    for name in GatewayDatabase.objects.values_list("name", flat=True):
        databases.drop_database(name)


def call(agent: RunningAgent, path: str) -> tuple[int, Any]:
    """As anybody would, through Envoy."""
    with closing(http.client.HTTPConnection("127.0.0.1", agent.port, timeout=60)) as connection:
        connection.request("GET", path, headers={"Host": "parcel-tracking.dev.localhost"})
        response = connection.getresponse()
        return response.status, json.loads(response.read())


GREETS = """\
import { greeting } from "./words/greeting";

export default async (req: ImpRequest, res: ImpResponse) => {
  imp.log.info("greets", { whom: req.params.name });
  return { text: greeting(req.params.name), seen: req.query.seen ?? null };
};
"""
GREETING = """\
export function greeting(name: string): string {
  return `${imp.env.GREETING}, ${name}!`;
}
"""
THROWS = """\
export default async () => {
  const missing: { name?: { first: string } } = {};
  return missing.name!.first;
};
"""


def write(page: Page, text: str) -> None:
    """Pasted: what is typed gets brackets and indents of the editor's own."""
    page.evaluate("text => navigator.clipboard.writeText(text)", text)
    page.locator("#editor .view-lines").click()
    page.keyboard.press("Control+a")
    page.keyboard.press("Control+v")


def test_from_a_template_to_a_live_address(
    page: Page,
    signed_in: SignIn,
    alice: User,
    gateway: FunctionGateway,
    agent: RunningAgent,
    folder: Path,
    problems: Problems,
) -> None:
    signed_in(alice)
    page.goto(f"/t/tidewater/gateways/{gateway.pk}/functions")
    page.get_by_role("link", name="New function").click()
    page.locator("#id_name").fill("hello/:name")
    page.get_by_role("button", name="Create function").click()
    page.wait_for_url("**/functions/dev/hello/:name")
    expect(page.locator("html[data-editor=ready]")).to_be_attached()
    expect(page.locator("#savebar")).to_contain_text("v1 live in")

    # Two files, saved by the keyboard: live, and anybody gets the new code
    write(page, GREETS)
    page.locator("#add-file").click()
    page.locator("#file-path").fill("words/greeting.ts")
    page.keyboard.press("Enter")
    write(page, GREETING)
    page.keyboard.press("Control+s")
    expect(page.locator("#savebar b")).to_have_text(_live(2))
    expect(page.locator("#savebar")).to_contain_text("compile")
    assert call(agent, "/hello/Ada") == (200, {"text": "Ahoy, Ada!", "seen": None})
    # The type check has seen by now that the other file is there
    expect(page.locator("#problems")).to_be_hidden()

    # Called from the page, by its parameter and a query, with what it logged
    page.locator("[data-parameter=name]").fill("Grace Hopper")
    expect(page.locator("#run-path")).to_have_value("/hello/Grace%20Hopper")
    page.get_by_label("Name 1", exact=True).fill("seen")
    page.get_by_label("Value 1", exact=True).fill("yes & no")
    page.keyboard.press("Control+Enter")
    answer = page.locator("#answer")
    expect(answer).to_contain_text('"text": "Ahoy, Grace Hopper!"')
    expect(answer).to_contain_text('"seen": "yes & no"')
    expect(answer.locator(".badge").first).to_have_text("200")
    expect(answer.locator(".log")).to_contain_text("greets")
    expect(answer.locator(".log")).to_contain_text("Grace Hopper")
    check_fits(page)
    check_accessibility(page)
    look(page, folder, "function-live")

    # What isn't saved is called as well, and nobody else gets it
    page.locator("#tree").get_by_role("link", name="greeting.ts").click()
    write(page, GREETING.replace("!`", "?`"))
    page.keyboard.press("Control+Enter")
    expect(answer).to_contain_text("Ahoy, Grace Hopper?")
    expect(answer).to_contain_text("draft")
    assert call(agent, "/hello/Ada")[1]["text"] == "Ahoy, Ada!"
    page.keyboard.press("Control+s")
    expect(page.locator("#savebar b")).to_have_text(_live(3))
    assert call(agent, "/hello/Ada")[1]["text"] == "Ahoy, Ada?"

    # A call of before, once more
    page.locator("#past-calls").click()
    past = page.locator("#calls [data-call]")
    expect(past).to_have_count(2)
    page.locator("#run-path").evaluate("field => field.value = '/elsewhere'")
    past.last.click()
    expect(page.locator("#run-path")).to_have_value("/hello/Grace%20Hopper")
    expect(page.get_by_label("Value 1", exact=True)).to_have_value("yes & no")

    # What it throws is told by its line in TypeScript, to whoever may read its log
    page.locator("#tree").get_by_role("link", name="handler.ts").click()
    write(page, THROWS)
    page.keyboard.press("Control+Enter")
    expect(answer.locator(".badge").first).to_have_text("500")
    expect(answer.locator(".log")).to_contain_text("handler.ts:3")
    look(page, folder, "function-throws")
    assert call(agent, "/hello/Ada")[0] == 200
    assert Function.objects.get().version == 3

    # The log of the function has what its draft wrote
    answer.get_by_role("link", name="All logs").click()
    expect(page.locator("input[name=function]")).to_have_value("hello/:name")
    # A call of what is live came after it
    expect(page.locator("#log-lines > li", has_text="dev/hello/:name (draft)").last).to_be_visible()


def _live(version: int) -> re.Pattern[str]:
    return re.compile(rf"v{version} live in [\d.]+ ms")
