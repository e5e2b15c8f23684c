"""The books that `make chaos` balances notice what they're there for."""

from typing import Any

import pytest
from django.db import connection

from apps.core.lifecycle.models import LifecycleEvent
from apps.fleet.services.bundles import put_bundle
from apps.gateways.models import FunctionGateway, GatewayDatabase, RuntimeDomain, Stage
from apps.tenants.models import Tenant
from tests.chaos.books import LEFT, TWICE
from tests.chaos.gateways import Watch
from tests.chaos.room import needed_mb, processes_of, room_for
from tests.gateways.world import make_cluster, make_gateway

pytestmark = pytest.mark.django_db


@pytest.fixture
def gateway(tidewater: Tenant) -> FunctionGateway:
    return make_gateway(tidewater, make_cluster(), "chaos-1")


def rows(query: str) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(query.replace("%", "%%"), [])
        return list(cursor.fetchall())


def tell(gateway: FunctionGateway, *lines: str) -> None:
    for line in lines:
        kind, _, step = line.partition(" ")
        LifecycleEvent.objects.create(machine="gateway", subject_id=gateway.pk, kind=kind, step=step)


def test_a_step_that_was_committed_twice_is_seen(gateway: FunctionGateway) -> None:
    tell(gateway, "wished", "done namespace", "failed stages", "done stages", "moved", "done routes")
    assert rows(TWICE) == []
    tell(gateway, "moved", "done routes")
    assert rows(TWICE) == [], "in another phase it's another step"
    tell(gateway, "waits", "done routes")
    assert [(subject, step, times) for subject, _, step, times in rows(TWICE)] == [(gateway.pk, "routes", 2)]


def test_whatever_is_left_is_seen(gateway: FunctionGateway) -> None:
    # Other tests on the same server may be in the middle of theirs
    before = {*rows(LEFT)}
    tenant = gateway.tenant
    put_bundle(cluster_id=gateway.cluster_id, key=f"gateway/{gateway.pk}/routes", manifests=[])
    Stage.objects.create(tenant=tenant, gateway=gateway, name="dev")
    RuntimeDomain.objects.create(tenant=tenant, gateway=gateway)
    GatewayDatabase.objects.create(tenant=tenant, gateway=gateway, name="gw_db_1", password="secret")
    with connection.cursor() as cursor:
        cursor.execute("CREATE ROLE gw_db_left")
    assert sorted(row for (row,) in {*rows(LEFT)} - before) == [
        f"bundle gateway/{gateway.pk}/routes", "database of chaos-1", "domain of chaos-1", "role gw_db_left",
        "stage of chaos-1",
    ]  # fmt: skip


def test_a_row_that_is_due_and_does_not_move_stalls() -> None:
    watch = Watch()
    watch.look([("chaos-1", "starting", False, True, "1", "")], 0.0)
    watch.look([("chaos-1", "starting", False, True, "1", "")], 5.0)
    assert (watch.longest, watch.name) == (5.0, "chaos-1")
    watch.look(None, 10.0)
    watch.look(None, 18.0)
    watch.look([("chaos-1", "starting", False, True, "1", "")], 20.0)
    assert (watch.longest, watch.away, watch.longest_away) == (10.0, 10.0, 10.0), "a time without a database isn't one"
    watch.look([("chaos-1", "starting", False, False, "1", "")], 40.0)
    watch.look([("chaos-1", "starting", False, True, "2", "")], 41.0)
    watch.look([("chaos-1", "started", True, False, "3", "")], 90.0)
    assert watch.longest == 10.0, "what waits for a moment to come, moves or rests doesn't stall"


def test_no_more_gateways_are_taken_than_there_is_memory_for() -> None:
    assert [processes_of(number) for number in (1, 5, 6, 100)] == [2, 6, 8, 120]
    assert room_for(100, needed_mb(100)) == 100
    assert room_for(100, needed_mb(100) - 1) == 99
    assert room_for(100, needed_mb(3)) == 3
    assert room_for(100, needed_mb(1) - 1) == 0
