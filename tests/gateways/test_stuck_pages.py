"""The page of stuck gateways: for those who run the platform, with the reason, and one click to mend it."""

import re
from datetime import timedelta

import pytest
import time_machine
from django.test import Client

from apps.accounts.models import User
from apps.audit.models import AuditEvent
from apps.core import clock
from apps.core.lifecycle.models import LifecycleEvent
from apps.gateways.lifecycle.diagnosis import Cure
from apps.gateways.lifecycle.table import Phase, State
from apps.gateways.models import FunctionGateway, RuntimeDomain
from apps.gateways.selectors import can_listen
from apps.tenants.models import Tenant
from tests.contracts.queries import pinned_queries
from tests.fleet.test_pages import words_of
from tests.gateways.pages import ASKING
from tests.gateways.test_mending import half_delete
from tests.gateways.world import ObedientCluster, converge, make_cluster, make_gateway
from tests.tenants.pages import as_

pytestmark = pytest.mark.django_db(transaction=True)

LIST = "/fleet/stuck"


@pytest.fixture
def cluster() -> ObedientCluster:
    return ObedientCluster()


@pytest.fixture
def stuck(tidewater: Tenant, alice: User, cluster: ObedientCluster) -> FunctionGateway:
    """The forebears' case: stopped, its domain deleted, stages and database left."""
    gateway = make_gateway(tidewater, make_cluster(), "billing-hooks", state=State.STOPPED, owner=alice)
    converge(cluster)
    half_delete(gateway)
    gateway.refresh_from_db()
    return gateway


def page_of(gateway: FunctionGateway) -> str:
    return f"{LIST}/{gateway.pk}"


def test_it_is_for_operators_only(alice: User, stuck: FunctionGateway) -> None:
    for path in (LIST, page_of(stuck)):
        assert as_(alice).get(path).status_code == 403
        assert Client().get(path).headers["Location"].startswith("/sign-in")
    assert as_(alice).post(page_of(stuck), {"cure": Cure.FINISH}).status_code == 403
    assert RuntimeDomain.objects.get().phase == Phase.DELETED


def test_it_hears_of_gateways_whose_workspaces_hear_of_their_own(
    operator: User, alice: User, charlie: User, stuck: FunctionGateway
) -> None:
    assert can_listen(operator, stuck.pk)
    assert can_listen(alice, stuck.pk)
    assert not can_listen(charlie, stuck.pk)


def test_what_is_not_there_is_not_found(operator: User) -> None:
    assert as_(operator).get(f"{LIST}/gw_none").status_code == 404


def test_when_nothing_is_stuck_it_says_what_would_be(
    operator: User, tidewater: Tenant, cluster: ObedientCluster
) -> None:
    make_gateway(tidewater, make_cluster())
    converge(cluster)
    text = words_of(operator, LIST)
    assert "Nothing is stuck" in text
    assert "One that stops moving is listed here" in text


def test_it_names_the_reason_what_it_is_made_of_and_each_remedy(operator: User, stuck: FunctionGateway) -> None:
    text = words_of(operator, LIST)
    for part in (
        "1 of 1",
        "billing-hooks",
        "Tidewater",
        "Owned by Alice",
        "Stuck because its domain was deleted while the gateway stays",
        "The domain is deleted and was wanted deleted, but the gateway is wanted stopped.",
        "Callers get 404",
        "Domain deleted deleted",
        "Finish the stop Safe",
        "Make its domain anew, under the same names",
        "Ends as stopped",
        "Stages, database, variables and secrets stay as they are.",
        "Nobody holds one.",
        "Needs the role system-admin. Skips the checks, so it's the last resort.",
    ):
        assert part in text, part


def test_the_menu_counts_them_and_the_fleet_leads_there(operator: User, stuck: FunctionGateway) -> None:
    text = words_of(operator, "/fleet")
    assert "Stuck gateways 1 See why" in text
    assert re.search(r"billing-hooks is stuck For .*: its domain was deleted while the gateway stays\.", text)
    assert "Stuck gateways 1" in words_of(operator, "/platform")
    overview = words_of(operator, "/platform", "platform")
    assert "Needs a look" in overview
    assert "Fleet 0 of 1 cluster in sync, 1 needs a look" in overview
    assert "Gateways 1 is stuck" in overview


def seen_by(text: str) -> str:
    found = re.search(r"""hx-vals='{"seen": "([^"]*)"}'""", text.replace("&quot;", '"'))
    assert found, "the page has nothing that asks for news"
    return found[1]


def test_only_what_has_changed_comes_anew_and_the_remedies_go_once_it_is_well(
    operator: User, stuck: FunctionGateway, cluster: ObedientCluster
) -> None:
    client, page = as_(operator), page_of(stuck)
    text = client.get(page).content.decode()
    assert f'data-live="gateway:{stuck.pk}"' in text
    with time_machine.travel(clock.now(), tick=False):
        seen = seen_by(client.get(page).content.decode())
        assert 'hx-swap-oob="true"' not in client.get(page, {"seen": seen}, headers=ASKING).content.decode()
    client.post(page, {"cure": Cure.FINISH, "reason": "Asked for in ticket 4471"})
    converge(cluster)
    news = client.get(page, {"seen": seen}, headers=ASKING).content.decode()
    for part in ("list", "because", "attempts", "made-of", "remedies-box"):
        assert f'id="{part}" hx-swap-oob="true"' in news, part
    assert 'name="cure"' not in news
    assert "It stands where it should" in news


def test_what_somebody_writes_is_left_alone_while_there_is_news(operator: User, stuck: FunctionGateway) -> None:
    client, page = as_(operator), page_of(stuck)
    seen = seen_by(client.get(page).content.decode())
    stuck.tenant.name = "Tidewater Freight"
    stuck.tenant.save()
    news = client.get(page, {"seen": seen}, headers=ASKING).content.decode()
    assert 'id="reason" hx-swap-oob="true"' in news
    assert "remedies-box" not in news


def test_who_looks_at_none_is_led_to_the_first_that_gets_stuck(
    operator: User, stuck: FunctionGateway, cluster: ObedientCluster
) -> None:
    client = as_(operator)
    RuntimeDomain.objects.update(state=State.STOPPED, phase=Phase.STOPPED)
    assert seen_by(client.get(LIST).content.decode()) == ""
    assert "HX-Redirect" not in client.get(LIST, {"seen": ""}, headers=ASKING).headers
    half_delete(stuck)
    assert client.get(LIST, {"seen": ""}, headers=ASKING).headers["HX-Redirect"] == LIST


def test_choosing_another_remedy_says_what_that_one_does(operator: User, stuck: FunctionGateway) -> None:
    text = words_of(operator, f"{page_of(stuck)}?cure=start", "does")
    assert "Open its routes" in text
    assert "Ends as started" in text
    assert "Start it again" in text


def test_equal_attempts_are_one_line(operator: User, stuck: FunctionGateway) -> None:
    moment = clock.now()
    LifecycleEvent.objects.create(
        tenant_id=stuck.tenant_id, machine="gateway", subject_id=stuck.pk, kind="waits", phase="stopping",
        step="routes", because="The domain isn't stopped.", attempt=31, count=29, worker="worker-2",
        at=moment - timedelta(minutes=22), last_at=moment,
    )  # fmt: skip
    text = words_of(operator, page_of(stuck))
    assert "3–31 The domain isn't stopped. (29 attempts, all the same)" in text


def test_one_click_mends_it(operator: User, stuck: FunctionGateway, cluster: ObedientCluster) -> None:
    answer = as_(operator).post(page_of(stuck), {"cure": Cure.FINISH, "reason": "Asked for in ticket 4471"})
    assert (answer.status_code, answer.headers["Location"]) == (302, page_of(stuck))
    converge(cluster)
    stuck.refresh_from_db()
    assert (stuck.phase, RuntimeDomain.objects.get().phase) == (Phase.STOPPED, Phase.STOPPED)
    text = words_of(operator, page_of(stuck))
    assert "It stands where it should" in text
    assert "Asked for in ticket 4471" in text
    event = AuditEvent.objects.get(verb="gateway.finished")
    assert (event.actor_id, event.tenant_id) == (operator.pk, stuck.tenant_id)
    assert (event.after or {})["reason"] == "Asked for in ticket 4471"
    assert "Nothing is stuck" in words_of(operator, LIST)


def test_what_can_not_be_done_now_is_refused_and_nothing_written_is_lost(
    operator: User, stuck: FunctionGateway
) -> None:
    answer = as_(operator).post(page_of(stuck), {"cure": Cure.RELEASE, "reason": "It hangs."})
    text = answer.content.decode()
    assert answer.status_code == 409
    assert "Nobody holds one." in text
    assert "It hangs." in text
    assert RuntimeDomain.objects.get().phase == Phase.DELETED


def test_forcing_a_phase_takes_a_system_administrator_and_a_reason(
    operator: User, yuna: User, stuck: FunctionGateway
) -> None:
    forced = {"cure": Cure.FORCE, "phase": Phase.STARTED, "reason": "Its domain was lost in a restore."}
    assert as_(operator).post(page_of(stuck), forced).status_code == 403
    answer = as_(yuna).post(page_of(stuck), {**forced, "reason": ""})
    assert answer.status_code == 422
    assert "Say why." in answer.content.decode()
    assert as_(yuna).post(page_of(stuck), {**forced, "phase": ""}).status_code == 422
    stuck.refresh_from_db()
    assert stuck.phase == Phase.STOPPED
    assert as_(yuna).post(page_of(stuck), forced).status_code == 302
    stuck.refresh_from_db()
    assert stuck.phase == Phase.STARTED
    event = AuditEvent.objects.get(verb="gateway.phase_forced")
    assert (event.after or {})["reason"] == forced["reason"]


def test_more_stuck_gateways_cost_no_more_queries(
    operator: User, stuck: FunctionGateway, tidewater: Tenant, cluster: ObedientCluster
) -> None:
    for number in range(3):
        other = make_gateway(tidewater, stuck.cluster, f"other-{number}", state=State.STOPPED)
        converge(cluster)
        half_delete(other)
    client = as_(operator)
    client.get(page_of(stuck))
    with pinned_queries("Stuck gateways: page"):
        client.get(page_of(stuck))
