"""The pages of gateways as a client sees them: who sees what, what is wanted of one and of several, what is live."""

import json
import re
from typing import Any, ClassVar

import pytest

from apps.accounts.models import User
from apps.audit.models import AuditEvent
from apps.core import clock
from apps.gateways.lifecycle.table import Phase, State
from apps.gateways.models import FunctionGateway
from apps.gateways.services.variables import Setting, set_variables
from apps.tenants.models import Tenant
from apps.tenants.roles import Kind, Role
from tests.contracts.lists import DetailContract
from tests.gateways.contract import some_gateway
from tests.gateways.pages import ASKING, BELOW, GATEWAYS, IN_SHEET, put_up
from tests.people import make_person
from tests.tenants.pages import IN_DIALOG, as_
from tests.tenants.test_pages_members import OfTidewater
from tests.tenants.world import join, make_tenant, member

pytestmark = pytest.mark.django_db


@pytest.fixture
def gateway(tidewater: Tenant, alice: User) -> FunctionGateway:
    return put_up(some_gateway(tidewater, alice))


@pytest.fixture
def page(gateway: FunctionGateway) -> str:
    return f"{GATEWAYS}/{gateway.pk}"


class TestGatewaysPage(OfTidewater):
    url = GATEWAYS
    narrowing: ClassVar[dict[str, str]] = {"state": "stopped"}
    nonsense: ClassVar[dict[str, str]] = {"phase": "lost"}

    def make(self, alice: User, bob: User, count: int) -> list[Any]:
        tenant = self.workspace(alice, bob)
        states = [State.STOPPED, State.RUNNING]
        return [some_gateway(tenant, alice, state=states[number % 2]) for number in range(count)]


class TestGatewayPage(DetailContract):
    def make(self, alice: User, bob: User) -> FunctionGateway:
        tenant = make_tenant("Tidewater")
        join(alice, tenant, Role.OWNER)
        join(bob, tenant, Role.VIEWER)
        as_(alice).get("/t/tidewater/members")
        return put_up(some_gateway(tenant, alice))

    def url(self, row: Any) -> str:
        return f"{GATEWAYS}/{row.pk}"


# --- Who sees what ---------------------------------------------------------------------------------

ASKED_ABOUT = ("/start", "/restart", "/stop", "/delete", "/environment/set", "/settings/rename", "/settings/bundle")


def test_others_are_not_told_that_it_is_there(
    charlie: User, hanbit: Tenant, page: str, gateway: FunctionGateway
) -> None:
    own = f"/t/hanbit/gateways/{gateway.pk}"
    for tail in (*BELOW, *ASKED_ABOUT):
        assert as_(charlie).get(page + tail).status_code == 404, tail
        assert as_(charlie).get(own + tail).status_code == 404, tail
    for tail in ASKED_ABOUT:
        assert as_(charlie).post(own + tail, {"typed": gateway.name}).status_code == 404, tail
    gateway.refresh_from_db()
    assert gateway.state == State.RUNNING


def test_who_may_only_look_sees_all_of_it_and_nothing_to_press(bob: User, page: str, gateway: FunctionGateway) -> None:
    for tail in BELOW:
        shown = as_(bob).get(page + tail)
        assert shown.status_code == 200, tail
        text = shown.content.decode()
        assert "gateway-menu" not in text
        assert "do-more" not in text
        for sign in ("do-stop", "do-restart", "/settings/rename", "/settings/bundle", "/environment/set", "/delete"):
            assert f'"{page}{sign}' not in text, (tail, sign)
    text = as_(bob).get(GATEWAYS).content.decode()
    assert "New gateway" not in text
    assert 'id="bulk"' not in text


@pytest.mark.parametrize("tail", ASKED_ABOUT)
def test_who_may_only_look_is_refused_with_the_role_that_it_takes(
    bob: User, page: str, gateway: FunctionGateway, tail: str
) -> None:
    for answer in (as_(bob).get(page + tail), as_(bob).post(page + tail, {"typed": gateway.name, "version": 1})):
        assert answer.status_code == 403, tail
        assert "gateway-owner" in answer.content.decode() or "owner" in answer.content.decode()
    gateway.refresh_from_db()
    assert (gateway.state, gateway.generation) == (State.RUNNING, 1)


def test_a_gateway_owner_does_to_their_own_what_they_may_not_do_to_others(
    tidewater: Tenant, gateway: FunctionGateway, page: str
) -> None:
    owner = make_person("haneul")
    join(owner, tidewater, Role.GATEWAY_OWNER)
    own = put_up(some_gateway(tidewater, owner))
    assert "do-stop" in as_(owner).get(f"{GATEWAYS}/{own.pk}").content.decode()
    assert "do-stop" not in as_(owner).get(page).content.decode()
    assert as_(owner).post(f"{page}/stop").status_code == 403
    assert as_(owner).post(f"{GATEWAYS}/{own.pk}/stop").status_code == 302
    own.refresh_from_db()
    gateway.refresh_from_db()
    assert (own.state, gateway.state) == (State.STOPPED, State.RUNNING)


def test_customers_have_no_gateways(alice: User) -> None:
    shop = make_tenant("Greenmarket", Kind.CUSTOMER)
    join(alice, shop, Role.OWNER)
    assert as_(alice).get("/t/greenmarket/gateways").status_code == 403
    assert "/t/greenmarket/gateways" not in as_(alice).get("/t/greenmarket/").content.decode()


# --- What is wanted of one -------------------------------------------------------------------------


def test_stopping_names_what_stops_and_comes_back_as_a_dialog_a_page_and_a_notice(
    alice: User, gateway: FunctionGateway, page: str
) -> None:
    dialog = as_(alice).get(f"{page}/stop", headers=IN_DIALOG).content.decode()
    whole = as_(alice).get(f"{page}/stop").content.decode()
    for shown in (dialog, whole):
        for told in (f"Stop {gateway}?", f"{gateway.name}.prod.localhost", "dev-staging", "new ones get 404"):
            assert told in shown, told
    assert "<html" in whole
    assert "<html" not in dialog
    answer = as_(alice).post(f"{page}/stop", headers=IN_DIALOG)
    assert (answer.status_code, "is being stopped" in answer["HX-Trigger"]) == (204, True)
    gateway.refresh_from_db()
    assert gateway.state == State.STOPPED
    assert AuditEvent.objects.filter(verb="gateway.stopped", target_id=gateway.pk).count() == 1


def test_only_what_makes_sense_now_is_offered(alice: User, gateway: FunctionGateway, page: str) -> None:
    def offered() -> set[str]:
        return set(re.findall(r'id="do-(\w+)"', as_(alice).get(page).content.decode())) - {"more"}

    assert offered() == {"restart", "stop"}
    put_up(gateway, state=State.STOPPED, phase=Phase.STOPPED)
    assert offered() == {"start"}
    put_up(gateway, state=State.DELETED, phase=Phase.DELETING)
    assert offered() == set()
    put_up(gateway, state=State.RUNNING, phase=Phase.CREATING, observed_generation=0)
    assert offered() == {"delete"}
    assert "Stop creating" in as_(alice).get(page).content.decode()
    put_up(gateway, phase=Phase.STARTING, has_stopped=True, observed_generation=0, because="It's broken.")
    assert offered() == {"start", "delete"}
    assert "It has stopped trying." in as_(alice).get(page).content.decode()


def test_restarting_one_that_is_stopped_is_refused_and_says_what_to_do(
    alice: User, gateway: FunctionGateway, page: str
) -> None:
    put_up(gateway, state=State.STOPPED, phase=Phase.STOPPED)
    answer = as_(alice).post(f"{page}/restart", headers=IN_DIALOG)
    assert answer.status_code == 409
    assert "Start it instead." in answer.content.decode()


def test_deleting_takes_its_name_and_says_what_goes(alice: User, gateway: FunctionGateway, page: str) -> None:
    set_variables(actor=member(alice, gateway.tenant), gateway=gateway, settings=[Setting("KEY", "x", True)])
    sheet = as_(alice).get(f"{page}/delete", headers=IN_SHEET).content.decode()
    for told in ("for good", f"{gateway.name}.dev.localhost", "secrets: 1", f"Type {gateway.name} to go on"):
        assert told in sheet, told
    refused = as_(alice).post(f"{page}/delete", {"typed": "another"}, headers=IN_SHEET)
    assert refused.status_code == 422
    gateway.refresh_from_db()
    assert gateway.state == State.RUNNING
    assert as_(alice).post(f"{page}/delete", {"typed": gateway.name}, headers=IN_SHEET).status_code == 204
    gateway.refresh_from_db()
    assert gateway.state == State.DELETED


def test_one_that_is_gone_leads_those_who_watched_back_to_the_list(
    alice: User, gateway: FunctionGateway, page: str
) -> None:
    put_up(gateway, state=State.DELETED, phase=Phase.DELETED)
    answer = as_(alice).get(page, headers=ASKING)
    assert (answer.status_code, answer["HX-Redirect"]) == (204, GATEWAYS)
    assert as_(alice).get(page).status_code == 404


def test_who_may_not_read_the_audit_log_is_told_whose_doings_show_up(
    alice: User, bob: User, gateway: FunctionGateway
) -> None:
    page = f"{GATEWAYS}/{gateway.pk}"
    assert "What you do with this gateway shows up here." in as_(bob).get(page).content.decode()
    assert "What you do with this gateway" not in as_(alice).get(page).content.decode()


# --- Several at once -------------------------------------------------------------------------------


def test_several_are_named_before_anything_is_done_and_refusals_are_told(
    tidewater: Tenant, alice: User, gateway: FunctionGateway
) -> None:
    owner = make_person("haneul")
    join(owner, tidewater, Role.GATEWAY_OWNER)
    own = put_up(some_gateway(tidewater, owner))
    url = f"{GATEWAYS}/several/stop?selected={own.pk}&selected={gateway.pk}"
    dialog = as_(owner).get(url, headers=IN_DIALOG).content.decode()
    assert "Stop 2 gateways?" in dialog
    assert f"{own.name}.dev.localhost" in dialog
    assert "Left as it is" in dialog
    answer = as_(owner).post(url, headers=IN_DIALOG)
    notice = json.loads(answer["HX-Trigger"])["toast"]
    assert (notice["tone"], "1 done" in notice["title"], str(gateway) in notice["text"]) == ("warn", True, True)
    own.refresh_from_db()
    gateway.refresh_from_db()
    assert (own.state, gateway.state) == (State.STOPPED, State.RUNNING)


def test_more_refusals_than_the_notice_has_room_for_are_counted(tidewater: Tenant, alice: User) -> None:
    owner = make_person("haneul")
    join(owner, tidewater, Role.GATEWAY_OWNER)
    others = [put_up(some_gateway(tidewater, alice)) for _ in range(7)]
    url = f"{GATEWAYS}/several/stop?" + "&".join(f"selected={each.pk}" for each in others)
    notice = json.loads(as_(owner).post(url, headers=IN_DIALOG)["HX-Trigger"])["toast"]
    lines = notice["text"].split("\n")
    assert (len(lines), lines[-1]) == (6, "And 2 more.")


def test_deleting_several_takes_their_number(alice: User, tidewater: Tenant, gateway: FunctionGateway) -> None:
    other = put_up(some_gateway(tidewater, alice))
    url = f"{GATEWAYS}/several/delete?selected={other.pk}&selected={gateway.pk}"
    assert as_(alice).post(url, {"typed": "yes"}).status_code == 422
    assert not FunctionGateway.objects.filter(state=State.DELETED).exists()
    assert as_(alice).post(url, {"typed": "2"}).status_code == 302
    assert FunctionGateway.objects.filter(state=State.DELETED).count() == 2


def test_several_of_nothing_or_of_others_are_not_there(
    alice: User, bob: User, charlie: User, hanbit: Tenant, gateway: FunctionGateway
) -> None:
    assert as_(alice).get(f"{GATEWAYS}/several/stop").status_code == 404
    assert as_(alice).get(f"{GATEWAYS}/several/paint?selected={gateway.pk}").status_code == 404
    assert as_(charlie).post(f"/t/hanbit/gateways/several/stop?selected={gateway.pk}").status_code == 404
    assert as_(bob).post(f"{GATEWAYS}/several/stop?selected={gateway.pk}").status_code == 403
    gateway.refresh_from_db()
    assert gateway.state == State.RUNNING


# --- Live ------------------------------------------------------------------------------------------


def seen_by(text: str) -> str:
    found = re.search(r"""hx-vals='{"seen": "([^"]+)"}'""", text.replace("&quot;", '"'))
    assert found, text[:2000]
    return found[1]


def test_only_what_has_changed_comes(alice: User, gateway: FunctionGateway, page: str) -> None:
    seen = seen_by(as_(alice).get(page).content.decode())
    nothing = as_(alice).get(page, {"seen": seen}, headers=ASKING).content.decode()
    assert "hx-swap-oob" not in nothing
    assert seen_by(nothing) == seen
    as_(alice).post(f"{page}/stop")
    news = as_(alice).get(page, {"seen": seen}, headers=ASKING).content.decode()
    replaced = set(re.findall(r'id="([\w-]+)" hx-swap-oob="true"', news))
    assert {"statephase", "actions", "timeline", "activity"} <= replaced
    assert not {"runtime", "domains"} & replaced
    assert 'hx-swap-oob="true"' not in as_(alice).get(page, {"seen": seen_by(news)}, headers=ASKING).content.decode()


def test_a_step_comes_alone_where_only_it_has_changed(alice: User, gateway: FunctionGateway, page: str) -> None:
    wanted = {"phase": Phase.STARTING, "due_at": clock.now(), "checkpoint": "", "generation": 2}
    put_up(gateway, **wanted)
    seen = seen_by(as_(alice).get(page).content.decode())
    put_up(gateway, **wanted, because="%(error)s", because_of={"error": "The disk is full."})
    news = as_(alice).get(page, {"seen": seen}, headers=ASKING).content.decode()
    assert re.findall(r'id="([\w-]+)" hx-swap-oob="true"', news) == ["step-starting-functions"]
    assert "The disk is full." in news


def test_the_list_replaces_states_and_the_table_only_where_rows_come_or_go(
    alice: User, tidewater: Tenant, gateway: FunctionGateway, page: str
) -> None:
    seen = seen_by(as_(alice).get(GATEWAYS).content.decode())
    as_(alice).post(f"{page}/stop")
    news = as_(alice).get(GATEWAYS, {"seen": seen}, headers=ASKING)
    assert "HX-Retarget" not in news
    replaced = re.findall(r'id="([\w-]+)" hx-swap-oob="true"', news.content.decode())
    assert replaced == [f"state-{gateway.pk}", f"offers-{gateway.pk}"]
    some_gateway(tidewater, alice)
    news = as_(alice).get(GATEWAYS, {"seen": seen}, headers=ASKING)
    assert news["HX-Retarget"] == "#table"
    assert "HX-Push-Url" not in news
    assert "seen=" not in news.content.decode()
