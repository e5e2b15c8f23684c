"""Where a gateway's functions may connect to: who sets it, what is refused, and that it comes to the processes."""

import json
from typing import Any

import pytest

from apps.accounts.models import User
from apps.audit.models import AuditEvent
from apps.core.errors import InvalidInput, NotAllowed, StaleVersion
from apps.gateways.egress import MOST_HOSTS, EgressMode
from apps.gateways.models import FunctionGateway
from apps.gateways.rendering.local import render_configuration
from apps.gateways.selectors import spec_of
from apps.gateways.services import set_egress
from apps.tenants.member import Member
from apps.tenants.models import Tenant
from apps.tenants.roles import Role
from tests.gateways.contract import GatewayServiceContract, some_cluster, some_gateway
from tests.gateways.pages import GATEWAYS, IN_SHEET
from tests.people import Api
from tests.tenants.pages import as_
from tests.tenants.world import make_member, member

pytestmark = pytest.mark.django_db
URL = "/v1/api-gateways"


class TestSetEgress(GatewayServiceContract):
    verb = "gateway.egress_set"

    def act(self, actor: Member, row: FunctionGateway) -> Any:
        return set_egress(actor=actor, gateway=row, mode=EgressMode.LISTED, hosts=["api.example.com"])


@pytest.fixture
def owner(alice: User, tidewater: Tenant) -> Member:
    return member(alice, tidewater)


@pytest.fixture
def gateway(owner: Member) -> FunctionGateway:
    return some_gateway(owner.tenant)


def test_it_begins_open_to_the_internet(gateway: FunctionGateway) -> None:
    assert (gateway.egress_mode, gateway.egress_hosts) == ("public", [])


def test_its_processes_are_told(owner: Member, gateway: FunctionGateway) -> None:
    changed = set_egress(
        actor=owner, gateway=gateway, mode="listed", hosts=[" API.example.com. ", "*.parts.example.org:8443",
        "api.example.com"],
    )  # fmt: skip
    assert changed.is_changed
    [manifest] = render_configuration(spec_of(changed))
    hosts = ["api.example.com", "*.parts.example.org:8443"]
    assert manifest["spec"]["egress"] == {"mode": "listed", "hosts": hosts}
    event = AuditEvent.objects.get()
    assert event.before
    assert (event.before["egress_mode"], event.after) == ("public", {"egress_mode": "listed", "egress_hosts": hosts})


def test_the_list_stays_while_it_does_not_count(owner: Member, gateway: FunctionGateway) -> None:
    set_egress(actor=owner, gateway=gateway, mode="listed", hosts=["api.example.com"])
    assert set_egress(actor=owner, gateway=gateway, mode="none").egress_hosts == ["api.example.com"]
    assert set_egress(actor=owner, gateway=gateway, mode="listed").egress_hosts == ["api.example.com"]


def test_the_same_again_changes_nothing(owner: Member, gateway: FunctionGateway) -> None:
    assert set_egress(actor=owner, gateway=gateway, mode="public", hosts=[]).version == 1
    assert not AuditEvent.objects.exists()


@pytest.mark.parametrize(
    ("mode", "hosts", "path"),
    [
        ("everywhere", [], "egress_mode"),
        ("listed", [], "egress_hosts"),
        ("listed", ["a.example.com", "https://b.example.com/x"], "/egress_hosts/1"),
        ("listed", ["localhost"], "/egress_hosts/0"),
        ("listed", ["10.0.0.1"], "/egress_hosts/0"),
        ("listed", ["[::1]"], "/egress_hosts/0"),
        ("listed", ["*"], "/egress_hosts/0"),
        ("listed", ["a.*.example.com"], "/egress_hosts/0"),
        ("listed", ["a.example.com:0"], "/egress_hosts/0"),
        ("listed", ["a.example.com:70000"], "/egress_hosts/0"),
        ("listed", ["exa mple.com"], "/egress_hosts/0"),
        ("listed", [f"{'a.' * 130}com"], "/egress_hosts/0"),
        ("listed", [f"h{number}.example.com" for number in range(MOST_HOSTS + 1)], "egress_hosts"),
    ],
)
def test_what_will_not_do_is_refused_at_its_place(
    owner: Member, gateway: FunctionGateway, mode: str, hosts: list[str], path: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        set_egress(actor=owner, gateway=gateway, mode=mode, hosts=hosts)
    assert list(refused.value.fields) == [path]
    gateway.refresh_from_db()
    assert (gateway.egress_mode, gateway.version) == ("public", 1)


def test_it_is_the_version_that_was_read(owner: Member, gateway: FunctionGateway) -> None:
    set_egress(actor=owner, gateway=gateway, mode="none", version=1)
    with pytest.raises(StaleVersion):
        set_egress(actor=owner, gateway=gateway, mode="public", version=1)


def test_a_gateway_owner_sets_it_for_their_own(tidewater: Tenant, gateway: FunctionGateway) -> None:
    grace = make_member("grace", tidewater, Role.GATEWAY_OWNER)
    with pytest.raises(NotAllowed):
        set_egress(actor=grace, gateway=gateway, mode="none")
    own = some_gateway(tidewater, grace.person)
    assert set_egress(actor=grace, gateway=own, mode="none").egress_mode == "none"


def test_the_api_sets_it(alice: User, gateway: FunctionGateway) -> None:
    api = Api(alice)
    etag = api.get(f"{URL}/{gateway.pk}")["ETag"]
    body = {"egress_mode": "listed", "egress_hosts": ["api.example.com"]}
    answer = api.put(f"{URL}/{gateway.pk}/egress", body, if_match=etag)
    assert answer.status_code == 200, answer.content
    assert {key: json.loads(answer.content)[key] for key in body} == body
    assert api.put(f"{URL}/{gateway.pk}/egress", body, if_match=etag).status_code == 412


def test_the_page_sets_it_and_tells_a_wrong_host_at_its_field(
    alice: User, gateway: FunctionGateway, owner: Member
) -> None:
    assert some_cluster()
    page = f"{GATEWAYS}/{gateway.pk}/settings"
    assert "Anywhere on the internet" in as_(alice).get(page).content.decode()
    form = {"version": 1, "egress_mode": "listed", "egress_hosts": "api.example.com\nhttp://x/"}
    refused = as_(alice).post(f"{page}/egress", form, headers=IN_SHEET)
    assert refused.status_code == 422
    said = refused.content.decode()
    assert "http://x/ is an address: give the host alone" in said
    assert "api.example.com" in said
    as_(alice).post(f"{page}/egress", {**form, "egress_hosts": "api.example.com, *.example.org"}, headers=IN_SHEET)
    gateway.refresh_from_db()
    assert (gateway.egress_mode, gateway.egress_hosts) == ("listed", ["api.example.com", "*.example.org"])
    shown = as_(alice).get(page).content.decode()
    assert "api.example.com, *.example.org" in shown
