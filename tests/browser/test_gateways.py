"""A gateway from its making to its end, in Chromium.

Everything that brings it about is there: a worker, the agents' server, an agent, Envoy and Deno.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.utils import translation
from django.utils.translation import gettext, pgettext
from playwright.sync_api import Page, expect

from apps.accounts.models import User
from apps.fleet.models import Agent, Cluster
from apps.gateways import databases
from apps.gateways.models import FunctionGateway, Variable
from apps.tenants.models import Tenant
from tests.browser.checks import check_accessibility, check_fits, look
from tests.browser.plugin import SignIn
from tests.browser.variants import Variant
from tests.browser.watch import Problems
from tests.fleet.processes import Running, RunningAgent, Server, new_token, wait_until
from tests.gateways.world import databases_there, make_cluster
from tests.machine import database_url

pytestmark = pytest.mark.django_db(transaction=True)

GATEWAYS = "/t/tidewater/gateways"
BOTH = pytest.mark.parametrize(
    "variant", [Variant("light", 1280, "en"), Variant("dark", 390, "ko")], ids=str, indirect=True
)
# Longer than anything takes on a machine that has much else to do
PATIENCE = 60_000


class Worker(Running):
    def __init__(self, folder: Path) -> None:
        super().__init__(
            [sys.executable, "manage.py", "worker", "--workers", "2"],
            folder / "worker.log",
            DJANGO_SETTINGS_MODULE="portal.settings.test",
            DATABASE_URL=database_url(),
        )


@pytest.fixture
def machine(transactional_db: None, tmp_path: Path) -> Iterator[RunningAgent]:
    """Everything beside the console, as it runs on one machine."""
    cluster: Cluster = make_cluster(title="This machine")
    server = Server(tmp_path)
    agent = RunningAgent(tmp_path / "agent", server.port, token=new_token(cluster))
    worker = Worker(tmp_path)
    try:
        wait_until(lambda: Agent.objects.filter(leads=True).exists(), within=60, what="the agent", log=agent.log)
        yield agent
    finally:
        for process in (worker, agent, server):
            process.stop()


@pytest.fixture
def say(variant: Variant) -> Any:
    """A text as the pages of this journey have it."""

    def in_its_language(text: str, context: str = "", **values: Any) -> str:
        with translation.override(variant.language):
            return (pgettext(context, text) if context else gettext(text)) % values

    return in_its_language


@BOTH
def test_from_its_making_to_its_end(
    page: Page,
    signed_in: SignIn,
    problems: Problems,
    alice: User,
    tidewater: Tenant,
    machine: RunningAgent,
    variant: Variant,
    say: Any,
    folder: Path,
) -> None:
    # A gateway without functions answers 404, and a stopped one has no host
    problems.allow(r"404: GET http://parcel-tracking\.")
    signed_in(alice)
    loads: list[str] = []
    page.on("framenavigated", lambda frame: loads.append(frame.url) if frame == page.main_frame else None)

    # Made in the console; the timeline fills by itself
    page.goto(f"{GATEWAYS}/new")
    page.locator("#id_title").fill("Parcel tracking")
    page.locator("#id_name").fill("parcel-tracking")
    expect(page.locator("#name-check .is-ok")).to_be_visible()
    expect(page.locator("#hosts")).to_contain_text("parcel-tracking.dev.localhost")
    page.get_by_role("button", name=say("Create gateway"), exact=True).last.click()
    expect(page).to_have_url(re.compile("/gateways/gw_"))
    loads.clear()
    status = page.locator("#statephase")
    expect(status).to_have_text(say("running"), timeout=PATIENCE)
    expect(page.locator("#timeline")).to_be_hidden()
    for stage in ("dev", "staging", "prod"):
        expect(page.locator(f"#stage-{stage} .is-ok")).to_have_text(say("serving"))
    expect(page.locator("#runtime .is-ok")).to_have_count(2)
    assert loads == [], "the page was loaded again"
    check_fits(page)
    check_accessibility(page)
    look(page, folder, f"journey-running-{variant}")

    # Its address answers, in a tab of its own
    with page.expect_popup() as opened:
        page.locator("#stage-dev").get_by_role("link", name="parcel-tracking.dev.localhost", exact=True).click()
    answer = opened.value
    expect(answer.locator("body")).to_contain_text("parcel-tracking")
    answer.close()

    # Stopped and started again
    page.locator("#do-stop").click()
    page.locator("dialog[open]").get_by_role("button", name=say("Stop %(gateway)s", gateway="Parcel tracking")).click()
    expect(status).to_have_text(say("stopped"), timeout=PATIENCE)
    expect(page.locator("#stage-dev .is-ok")).to_have_count(0)
    page.locator("#do-start").click()
    expect(status).to_have_text(say("running"), timeout=PATIENCE)

    # Larger, without being gone in between
    gateway = FunctionGateway.objects.get()
    page.goto(f"{GATEWAYS}/{gateway.pk}/settings")
    page.locator("#go-bundle").click()
    page.locator("dialog[open] input[value=shared]").check()
    expect(page.locator("#changes b")).to_have_count(1)
    page.locator("dialog[open]").get_by_role("button", name=say("Change bundle")).click()
    expect(page.locator("#settings")).to_contain_text("all")
    page.goto(f"{GATEWAYS}/{gateway.pk}")
    expect(page.locator("#runtime tbody tr")).to_have_count(1, timeout=PATIENCE)
    expect(status).to_have_text(say("running"), timeout=PATIENCE)

    # A secret goes in and is never shown again
    page.goto(f"{GATEWAYS}/{gateway.pk}/environment")
    page.get_by_role("link", name=say("Set variables")).first.click()
    sheet = page.locator("dialog[open]")
    sheet.locator("#variable-0").fill("CARRIER_TOKEN")
    sheet.locator("[name=value]").fill("not-a-real-one")
    sheet.locator("[name=secret]").check()
    expect(sheet.locator("[name=value]")).to_have_attribute("type", "password")
    sheet.locator("[name=value]").press("Enter")
    expect(page.locator("#variables-list")).to_contain_text("CARRIER_TOKEN")
    assert Variable.objects.get().is_secret
    page.reload()
    assert "not-a-real-one" not in page.content()
    expect(status).to_have_text(say("running"), timeout=PATIENCE)

    # Deleted, with its name typed
    page.goto(f"{GATEWAYS}/{gateway.pk}/settings")
    page.locator("#go-delete").click()
    sheet = page.locator("dialog[open]")
    sheet.locator("[name=typed]").fill("parcel-tracking")
    sheet.get_by_role("button", name=say("Delete %(gateway)s", gateway="Parcel tracking")).click()
    expect(page).to_have_url(re.compile("/gateways$"), timeout=PATIENCE)
    assert databases.name_of(gateway.pk) not in databases_there()
