"""The operators' fleet in Chromium, with the real server of agents and a real agent; and a gateway that is stuck."""

import os
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from apps.accounts.models import User
from apps.audit.models import AuditEvent
from apps.core.clock import now
from apps.fleet.models import Agent, Bundle, Cluster
from apps.fleet.services.bundles import put_bundle
from apps.gateways.lifecycle.table import Phase, State
from apps.gateways.models import FunctionGateway, RuntimeDomain
from apps.tenants.models import Tenant
from tests.browser.checks import check_accessibility, check_fits, look
from tests.browser.plugin import SignIn
from tests.browser.variants import Variant, every_variant
from tests.browser.watch import Problems
from tests.fleet.processes import BASE, Running, RunningAgent, Server, new_token, wait_until
from tests.fleet.world import make_agent, make_bundle
from tests.fleet.world import make_cluster as make_far_cluster
from tests.gateways.test_mending import half_delete
from tests.gateways.world import ObedientCluster, converge, make_cluster, make_gateway
from tests.machine import free_port
from tests.people import PASSWORD

pytestmark = pytest.mark.django_db(transaction=True)

# Longer than an agent takes to come on a machine that has much else to do
PATIENCE = 60_000


@pytest.fixture
def server(transactional_db: None, tmp_path: Path) -> Iterator[Server]:
    server = Server(tmp_path)
    yield server
    server.stop()


@pytest.fixture
def paste(server: Server, tmp_path: Path, settings: Any) -> Iterator[Callable[[str], Running]]:
    """What somebody does with the command that the page shows, in a terminal."""
    settings.AGENTS_ADDRESS = f"127.0.0.1:{server.port}"
    started: list[Running] = []
    # In a clone, but for what it leaves there
    (tmp_path / "imp-agent").symlink_to(BASE / "imp-agent")

    def run(command: str) -> Running:
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        here = {"PATH": path, "IMP_GATEWAYS": f"127.0.0.1:{free_port()}"}
        started.append(Running(["bash", "-c", f"cd {tmp_path}\n{command}"], tmp_path / "agent.log", **here))
        return started[-1]

    yield run
    for each in started:
        each.kill()


@pytest.fixture
def agent(server: Server, tmp_path: Path) -> Iterator[Callable[[str], RunningAgent]]:
    started: list[RunningAgent] = []

    def start(token: str) -> RunningAgent:
        started.append(RunningAgent(tmp_path / "agent", server.port, token=token, applier="memory"))
        return started[-1]

    yield start
    for each in started:
        each.stop()


def confirm(page: Page) -> None:
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")


def want(cluster: Cluster, part: str) -> None:
    manifest = {"api_version": "local.imp.dev/v1", "kind": "Namespace", "namespace": part, "name": part, "wave": 0}
    put_bundle(cluster_id=cluster.pk, key=f"demo/{part}/namespace", manifests=[{**manifest, "spec": {}}])


def test_a_cluster_is_registered_gets_its_agent_rests_and_loses_it_again(
    page: Page,
    signed_in: SignIn,
    problems: Problems,
    operator: User,
    paste: Callable[[str], Running],
) -> None:
    problems.allow("422: POST .*/fleet/register")
    signed_in(operator)
    page.goto("/fleet")
    page.get_by_role("link", name="Register a cluster").click()
    confirm(page)
    page.get_by_label("Name", exact=True).fill("Seoul A")
    page.get_by_label("Region").fill("ap-northeast-2")
    page.get_by_label("Domain").fill("seoul.api.example")
    page.get_by_role("button", name="Register and make a token").click()
    expect(page.get_by_text("Use lower-case letters, digits and hyphens")).to_be_visible()
    expect(page.get_by_label("Region")).to_have_value("ap-northeast-2")
    page.get_by_label("Name", exact=True).fill("seoul-a")
    page.get_by_role("button", name="Register and make a token").click()

    token = page.locator("#new-token").inner_text()
    command = page.locator("#command").inner_text()
    assert token.startswith("imr_")
    assert token in command
    page.get_by_label("I've stored it").check()
    page.get_by_role("button", name="Done").click()
    cluster = Cluster.objects.get(name="seoul-a")
    expect(page).to_have_url(re.compile(f"/fleet/clusters/{cluster.pk}"))
    assert token not in page.content()
    expect(page.get_by_text("No agent yet")).to_be_visible()

    # From here on nobody loads the page again
    page.evaluate("() => { window.still = true }")
    agent = paste(command)
    row = page.locator("#agents tbody tr")
    expect(row).to_contain_text("leads", timeout=PATIENCE)
    expect(row).to_contain_text("digests agree")
    want(cluster, "first")
    bundle = page.locator("#bundles tbody tr", has_text="demo/first/namespace")
    expect(bundle).to_contain_text("ready")
    expect(page.locator("#events")).to_contain_text("has demo/first/namespace ready")
    bundle.get_by_role("link").click()
    expect(page.locator("#sheet")).to_contain_text("Namespace")
    page.keyboard.press("Escape")

    page.get_by_role("link", name="Maintenance").click()
    dialog = page.locator("#dialog")
    dialog.get_by_label("Reason").fill("Disks are replaced.")
    dialog.get_by_role("button", name="Put in maintenance").click()
    expect(page.locator("#standing")).to_contain_text("Disks are replaced.")
    want(cluster, "second")
    held = page.locator("#bundles tbody tr", has_text="demo/second/namespace")
    expect(held).to_contain_text("pending")
    page.get_by_role("link", name="End the maintenance").click()
    dialog.get_by_role("button", name="End the maintenance").click()
    expect(held).to_contain_text("ready")
    page.get_by_role("button", name="Resync").click()
    expect(page.get_by_text("seoul-a is sent everything anew")).to_be_visible()

    row.get_by_role("link", name="Revoke").click()
    expect(dialog).to_contain_text("It's cut off, and its tokens are worth nothing.")
    expect(dialog).to_contain_text("Nobody: it's the only one that is connected")
    expect(dialog).to_contain_text("Goes on with what it has there.")
    dialog.get_by_role("button", name="Revoke the agent").click()
    expect(page.get_by_text("No agent is left")).to_be_visible()
    wait_until(lambda: "revoked" in agent.log.read_text().lower(), what="the agent to be told", log=agent.log)
    assert page.evaluate("() => window.still")
    verbs = AuditEvent.objects.filter(actor_id=operator.pk).order_by("at").values_list("verb", flat=True)
    assert [verb for verb in verbs if verb.startswith(("cluster.", "agent."))] == [
        "cluster.created",
        "agent.token_made",
        "cluster.maintenance_began",
        "cluster.maintenance_ended",
        "cluster.resynced",
        "agent.revoked",
    ]


def test_the_fleet_hears_of_an_agent_that_is_lost(
    page: Page, signed_in: SignIn, operator: User, agent: Callable[[str], RunningAgent]
) -> None:
    cluster = make_far_cluster()
    signed_in(operator)
    page.goto("/fleet")
    expect(page.locator("#look")).to_contain_text("seoul-a waits for its first agent")
    running = agent(new_token(cluster))
    card = page.locator("#clusters .cluster")
    expect(card).to_contain_text("in sync", timeout=PATIENCE)
    expect(page.locator("#look")).not_to_contain_text("seoul-a")
    running.kill()
    expect(card).to_contain_text("agent lost", timeout=PATIENCE)
    expect(page.locator("#look")).to_contain_text("seoul-a lost its only agent")
    page.get_by_role("link", name="Table").click()
    expect(page.get_by_role("row", name=re.compile("seoul-a"))).to_contain_text("agent lost")


# --- Stuck -----------------------------------------------------------------------------------------


@pytest.fixture
def obedient() -> ObedientCluster:
    return ObedientCluster()


@pytest.fixture
def stuck(transactional_db: None, tidewater: Tenant, alice: User, obedient: ObedientCluster) -> FunctionGateway:
    """The forebears' case: stopped, its domain deleted, stages and database left."""
    gateway = make_gateway(
        tidewater, make_cluster(), "billing-hooks", state=State.STOPPED, owner=alice, state_by="Alice"
    )
    converge(obedient)
    half_delete(gateway)
    return gateway


def test_a_stuck_gateway_is_explained_and_mended_with_one_click(
    page: Page, signed_in: SignIn, operator: User, stuck: FunctionGateway, obedient: ObedientCluster
) -> None:
    signed_in(operator)
    page.goto("/fleet")
    expect(page.locator(".nav-count")).to_have_text("1")
    page.locator("#look").get_by_role("link", name="Finish the stop").click()
    expect(page.get_by_text("Stuck because its domain was deleted while the gateway stays")).to_be_visible()
    expect(page.get_by_role("radio", name=re.compile("Force a phase"))).to_be_disabled()
    expect(page.get_by_text("Needs the role system-admin.")).to_be_visible()

    page.get_by_label("Why").fill("Found by the nightly look")
    page.get_by_role("radio", name=re.compile("Start it again")).check()
    does = page.locator("#does")
    expect(does).to_contain_text("Open its routes")
    page.get_by_role("radio", name=re.compile("Finish the stop")).check()
    expect(does).not_to_contain_text("Open its routes")
    expect(page.get_by_label("Why")).to_have_value("Found by the nightly look")
    page.locator("#remedies").get_by_role("button", name="Finish the stop").click()
    expect(page.get_by_text("billing-hooks goes on")).to_be_visible()
    converge(obedient)
    expect(page.get_by_text("It stands where it should")).to_be_visible()
    stuck.refresh_from_db()
    assert (stuck.phase, RuntimeDomain.objects.get().phase) == (Phase.STOPPED, Phase.STOPPED)
    page.goto("/fleet/stuck")
    expect(page.get_by_text("Nothing is stuck")).to_be_visible()
    expect(page.locator(".nav-count")).to_have_count(0)


# --- Looks -----------------------------------------------------------------------------------------


def many_clusters() -> Cluster:
    for name, region in (
        ("frankfurt-a", "eu-central-1"),
        ("frankfurt-b", "eu-central-1"),
        ("seoul-b", "ap-northeast-2"),
    ):
        cluster = make_far_cluster(name, region)
        for number in range(4):
            make_bundle(cluster, f"gateway/gw_{number}/runtime")
        make_agent(cluster, leads=True, facts={"gateway_port": "8100"})
        make_agent(cluster, "agent-2")
    busy = make_far_cluster()
    make_agent(busy, leads=True)
    make_bundle(busy, "gateway/gw_1/runtime", Bundle.Phase.DELIVERING, message="1 of 2 processes ready")
    make_bundle(busy, "gateway/gw_2/runtime")
    lost = make_far_cluster("virginia-b", "us-east-1")
    make_agent(lost, is_there=False, disconnected_because="Nothing was heard of it.")
    make_bundle(lost, "gateway/gw_3/runtime")
    because = "Disks are replaced until Tuesday."
    resting = make_far_cluster("rotterdam-port-1", "on-premises", maintenance_at=now(), maintenance_because=because)
    make_agent(resting, leads=True)
    make_far_cluster("tokyo-a", "ap-northeast-1")
    refusing = make_far_cluster("virginia-c", "us-east-1", facts={"gateway_port": "8100", "envoy_version": "1.36.2"})
    make_bundle(refusing, "gateway/gw_01m7zryjncbqe62vzs1qhrqvyz/configuration")
    make_bundle(
        refusing,
        "gateway/gw_01m7zryjncbqe62vzs1qhrqvyz/routes",
        Bundle.Phase.FAILED,
        message="parcels.dev.virginia.api.example: another route has this host name already",
        statuses=[{"kind": "Runtime", "namespace": "imp", "name": "prod", "message": "refused", "conditions": []}],
    )
    make_agent(refusing, leads=True, state_digest="of something else", address="203.0.113.24")
    make_agent(refusing, "agent-2", is_there=False, disconnected_because="The stream ended.")
    Agent.objects.update(cluster_uid="")
    return refusing


@every_variant
def test_how_the_fleet_looks(
    page: Page, signed_in: SignIn, operator: User, variant: Variant, folder: Path, stuck: FunctionGateway
) -> None:
    refusing = many_clusters()
    signed_in(operator)
    cluster = f"/fleet/clusters/{refusing.pk}"
    bundle = Bundle.objects.get(cluster=refusing, phase=Bundle.Phase.FAILED)
    for name, path in {
        "fleet": "/fleet",
        "fleet-table": "/fleet?view=table",
        "fleet-cluster": cluster,
        "fleet-bundle": f"{cluster}/bundles/{bundle.pk}",
        "fleet-maintenance": f"{cluster}/maintenance",
        "stuck": "/fleet/stuck",
    }.items():
        page.goto(path)
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        check_fits(page)
        look(page, folder, f"{name}-{variant}")
        check_accessibility(page)


@every_variant
def test_how_letting_an_agent_in_looks(
    page: Page, signed_in: SignIn, operator: User, variant: Variant, folder: Path
) -> None:
    signed_in(operator)
    page.goto("/fleet")
    look(page, folder, f"fleet-empty-{variant}")
    check_accessibility(page)
    cluster = make_far_cluster()
    page.goto("/fleet/register")
    page.locator("input[type=password]").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.locator("#id_domain")).to_be_visible()
    check_fits(page)
    look(page, folder, f"fleet-register-{variant}")
    check_accessibility(page)
    page.goto(f"/fleet/clusters/{cluster.pk}/token")
    page.locator("main form button[type=submit]").click()
    expect(page.locator("#command")).to_be_visible()
    check_fits(page)
    check_accessibility(page)
    look(page, folder, f"fleet-token-{variant}")
