"""A change of packages beside what people do to the same gateway, each with a connection of its own."""

import threading
from collections.abc import Mapping

import pytest
from django.db import connections, transaction

from apps.accounts.models import User
from apps.functions.dependencies import applying
from apps.functions.dependencies.applying import apply
from apps.functions.dependencies.resolving import resolve
from apps.functions.dependencies.services import discard_change, set_dependencies
from apps.functions.models import Dependencies, Function, FunctionVersion, Lock
from apps.functions.services import create_function, save_function
from apps.gateways.services.wishing import lock_gateway
from apps.tenants.models import Tenant
from tests.at_once import at_once, is_anybody_waiting
from tests.dependencies.registry import Registry
from tests.functions.contract import some_function
from tests.gateways.contract import some_gateway
from tests.queue.cluster import wait_until
from tests.tenants.world import member

pytestmark = pytest.mark.django_db(transaction=True)
ESM = {"type": "module", "exports": "./index.js"}


def test_who_discards_a_change_while_it_is_applied_waits_for_nobody_who_waits_for_them(
    alice: User, tidewater: Tenant, registry: Registry
) -> None:
    registry.add("greet", {"index.js": "export const said = 'hello'"}, type="module", exports="./index.js")
    owner, ended = member(alice, tidewater), list[object]()
    gateway = some_gateway(tidewater, alice)
    row = set_dependencies(actor=owner, gateway=gateway, wanted={"greet": "1"})
    resolved = resolve({"greet": "1"})

    def work() -> None:
        try:
            ended.append(apply(Dependencies.objects.get(pk=row.pk), row.attempt, resolved))
        except Exception as error:
            ended.append(error)
        finally:
            connections.close_all()

    applying = threading.Thread(target=work)
    with transaction.atomic():
        lock_gateway(owner, gateway, "dependencies.change")
        applying.start()
        wait_until(is_anybody_waiting, what="it waits for the gateway")
        discard_change(actor=owner, gateway=gateway)
    applying.join(60)
    assert ended == [None]
    row.refresh_from_db()
    assert (row.state, row.lock_id, Lock.objects.count()) == (Dependencies.State.READY, None, 0)


def test_what_is_saved_while_packages_change_is_built_with_those_that_come(
    alice: User, tidewater: Tenant, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It took none before, so whoever changes them didn't look at it."""
    for version in ("1.0.0", "2.0.0"):
        registry.add("greet", {"index.js": f"export const said = '{version}'"}, version=version, **ESM)
    owner = member(alice, tidewater)
    gateway = some_gateway(tidewater, alice)
    row = set_dependencies(actor=owner, gateway=gateway, wanted={"greet": "1"})
    apply(row, row.attempt, resolve({"greet": "1"}))
    function = some_function(owner, gateway)
    row = set_dependencies(actor=owner, gateway=gateway, wanted={"greet": "2"})
    resolved, ended = resolve({"greet": "2"}), list[object]()
    files = {"index.ts": 'import { said } from "greet";\nexport default async () => said;\n'}
    acts = (
        lambda: save_function(actor=owner, function=function, files=files, base_version=1),
        lambda: create_function(actor=owner, gateway=gateway, name="dev/other", files=files),
    )
    beside = threading.Thread(target=lambda: ended.extend(at_once(*acts)))
    note_of = applying.note_of

    def meanwhile(*packages: Mapping[str, str]) -> str:
        """Nothing of the change is committed yet, and all that is there was looked at."""
        beside.start()
        wait_until(lambda: is_anybody_waiting(2), what="both to wait for it")
        return note_of(*packages)

    monkeypatch.setattr(applying, "note_of", meanwhile)
    apply(Dependencies.objects.get(pk=row.pk), row.attempt, resolved)
    beside.join(60)
    assert [type(each) for each in ended] == [Function, Function]
    built_with = FunctionVersion.objects.values_list("artifact__vendor", "dependencies").order_by("artifact__vendor")
    assert list(built_with) == [("", {"greet": "1.0.0"}), *[(resolved.digest, {"greet": "2.0.0"})] * 2]
