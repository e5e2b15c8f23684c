"""`/v1/api-gateways/{id}/stages/{stage}/domain`: a stage's custom domain by programs."""

from collections.abc import Iterator
from typing import Any

import pytest

from apps.accounts.models import User
from apps.core.lifecycle import kernel
from apps.gateways.lifecycle.custom_domains import CUSTOM_DOMAIN
from apps.gateways.models import CustomDomain, FunctionGateway
from apps.tenants.models import Tenant
from tests.contracts.api import assert_problem
from tests.gateways.contract import some_gateway
from tests.gateways.custom_domains.world import HOST, look, routed_hosts, up
from tests.gateways.nameserver import NameServer, running_name_server
from tests.gateways.world import ObedientCluster, converge
from tests.people import Api
from tests.tenants.world import member

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def server() -> Iterator[NameServer]:
    with running_name_server() as server:
        yield server


@pytest.fixture
def gateway(alice: User, tidewater: Tenant, hanbit: Tenant) -> FunctionGateway:
    """Hanbit is there too, so that Charlie has a workspace to come from."""
    return some_gateway(tidewater, alice)


def path_of(gateway: FunctionGateway, stage: str = "prod") -> str:
    return f"/v1/api-gateways/{gateway.pk}/stages/{stage}/domain"


def put(person: User, gateway: FunctionGateway, host: str = HOST, *, if_match: str = "*", **more: str) -> Any:
    return Api(person).put(path_of(gateway), {"host": host}, if_match=if_match, **more)


def test_set_proven_shown_and_removed(alice: User, tidewater: Tenant, server: NameServer) -> None:
    cluster = ObedientCluster()
    gateway = up(member(alice, tidewater), cluster, "labels")
    path = path_of(gateway)
    assert_problem(Api(alice).get(path), "not-found")
    etag = Api(alice).get(f"/v1/api-gateways/{gateway.pk}")["ETag"]
    answer = put(alice, gateway, "API.Tidewater.example.", if_match=etag)
    assert answer.status_code == 200, answer.content
    shown = answer.json()
    assert (shown["host"], shown["stage"], shown["phase"], shown["is_serving"]) == (HOST, "prod", "waiting", False)
    proof, calls = shown["records"]
    assert (proof["purpose"], proof["type"], proof["name"]) == ("proof", "TXT", f"_imp-challenge.{HOST}")
    assert calls == {"purpose": "calls", "type": "CNAME", "name": HOST, "value": "labels.prod.localhost"}
    assert shown["certificate"]["status"] == "none"
    assert "plain HTTP" in shown["certificate"]["detail"]
    assert shown["next_check_at"]

    server.prove(HOST, "imp-of-somebody-else")
    domain = look(CustomDomain.objects.get())
    shown = Api(alice).get(path).json()
    assert "found 'imp-of-somebody-else', wanted" in shown["because"]
    assert (shown["leads_here"], shown["leads_to"], bool(shown["checked_at"])) == (False, "", True)
    server.prove(HOST, proof["value"])
    server.put(HOST, "CNAME", calls["value"])
    look(domain)
    assert Api(alice).get(path).json()["phase"] == "proven"
    converge(cluster)
    shown = Api(alice).get(path).json()
    assert (shown["is_serving"], shown["because"], shown["leads_here"]) == (True, "", True)
    stage = Api(alice).get(f"/v1/api-gateways/{gateway.pk}").json()["stages"][2]
    assert (stage["custom_domain"], stage["hosts"]) == (HOST, ["labels.prod.localhost", HOST])
    assert stage["addresses"][1] == f"http://{HOST}/"

    assert Api(alice).delete(path, if_match="*").status_code == 204
    assert_problem(Api(alice).get(path), "not-found")
    converge(cluster)
    assert HOST not in routed_hosts(gateway)


def test_a_change_asks_for_the_gateways_version(alice: User, gateway: FunctionGateway) -> None:
    assert_problem(Api(alice).put(path_of(gateway), {"host": HOST}), "version-required")
    assert put(alice, gateway, if_match='"1"').status_code == 200
    assert_problem(put(alice, gateway, "www.tidewater.example", if_match='"1"'), "stale-version")
    assert_problem(Api(alice).delete(path_of(gateway)), "version-required")
    assert_problem(Api(alice).delete(path_of(gateway), if_match='"1"'), "stale-version")
    assert CustomDomain.objects.get().host == HOST


def test_sent_twice_it_is_done_once(alice: User, gateway: FunctionGateway) -> None:
    first, again = put(alice, gateway), put(alice, gateway, f" {HOST.upper()}")
    assert (first.status_code, again.status_code) == (200, 200)
    assert (first.json()["id"], first["ETag"]) == (again.json()["id"], again["ETag"])


@pytest.mark.parametrize(
    ("host", "told"),
    [
        ("192.0.2.1", "IP address"),
        ("https://api.example.com", "without https://"),
        ("api.example.com:443", "without a port"),
        ("labels", "one word"),
        ("labels.dev.localhost", "below localhost"),
        ("x" * 301, "300"),
        ("", ""),
    ],
)
def test_what_is_wrong_with_a_host_is_said_at_its_place(
    alice: User, gateway: FunctionGateway, host: str, told: str
) -> None:
    (error,) = assert_problem(put(alice, gateway, host), "invalid-input")["errors"]
    assert (error["path"], told in error["message"]) == ("/host", True)
    assert not CustomDomain.objects.exists()


def test_who_may_only_look_sees_it_and_others_do_not_learn_of_it(
    alice: User, bob: User, charlie: User, gateway: FunctionGateway
) -> None:
    put(alice, gateway)
    path = path_of(gateway)
    assert Api(bob).get(path).json()["host"] == HOST
    assert_problem(put(bob, gateway, "www.tidewater.example"), "not-allowed")
    assert_problem(Api(bob).delete(path, if_match="*"), "not-allowed")
    assert_problem(Api(bob).post(f"{path}/check"), "not-allowed")
    assert_problem(Api(charlie).get(path), "not-found")
    assert_problem(put(charlie, gateway), "not-found")
    assert_problem(Api(charlie).delete(path, if_match="*"), "not-found")
    assert_problem(Api(charlie).post(f"{path}/check"), "not-found")
    assert CustomDomain.objects.get().host == HOST


def test_a_check_is_asked_for_now_and_then(alice: User, gateway: FunctionGateway, server: NameServer) -> None:
    put(alice, gateway)
    domain = CustomDomain.objects.get()
    kernel.advance(CUSTOM_DOMAIN, domain.pk)
    before = Api(alice).get(path_of(gateway)).json()["next_check_at"]
    answer = Api(alice).post(f"{path_of(gateway)}/check")
    assert (answer.status_code, answer.json()["next_check_at"] < before) == (200, True)
    refused = Api(alice).post(f"{path_of(gateway)}/check")
    assert_problem(refused, "too-many-requests")
    assert int(refused["Retry-After"]) >= 1


def test_a_stage_that_there_is_not(alice: User, gateway: FunctionGateway) -> None:
    assert_problem(Api(alice).get(path_of(gateway, "qa")), "not-found")
    answer = Api(alice).put(path_of(gateway, "qa"), {"host": HOST}, if_match="*")
    assert assert_problem(answer, "invalid-input")["errors"][0]["path"] == "/stage"
