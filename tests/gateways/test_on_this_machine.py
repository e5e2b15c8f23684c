"""A gateway on the built-in engine: the real agent, Envoy and Deno, and the real server in between."""

import http.client
import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from apps.core import clock
from apps.core.lifecycle import kernel, wake
from apps.core.lifecycle.machine import all_machines
from apps.fleet.models import Agent, Bundle, Cluster
from apps.gateways.lifecycle.machines import GATEWAY
from apps.gateways.lifecycle.table import Phase, State
from apps.gateways.models import FunctionGateway
from apps.tenants.models import Tenant
from tests.fleet.processes import RunningAgent, Server, new_token, wait_until
from tests.gateways.world import make_cluster, make_gateway

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def cluster() -> Cluster:
    return make_cluster()


@pytest.fixture
def server(cluster: Cluster, tmp_path: Path) -> Iterator[Server]:
    server = Server(tmp_path)
    yield server
    server.stop()


@pytest.fixture
def agent(cluster: Cluster, server: Server, tmp_path: Path) -> Iterator[RunningAgent]:
    token = new_token(cluster)
    agent = RunningAgent(tmp_path / "agent", server.port, token=token)
    wait_until(lambda: Agent.objects.filter(leads=True).exists(), what="the agent", log=agent.log)
    yield agent
    agent.stop()


def work() -> None:
    """As a worker would: whatever is due."""
    for machine in all_machines():
        for pk in machine.model._base_manager.filter(due_at__lte=clock.now()).values_list("pk", flat=True):
            kernel.advance(machine, pk)


def reach(gateway: FunctionGateway, phase: Phase, agent: RunningAgent) -> None:
    def there() -> bool:
        work()
        gateway.refresh_from_db()
        return gateway.phase == phase

    wait_until(there, within=40, what=f"{phase}: {gateway.because} {gateway.because_of}", log=agent.log)


def call(agent: RunningAgent, host: str, path: str = "/") -> tuple[int, Any]:
    with closing(http.client.HTTPConnection("127.0.0.1", agent.port, timeout=5)) as connection:
        connection.request("GET", path, headers={"Host": host})
        response = connection.getresponse()
        return response.status, json.loads(response.read())


def test_it_answers_by_its_name_until_it_is_stopped(tidewater: Tenant, cluster: Cluster, agent: RunningAgent) -> None:
    gateway = make_gateway(tidewater, cluster)
    reach(gateway, Phase.STARTED, agent)
    status, problem = call(agent, "parcel-tracking.dev.localhost", "/user/me")
    assert (status, problem["gateway"], problem["stage"]) == (404, "parcel-tracking", "dev")
    assert problem["type"] == f"{settings.PUBLIC_URL}/errors/no-such-function"

    FunctionGateway.objects.filter(pk=gateway.pk).update(state=State.STOPPED)
    wake(GATEWAY, gateway.pk)
    reach(gateway, Phase.STOPPED, agent)
    assert call(agent, "parcel-tracking.dev.localhost")[1]["type"] == f"{settings.PUBLIC_URL}/errors/no-such-host"

    FunctionGateway.objects.filter(pk=gateway.pk).update(state=State.DELETED)
    wake(GATEWAY, gateway.pk)
    reach(gateway, Phase.DELETED, agent)
    assert not Bundle.objects.exists()
