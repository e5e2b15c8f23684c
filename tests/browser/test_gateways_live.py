"""Pages of gateways while there is news: nobody loses a click, a menu, the focus or what they unfolded."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from apps.accounts.models import User
from apps.core import clock
from apps.core.lifecycle.models import LifecycleEvent
from apps.fleet.models import Cluster
from apps.gateways import databases
from apps.gateways.lifecycle.machines import gateway_changed
from apps.gateways.lifecycle.table import State
from apps.gateways.models import FunctionGateway, GatewayDatabase
from apps.gateways.services.creating import create_gateway
from apps.gateways.services.states import start_gateway, stop_gateway
from apps.gateways.views import stuck
from apps.tenants.member import Member
from apps.tenants.models import Tenant
from tests.browser.checks import wait_for
from tests.browser.plugin import SignIn
from tests.gateways.pages import GATEWAYS
from tests.gateways.test_mending import half_delete
from tests.gateways.world import ObedientCluster, converge, make_cluster
from tests.tenants.world import member

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def cluster(transactional_db: None) -> Cluster:
    return make_cluster(title="This machine")


@pytest.fixture
def actor(alice: User, tidewater: Tenant) -> Member:
    return member(alice, tidewater)


@pytest.fixture
def obedient() -> ObedientCluster:
    return ObedientCluster()


@pytest.fixture
def gateway(actor: Member, cluster: Cluster, obedient: ObedientCluster) -> FunctionGateway:
    gateway = create_gateway(actor=actor, name="parcel-tracking", title="Parcel tracking", cluster=cluster)
    converge(obedient)
    gateway.refresh_from_db()
    return gateway


@pytest.fixture(autouse=True)
def _no_database_left(transactional_db: None) -> Iterator[None]:
    """Databases outlast the rows that name them."""
    yield
    for name in GatewayDatabase.objects.values_list("name", flat=True):
        databases.drop_database(name)


def follow(page: Page, path: str) -> None:
    """Opens it and its stream: news that comes before that would be told later, and not while the test looks."""
    with page.expect_response(lambda response: "topic=" in response.url):
        page.goto(path)


def test_a_click_that_began_before_the_news_still_counts(
    page: Page, signed_in: SignIn, alice: User, actor: Member, gateway: FunctionGateway
) -> None:
    signed_in(alice)
    follow(page, f"{GATEWAYS}/{gateway.pk}")
    held: list[Route] = []
    page.route("**seen=*", lambda route: held.append(route), times=1)
    # Takes the button away
    stop_gateway(actor=actor, gateway=gateway)
    wait_for(page, lambda: held)
    page.locator("#do-stop").hover()
    page.mouse.down()
    with page.expect_event("requestfinished"):
        held.pop().continue_()
    page.mouse.up()
    expect(page.get_by_role("dialog", name="Stop Parcel tracking?")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#do-start")).to_be_visible()


def test_an_open_menu_and_its_focus_outlast_the_news(
    page: Page, signed_in: SignIn, alice: User, actor: Member, gateway: FunctionGateway
) -> None:
    signed_in(alice)
    follow(page, f"{GATEWAYS}/{gateway.pk}")
    page.locator("#do-more").click()
    page.locator("#menu-rename").focus()
    stop_gateway(actor=actor, gateway=gateway)
    expect(page.locator("#do-start")).to_be_visible()
    expect(page.locator("#gateway-menu")).to_be_visible()
    expect(page.locator("#menu-rename")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog", name="Rename Parcel tracking")).to_be_visible()


def test_what_was_sent_is_answered_though_its_button_is_gone(
    page: Page, signed_in: SignIn, alice: User, actor: Member, gateway: FunctionGateway, obedient: ObedientCluster
) -> None:
    stop_gateway(actor=actor, gateway=gateway)
    converge(obedient)
    signed_in(alice)
    follow(page, f"{GATEWAYS}/{gateway.pk}")

    def answer_late(route: Route) -> None:
        answer = route.fetch()
        page.wait_for_timeout(800)
        route.fulfill(response=answer)

    page.route("**/start", answer_late)
    page.locator("#do-start").click()
    expect(page.locator(".toast")).to_contain_text("Parcel tracking is being started")
    expect(page.locator("#do-stop")).to_be_visible()


def test_what_was_unfolded_stays_so(
    page: Page, signed_in: SignIn, operator: User, gateway: FunctionGateway, actor: Member, obedient: ObedientCluster
) -> None:
    stop_gateway(actor=actor, gateway=gateway)
    converge(obedient)
    half_delete(gateway)
    moment = clock.now()
    line: dict[str, Any] = {
        "tenant_id": gateway.tenant_id, "machine": "gateway", "subject_id": gateway.pk, "kind": "waits",
        "phase": "stopping", "step": "routes", "because": "The domain isn't stopped.", "worker": "worker-2",
        "at": moment, "last_at": moment,
    }  # fmt: skip
    LifecycleEvent.objects.create(**line, attempt=31, count=29)
    signed_in(operator)
    follow(page, f"/fleet/stuck/{gateway.pk}")
    page.locator("#attempts summary").click()
    LifecycleEvent.objects.create(**line, attempt=32, count=1)
    gateway_changed(gateway)
    expect(page.locator("#attempts li .level", has_text="32")).to_be_visible()
    expect(page.locator("#attempts details")).to_have_attribute("open", "")


def test_a_stuck_gateway_is_followed_by_the_stream(
    page: Page,
    signed_in: SignIn,
    operator: User,
    gateway: FunctionGateway,
    actor: Member,
    obedient: ObedientCluster,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # It would look by itself, too, if only later
    monkeypatch.setattr(stuck, "NEWS", "live")
    stop_gateway(actor=actor, gateway=gateway)
    converge(obedient)
    half_delete(gateway)
    signed_in(operator)
    follow(page, f"/fleet/stuck/{gateway.pk}")
    expect(page.locator("#remedies")).to_be_visible()
    gateway.refresh_from_db()
    start_gateway(actor=actor, gateway=gateway)
    converge(obedient)
    expect(page.locator("#because")).to_contain_text("It stands where it should")
    expect(page.locator("#remedies")).to_have_count(0)
    gateway.refresh_from_db()
    assert gateway.state == State.RUNNING


def test_a_name_is_suggested_until_somebody_writes_one(
    page: Page, signed_in: SignIn, alice: User, actor: Member, cluster: Cluster
) -> None:
    signed_in(alice)
    page.goto(f"{GATEWAYS}/new")
    title, name = page.locator("#id_title"), page.locator("#id_name")
    title.press_sequentially("Café & Rück-Sendungen!")
    expect(name).to_have_value("cafe-ruck-sendungen")
    expect(page.locator("#hosts")).to_contain_text("cafe-ruck-sendungen.dev.")
    name.fill("returns")
    title.press_sequentially(" 2")
    expect(name).to_have_value("returns")
