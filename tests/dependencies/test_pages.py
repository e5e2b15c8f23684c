"""The page of a gateway's packages."""

from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client

from apps.accounts.models import User
from apps.functions.models import Dependencies
from apps.gateways.models import FunctionGateway
from apps.tenants.models import Tenant
from apps.tenants.roles import Role
from tests.dependencies.registry import Registry
from tests.functions.contract import some_function
from tests.gateways.contract import some_gateway
from tests.tasks import run_due_tasks
from tests.tenants.world import make_member, member

pytestmark = pytest.mark.django_db
ESM = {"type": "module", "exports": "./index.js"}


@pytest.fixture
def gateway(tidewater: Tenant, alice: User) -> FunctionGateway:
    return some_gateway(tidewater, alice)


@pytest.fixture(autouse=True)
def packages(registry: Registry) -> Registry:
    registry.add("inner", {"index.js": "export const n = 1"}, license="ISC", **ESM)
    registry.add("@scope/outer", {"index.js": "export * from 'inner'"}, dependencies={"inner": "^1"}, **ESM)
    registry.add("other", {"index.js": "export const x = 1"}, **ESM)
    return registry


class Pages:
    def __init__(self, person: User, gateway: FunctionGateway) -> None:
        self.client, self.url = Client(), f"/t/tidewater/gateways/{gateway.pk}/dependencies"
        self.client.force_login(person)

    def show(self, **query: str) -> str:
        response = self.client.get(self.url, query)
        assert response.status_code == 200
        return response.content.decode()

    def get(self, below: str = "") -> HttpResponse:
        return self.client.get(self.url + below)

    def post(self, below: str, **values: Any) -> HttpResponse:
        return self.client.post(self.url + below, values)


@pytest.fixture
def pages(alice: User, gateway: FunctionGateway) -> Pages:
    return Pages(alice, gateway)


def test_from_an_empty_page_to_a_list_of_what_each_brings(pages: Pages) -> None:
    assert "No npm package yet" in pages.show()
    assert pages.post("/add", packages="@scope/outer other@^1").status_code == 302
    waiting = pages.show()
    assert "Waiting for a worker" in waiting
    assert "@scope/outer@latest, other@^1" in waiting
    run_due_tasks()
    shown = pages.show()
    assert "Waiting" not in shown
    assert "1 package</summary>" in shown
    assert "inner@1.0.0" in shown
    assert "For @scope/outer@1.0.0" in shown
    assert "ISC" in shown
    assert 'Dependencies <span class="count">2</span>' in shown
    found = pages.show(q="inner")
    assert 'data-package="@scope/outer"' in found
    assert 'data-package="other"' not in found
    assert "No package of that name" in pages.show(q="nowhere")


def test_what_cannot_be_a_package_is_refused_at_the_field_and_kept(pages: Pages) -> None:
    for written, told in (("Zod", "no name of an npm package"), ("zod@file:x", "Addresses and other sources")):
        response = pages.post("/add", packages=written)
        assert response.status_code == 422
        assert told in response.content.decode()
        assert f'value="{written}"' in response.content.decode()
    assert not Dependencies.objects.exists()


def test_a_version_is_changed_and_a_package_removed(pages: Pages, packages: Registry) -> None:
    pages.post("/add", packages="@scope/outer other")
    run_due_tasks()
    packages.add("other", {"index.js": "export const x = 2"}, version="2.0.0", **ESM)
    assert "1.0.0 now" in pages.get("/update/other").content.decode()
    assert pages.post("/update/other", version="2").status_code == 302
    run_due_tasks()
    assert "Remove @scope/outer" in pages.get("/remove/@scope/outer").content.decode()
    assert pages.post("/remove/@scope/outer").status_code == 302
    run_due_tasks()
    row = Dependencies.objects.get()
    assert row.lock is not None
    assert row.lock.wanted == {"other": "2.0.0"}
    assert pages.get("/update/@scope/outer").status_code == 404


def test_a_refusal_names_the_function_and_line_and_is_tried_again_or_discarded(
    pages: Pages, gateway: FunctionGateway, alice: User
) -> None:
    pages.post("/add", packages="other")
    run_due_tasks()
    files = {"handler.ts": 'import { x } from "other";\nexport default async () => x;\n'}
    function = some_function(member(alice, gateway.tenant), gateway, "dev/uses", files=files)
    pages.post("/remove/other")
    run_due_tasks()
    shown = pages.show()
    assert "weren&#x27;t taken, and nothing changed" in shown or "weren't taken, and nothing changed" in shown
    assert "dev/uses handler.ts:1:" in shown
    assert pages.get("/again").status_code == 200
    assert pages.post("/again").status_code == 302
    run_due_tasks()
    assert "dev/uses handler.ts:1:" in pages.show()
    assert pages.post("/discard").status_code == 302
    assert "handler.ts:1:" not in pages.show()
    assert 'data-package="other"' in pages.show()
    function.refresh_from_db()
    assert function.version == 1


def test_who_may_only_look_and_who_may_not(
    gateway: FunctionGateway, bob: User, charlie: User, tidewater: Tenant
) -> None:
    looking = Pages(bob, gateway)
    assert "Add packages" not in looking.show()
    outside = Pages(charlie, gateway)
    manager = Pages(make_member("mia", tidewater, Role.BUSINESS_MANAGER).person, gateway)
    assert (outside.get().status_code, manager.get().status_code) == (404, 403)
    for below in ("/add", "/again", "/discard"):
        assert looking.get(below).status_code == 403
        assert looking.post(below, packages="other").status_code == 403
        assert outside.post(below, packages="other").status_code == 404
    assert not Dependencies.objects.exists()
