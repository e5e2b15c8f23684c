"""`/v1/api-gateways/{id}/dependencies`."""

import pytest

from apps.accounts.models import User
from apps.functions.models import Dependencies
from apps.gateways.models import FunctionGateway
from apps.tenants.models import Tenant
from apps.tenants.roles import Role
from tests.access.tokens import TokenApi, make_token
from tests.contracts.api import assert_problem
from tests.dependencies.registry import Registry
from tests.gateways.contract import some_gateway
from tests.people import Api
from tests.tasks import run_due_tasks
from tests.tenants.world import make_member

pytestmark = pytest.mark.django_db
ESM = {"type": "module", "exports": "./index.js", "license": "ISC"}


@pytest.fixture
def gateway(tidewater: Tenant, hanbit: Tenant, alice: User) -> FunctionGateway:
    return some_gateway(tidewater, alice)


@pytest.fixture(autouse=True)
def packages(registry: Registry) -> Registry:
    registry.add("inner", {"index.js": "export const n = 1"}, **ESM)
    registry.add("outer", {"index.js": "export * from 'inner'"}, dependencies={"inner": "^1"}, **ESM)
    return registry


def path_of(gateway: FunctionGateway) -> str:
    return f"/v1/api-gateways/{gateway.pk}/dependencies"


def test_a_change_is_taken_at_once_and_told_as_it_goes(gateway: FunctionGateway, alice: User) -> None:
    path = path_of(gateway)
    empty = Api(alice).get(path)
    assert empty.json() == {"state": "ready", "dependencies": {}, "packages": [], "lock": "", "change": None}
    answer = Api(alice).put(path, {"wanted": {"outer": ""}}, if_match=empty["ETag"])
    assert answer.status_code == 202, answer.content
    change = answer.json()["change"]
    assert (answer.json()["state"], change["wanted"], change["asked_by"]) == ("waiting", {"outer": "latest"}, "Alice")
    assert_problem(Api(alice).put(path, {"wanted": {}}, if_match="*"), "dependencies-busy")
    run_due_tasks()
    done = Api(alice).get(path).json()
    assert (done["state"], done["dependencies"], done["change"]) == ("ready", {"outer": "1.0.0"}, None)
    assert len(done["lock"]) == 64
    outer, inner = done["packages"]
    assert (outer["is_direct"], outer["exports"], outer["license"]) == (True, ["outer"], "ISC")
    assert (inner["name"], inner["needed_by"], inner["is_direct"]) == ("inner", ["outer@1.0.0"], False)
    assert inner["integrity"].startswith("sha512-")
    assert inner["size"] > 0


def test_a_refusal_says_why_until_it_is_discarded(gateway: FunctionGateway, alice: User) -> None:
    path = path_of(gateway)
    Api(alice).put(path, {"wanted": {"nothing": "1"}}, if_match="*")
    run_due_tasks()
    shown = Api(alice).get(path).json()
    assert (shown["state"], shown["change"]["package"]) == ("failed", "nothing")
    assert shown["change"]["because"] == "There is no npm package nothing. Check how its name is spelled."
    assert Api(alice).post(f"{path}/discard").json()["state"] == "ready"
    assert_problem(Api(alice).post(f"{path}/discard"), "conflict")


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({}, "/wanted"),
        ({"wanted": ["zod"]}, "/wanted"),
        ({"wanted": {"zod": 3}}, "/wanted/zod"),
        ({"wanted": {"../zod": "3"}}, "/wanted/../zod"),
        ({"wanted": {"zod": "https://example.com/zod.tgz"}}, "/wanted/zod"),
        ({"wanted": {}, "force": True}, "/force"),
    ],
)
def test_bad_input_is_named(body: object, path: str, gateway: FunctionGateway, alice: User) -> None:
    document = assert_problem(Api(alice).put(path_of(gateway), body, if_match="*"), "invalid-input")
    assert document["errors"][0]["path"] == path
    assert not Dependencies.objects.exists()


def test_who_may(gateway: FunctionGateway, alice: User, bob: User, charlie: User, tidewater: Tenant) -> None:
    path = path_of(gateway)
    developer = make_member("dora", tidewater, Role.API_DEVELOPER).person
    assert Api(bob).get(path).status_code == 200
    for person in (bob, developer):
        problem = assert_problem(Api(person).put(path, {"wanted": {"outer": "1"}}, if_match="*"), "not-allowed")
        assert problem["roles"] == ["owner", "admin", "gateway-owner"]
    for answer in (Api(charlie).get(path), Api(charlie).put(path, {"wanted": {}}, if_match="*")):
        assert_problem(answer, "not-found")
    assert_problem(Api(alice).put(path, {"wanted": {"outer": "1"}}), "version-required")
    reading = make_token(alice, "functions:read", "gateways:read")
    secret = reading.secret.reveal()
    assert TokenApi(secret).get(path).status_code == 200
    assert_problem(TokenApi(secret).put(path, {"wanted": {"outer": "1"}}, if_match="*"), "token-too-narrow")
    assert not Dependencies.objects.exists()


def test_of_two_who_saw_the_same_the_second_is_told(gateway: FunctionGateway, alice: User) -> None:
    path = path_of(gateway)
    etag = Api(alice).get(path)["ETag"]
    assert Api(alice).put(path, {"wanted": {"outer": "1"}}, if_match=etag).status_code == 202
    run_due_tasks()
    assert_problem(Api(alice).put(path, {"wanted": {}}, if_match=etag), "stale-version")


def test_the_same_key_asks_once(gateway: FunctionGateway, alice: User) -> None:
    path = path_of(gateway)
    Api(alice).put(path, {"wanted": {"nothing": "1"}}, if_match="*")
    run_due_tasks()
    first = Api(alice).post(f"{path}/discard", idempotency_key="once")
    second = Api(alice).post(f"{path}/discard", idempotency_key="once")
    assert (first.status_code, second.status_code) == (200, 200)
    assert second["Idempotency-Replayed"] == "true"
