"""The page of a gateway's domains: which records to make, how they stand, and what can be done."""

from datetime import timedelta
from typing import Any

import pytest

from apps.accounts.models import User
from apps.core import clock
from apps.gateways.lifecycle import custom_domains
from apps.gateways.lifecycle.table import State
from apps.gateways.models import CustomDomain, FunctionGateway, RuntimeDomain
from apps.tenants.models import Tenant
from apps.tenants.roles import Role
from tests.contracts.lists import DetailContract
from tests.gateways.contract import add_domain, some_gateway
from tests.gateways.custom_domains.world import HOST
from tests.gateways.pages import ASKING, GATEWAYS, put_up
from tests.tenants.pages import IN_DIALOG, as_
from tests.tenants.world import join, make_tenant

pytestmark = pytest.mark.django_db

ASKED = ("add", "check", "remove")


@pytest.fixture
def gateway(tidewater: Tenant, alice: User) -> FunctionGateway:
    gateway = put_up(some_gateway(tidewater, alice))
    RuntimeDomain.objects.update(phase="started", state=State.RUNNING, observed_generation=1, due_at=None)
    return gateway


@pytest.fixture
def page(gateway: FunctionGateway) -> str:
    return f"{GATEWAYS}/{gateway.pk}/domains"


class TestDomainsPage(DetailContract):
    def make(self, alice: User, bob: User) -> FunctionGateway:
        tenant = make_tenant("Tidewater")
        join(alice, tenant, Role.OWNER)
        join(bob, tenant, Role.VIEWER)
        as_(alice).get("/t/tidewater/members")
        gateway = put_up(some_gateway(tenant, alice))
        add_domain(gateway, HOST)
        return gateway

    def url(self, row: Any) -> str:
        return f"{GATEWAYS}/{row.pk}/domains"


def text_of(person: User, path: str) -> str:
    answer = as_(person).get(path)
    assert answer.status_code == 200
    return str(answer.content.decode())


def test_one_is_added_with_the_records_to_make_for_it(alice: User, gateway: FunctionGateway, page: str) -> None:
    shown = text_of(alice, page)
    assert "Add a domain" in shown
    assert f"{gateway.name}.prod.localhost" in shown
    dialog = as_(alice).get(f"{page}/prod/add", headers=IN_DIALOG).content.decode()
    assert "Add a domain to prod" in dialog
    assert "<html" not in dialog
    answer = as_(alice).post(f"{page}/prod/add", {"host": "배송.한국"}, headers=IN_DIALOG)
    assert (answer.status_code, "make its records" in answer["HX-Trigger"]) == (204, True)
    domain = CustomDomain.objects.get()
    shown = text_of(alice, page)
    for told in (domain.host, f"_imp-challenge.{domain.host}", domain.token, "waiting for the record", "plain HTTP"):
        assert told in shown, told
    # Each name and each value can be copied
    for copied in (f"_imp-challenge.{domain.host}", domain.token, domain.host, f"{gateway.name}.prod.localhost"):
        assert f'data-copy="{copied}"' in shown, copied


def test_a_host_that_cannot_be_one_is_refused_with_what_was_typed_kept(alice: User, page: str) -> None:
    answer = as_(alice).post(f"{page}/prod/add", {"host": "https://api.example.com"}, headers=IN_DIALOG)
    assert answer.status_code == 422
    text = answer.content.decode()
    assert "without https://" in text
    assert 'value="https://api.example.com"' in text
    assert not CustomDomain.objects.exists()


def test_a_stage_has_one_and_says_so(alice: User, gateway: FunctionGateway, page: str) -> None:
    add_domain(gateway, HOST)
    answer = as_(alice).get(f"{page}/prod/add", headers=IN_DIALOG)
    assert (answer.status_code, f"prod has {HOST} already" in str(answer.headers) + answer.content.decode()) == (
        409,
        True,
    )


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({}, ("waiting for the record",)),
        (
            {
                "because": custom_domains.OTHER_RECORD,
                "because_of": {"record": "r", "found": "x", "wanted": "y"},
                "leads_here": False,
                "leads_to": "192.0.2.9",
            },
            ("found &#x27;x&#x27;, wanted &#x27;y&#x27;", "192.0.2.9", "which isn't here"),
        ),
        ({"has_stopped": True, "because": custom_domains.GIVEN_UP, "because_of": {"record": "r", "days": 14}},
         ("not looked for any more", "for 14 days")),
        ({"phase": CustomDomain.Phase.PROVEN, "proven_at": clock.now(), "leads_here": True}, ("serving", "Come here")),
        ({"phase": CustomDomain.Phase.LOSING, "proven_at": clock.now(), "missing_at": clock.now(),
          "because": custom_domains.NO_RECORD, "because_of": {"record": "r", "wanted": "y"}},
         ("record missing", "Unless it's back")),
    ],
)  # fmt: skip
def test_how_it_stands_is_said(
    alice: User, gateway: FunctionGateway, page: str, values: dict[str, object], words: tuple[str, ...]
) -> None:
    add_domain(gateway, HOST, **values)
    shown = text_of(alice, page)
    for told in words:
        assert told in shown, told
    assert HOST in text_of(alice, page.removesuffix("/domains"))


def test_proven_without_routes_is_not_called_serving(alice: User, gateway: FunctionGateway, page: str) -> None:
    add_domain(gateway, HOST, phase=CustomDomain.Phase.PROVEN, proven_at=clock.now())
    RuntimeDomain.objects.update(generation=2)
    assert "waits for routes" in text_of(alice, page)
    FunctionGateway.objects.update(state=State.STOPPED)
    assert "proven, not serving" in text_of(alice, page)


def test_it_is_checked_and_removed_by_a_button(alice: User, gateway: FunctionGateway, page: str) -> None:
    add_domain(gateway, HOST, phase=CustomDomain.Phase.PROVEN, proven_at=clock.now())
    answer = as_(alice).post(f"{page}/prod/check", headers=IN_DIALOG)
    assert (answer.status_code, "is being checked" in answer["HX-Trigger"]) == (204, True)
    assert CustomDomain.objects.get().due_at is not None
    again = as_(alice).post(f"{page}/prod/check", headers=IN_DIALOG)
    assert (again.status_code, "checked a moment ago" in again.content.decode()) == (409, True)
    dialog = as_(alice).get(f"{page}/prod/remove", headers=IN_DIALOG).content.decode()
    for told in (f"Remove {HOST}?", "Get 404 there", f"{gateway.name}.prod.localhost"):
        assert told in dialog, told
    assert as_(alice).post(f"{page}/prod/remove", headers=IN_DIALOG).status_code == 204
    assert not CustomDomain.objects.exists()
    assert as_(alice).post(f"{page}/prod/remove", headers=IN_DIALOG).status_code == 404


def test_what_stops_names_it_too_once_it_is_served(alice: User, gateway: FunctionGateway, page: str) -> None:
    domain = add_domain(gateway, HOST)
    gateway_page = page.removesuffix("/domains")
    for tail in ("/stop", "/delete", "/stages/prod/off"):
        assert HOST not in as_(alice).get(gateway_page + tail, headers=IN_DIALOG).content.decode(), tail
    CustomDomain.objects.filter(pk=domain.pk).update(proven_at=clock.now(), phase=CustomDomain.Phase.PROVEN)
    for tail in ("/stop", "/delete", "/stages/prod/off"):
        assert HOST in as_(alice).get(gateway_page + tail, headers=IN_DIALOG).content.decode(), tail
    assert HOST not in as_(alice).get(f"{gateway_page}/stages/dev/off", headers=IN_DIALOG).content.decode()


def test_the_page_follows_what_happens(alice: User, gateway: FunctionGateway, page: str) -> None:
    domain = add_domain(gateway, HOST)
    seen = as_(alice).get(page).content.decode().partition('"seen": "')[2].partition('"')[0]
    nothing = as_(alice).get(page, {"seen": seen}, headers=ASKING).content.decode()
    assert "domain-prod" not in nothing
    CustomDomain.objects.filter(pk=domain.pk).update(has_stopped=True, checked_at=clock.now() - timedelta(hours=1))
    news = as_(alice).get(page, {"seen": seen}, headers=ASKING).content.decode()
    assert 'id="domain-prod"' in news
    assert 'id="domain-dev"' not in news


def test_who_may_only_look_sees_it_and_nothing_to_press(
    bob: User, charlie: User, hanbit: Tenant, gateway: FunctionGateway, page: str
) -> None:
    domain = add_domain(gateway, HOST)
    shown = text_of(bob, page)
    assert domain.token in shown
    for name in ASKED:
        assert f"/domains/prod/{name}" not in shown
        assert as_(bob).post(f"{page}/prod/{name}", {"host": "www.tidewater.example"}).status_code == 403
        own = f"/t/hanbit/gateways/{gateway.pk}/domains"
        assert as_(charlie).post(f"{own}/prod/{name}", {"host": "www.tidewater.example"}).status_code == 404
    assert as_(charlie).get(f"/t/hanbit/gateways/{gateway.pk}/domains").status_code == 404
    assert CustomDomain.objects.get().host == HOST


def test_what_is_being_deleted_gets_no_domain(alice: User, gateway: FunctionGateway, page: str) -> None:
    FunctionGateway.objects.update(state=State.DELETED)
    assert "Add a domain" not in text_of(alice, page)
    answer = as_(alice).post(f"{page}/prod/add", {"host": HOST}, headers=IN_DIALOG)
    assert answer.status_code == 409
    assert not CustomDomain.objects.exists()
