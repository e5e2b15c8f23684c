"""A change of packages beside what people do to the same gateway, each with a connection of its own."""

import threading

import pytest
from django.db import connections, transaction

from apps.accounts.models import User
from apps.functions.dependencies.applying import apply
from apps.functions.dependencies.resolving import resolve
from apps.functions.dependencies.services import discard_change, set_dependencies
from apps.functions.models import Dependencies, Lock
from apps.gateways.services.wishing import lock_gateway
from apps.tenants.models import Tenant
from tests.at_once import is_anybody_waiting
from tests.dependencies.registry import Registry
from tests.gateways.contract import some_gateway
from tests.queue.cluster import wait_until
from tests.tenants.world import member

pytestmark = pytest.mark.django_db(transaction=True)


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
