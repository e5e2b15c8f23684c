"""Gateways by their API alone: a real worker, agents' server, agent, Envoy and Deno bring about what it takes."""

import http.client
import json
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.conf import settings

from apps.accounts.models import User
from apps.core.processes.models import ProcessHeartbeat
from apps.fleet.models import Agent, Bundle, Cluster
from apps.tenants.models import Tenant
from tests.fleet.processes import Running, RunningAgent, Server, new_token, wait_until
from tests.gateways.world import databases_there, make_cluster
from tests.machine import database_url
from tests.people import Api

pytestmark = pytest.mark.django_db(transaction=True)
URL = "/v1/api-gateways"


@pytest.fixture
def cluster() -> Cluster:
    return make_cluster()


@pytest.fixture
def machine(cluster: Cluster, tmp_path: Path) -> Iterator[RunningAgent]:
    """Everything that runs beside the web process."""
    server = Server(tmp_path)
    worker = Running(
        [sys.executable, "manage.py", "worker"],
        tmp_path / "worker.log",
        DJANGO_SETTINGS_MODULE="portal.settings.test",
        DATABASE_URL=database_url(),
    )
    agent = RunningAgent(tmp_path / "agent", server.port, token=new_token(cluster))
    try:
        wait_until(lambda: Agent.objects.filter(leads=True).exists(), within=60, what="the agent", log=agent.log)
        alive = ProcessHeartbeat.objects.filter(kind="worker")
        wait_until(alive.exists, within=60, what="the worker", log=worker.log)
        yield agent
    finally:
        for each in (worker, agent, server):
            each.stop()


def reach(api: Api, path: str, phase: str, agent: RunningAgent) -> dict[str, Any]:
    shown: dict[str, Any] = {}

    def there() -> bool:
        shown.update(api.get(path).json())
        return bool(shown.get("phase") == phase and shown["next_try_at"] is None)

    wait_until(there, within=60, what=f"{phase}, not {shown}", log=agent.log)
    return shown


def call(address: str) -> tuple[int, dict[str, Any]]:
    """As a browser does: names below localhost are this machine."""
    url = urlsplit(address)
    with closing(http.client.HTTPConnection("127.0.0.1", url.port, timeout=5)) as connection:
        connection.request("GET", "/user/me", headers={"Host": url.netloc})
        response = connection.getresponse()
        return response.status, json.loads(response.read())


def test_created_changed_stopped_and_deleted_by_a_program(
    alice: User, tidewater: Tenant, cluster: Cluster, machine: RunningAgent
) -> None:
    api = Api(alice)
    before = databases_there()
    answer = api.post(URL, {"name": "labels", "cluster": "local", "variables": [{"name": "ZONE", "value": "KR"}]})
    assert answer.status_code == 201, answer.content
    path = answer["Location"]
    gateway = reach(api, path, "started", machine)
    addresses = {stage["name"]: stage["addresses"][0] for stage in gateway["stages"]}
    for stage, address in addresses.items():
        status, problem = call(address)
        assert (status, problem["gateway"], problem["stage"]) == (404, "labels", stage)
    assert len(databases_there() - before) == 1

    etag = api.get(path)["ETag"]
    off = {"state": "inactive", "reason": "Load test until noon."}
    assert api.patch(f"{path}/stages/staging", off, if_match=etag).status_code == 200
    wait_until(lambda: call(addresses["staging"])[0] == 503, within=30, what="the reason", log=machine.log)
    assert call(addresses["staging"])[1]["detail"] == "Load test until noon."
    assert call(addresses["dev"])[0] == 404

    for change in ({"layout": "per-stage"}, {"size": "standard", "layout": "shared"}):
        assert api.patch(path, change, if_match="*").status_code == 200
        reach(api, path, "started", machine)
        assert call(addresses["prod"])[0] == 404
    body = {"variables": [{"name": "PIN", "value": "1234", "is_secret": True}]}
    assert api.patch(f"{path}/variables", body, if_match="*").status_code == 200
    gateway = reach(api, path, "started", machine)
    assert gateway["observed_generation"] == gateway["generation"]

    assert api.post(f"{path}/stop").json()["state"] == "stopped"
    reach(api, path, "stopped", machine)
    assert call(addresses["dev"])[1]["type"] == f"{settings.PUBLIC_URL}/errors/no-such-host"
    assert api.post(f"{path}/start").status_code == 200
    reach(api, path, "started", machine)
    assert call(addresses["dev"])[0] == 404

    assert api.delete(path, if_match="*").status_code == 204
    wait_until(lambda: api.get(path).status_code == 404, within=60, what="its end", log=machine.log)
    assert databases_there() == before
    assert not Bundle.objects.exists()


def test_deleted_while_it_is_created(alice: User, tidewater: Tenant, machine: RunningAgent) -> None:
    api = Api(alice)
    before = databases_there()
    path = api.post(URL, {"name": "labels", "cluster": "local"})["Location"]
    assert api.delete(path, if_match="*").status_code == 204
    wait_until(lambda: api.get(path).status_code == 404, within=60, what="its end", log=machine.log)
    assert databases_there() == before
    assert not Bundle.objects.exists()
