"""Gateways that can be called without a cluster behind them: a socket of the test's own stands where Envoy would."""

from datetime import datetime, timedelta
from typing import Any

from apps.core import clock
from apps.fleet.models import Cluster
from apps.functions.models import Function
from apps.gateways.lifecycle.table import Phase, State
from apps.gateways.models import FunctionGateway, GatewayDatabase, RuntimeDomain, Stage
from apps.gateways.sizes import StageName
from apps.tenants.models import Tenant
from apps.triggers.models import Trigger, TriggerRun
from apps.triggers.selectors import schedule_of
from tests.gateways.world import make_cluster, make_gateway

KEY = "YS1rZXktb2YtdGhpcy10ZXN0"


def make_serving(
    tenant: Tenant, cluster: Cluster | None = None, name: str = "parcel-tracking", **values: Any
) -> FunctionGateway:
    """With its stages, routes and keys, as one is that has come up."""
    cluster = cluster or Cluster.objects.filter(name="local").first() or make_cluster()
    gateway = make_gateway(tenant, cluster, name, phase=Phase.STARTED, observed_generation=1, **values)
    for stage in StageName:
        Stage.objects.create(tenant=tenant, gateway=gateway, name=stage)
    RuntimeDomain.objects.create(
        tenant=tenant, gateway=gateway, state=State.RUNNING, phase=Phase.STARTED, observed_generation=1
    )
    GatewayDatabase.objects.create(
        tenant=tenant, gateway=gateway, name=gateway.pk.replace("_", "_db_", 1), password="-", run_key=KEY
    )
    return gateway


def answers_at(gateway: FunctionGateway, port: int) -> None:
    Cluster.objects.filter(pk=gateway.cluster_id).update(facts={"gateway_port": str(port)})


def make_function(gateway: FunctionGateway, base_name: str = "sweep", **values: Any) -> Function:
    values = {"stage": "dev", **values}
    made: Function = Function.objects.create(tenant=gateway.tenant, gateway=gateway, base_name=base_name, **values)
    return made


def make_trigger(gateway: FunctionGateway, expression: str = "* * * * *", **values: Any) -> Trigger:
    """Of a function that is there; due by its schedule."""
    values = {"stage": "dev", "base_name": "sweep", "path": "/sweep", **values}
    trigger = Trigger(tenant=gateway.tenant, gateway=gateway, expression=expression, **values)
    if "next_at" not in values and trigger.is_enabled:
        trigger.next_at = schedule_of(trigger).next_after(clock.now())
    trigger.save(force_insert=True)
    return trigger


def make_run(trigger: Trigger, due_at: datetime | None = None, **values: Any) -> TriggerRun:
    due_at = due_at or clock.now()
    values = {"tenant": trigger.tenant, "gateway": trigger.gateway, "due_at": due_at, "not_before": due_at, **values}
    made: TriggerRun = TriggerRun.objects.create(trigger=trigger, **values)
    return made


def due(trigger: Trigger, ago: timedelta = timedelta(seconds=1)) -> datetime:
    """Its due time has come, so long ago."""
    at = (clock.now() - ago).replace(microsecond=0)
    Trigger.objects.filter(pk=trigger.pk).update(next_at=at)
    return at


def outcomes(trigger: Trigger) -> list[str]:
    """By due time."""
    return list(trigger.runs.order_by("due_at", "id").values_list("outcome", flat=True))
