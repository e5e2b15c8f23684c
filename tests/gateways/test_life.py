"""A gateway comes from what it is to what is wanted of it."""

import pytest

from apps.core.lifecycle import wake
from apps.core.lifecycle.models import LifecycleEvent
from apps.fleet.models import Bundle
from apps.gateways.lifecycle.machines import GATEWAY
from apps.gateways.lifecycle.table import Phase, State
from apps.gateways.models import FunctionGateway
from apps.tenants.models import Tenant
from tests.gateways.world import ObedientCluster, converge, databases_there, make_cluster, make_gateway


def want(gateway: FunctionGateway, state: State) -> None:
    FunctionGateway.objects.filter(pk=gateway.pk).update(state=state)
    wake(GATEWAY, gateway.pk)


@pytest.mark.django_db(transaction=True)
def test_created_stopped_started_and_deleted(tidewater: Tenant) -> None:
    cluster = ObedientCluster()
    gateway = make_gateway(tidewater, make_cluster())
    converge(cluster)
    gateway.refresh_from_db()
    assert (gateway.phase, gateway.observed_generation) == (Phase.STARTED, 1)
    assert cluster.log == ["apply namespace", "apply configuration", "apply runtime", "apply routes"]
    assert len(databases_there()) == 1
    lines = LifecycleEvent.objects.filter(subject_id=gateway.pk, kind="done").order_by("id")
    steps = "namespace stages database functions configuration runtime routes"
    assert [line.step for line in lines] == steps.split()

    want(gateway, State.STOPPED)
    converge(cluster)
    gateway.refresh_from_db()
    assert gateway.phase == Phase.STOPPED
    assert cluster.log[4:] == ["remove routes", "remove runtime"]

    want(gateway, State.RUNNING)
    converge(cluster)
    gateway.refresh_from_db()
    assert gateway.phase == Phase.STARTED

    want(gateway, State.DELETED)
    converge(cluster)
    gateway.refresh_from_db()
    assert gateway.phase == Phase.DELETED
    assert cluster.log[-4:] == ["remove routes", "remove runtime", "remove configuration", "remove namespace"]
    assert not databases_there()
    assert not Bundle.objects.exists()
