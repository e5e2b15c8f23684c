"""A call to a custom domain: the real agent, Envoy and Deno behind it, and a real name server that proves it."""

from collections.abc import Iterator

import pytest

from apps.accounts.models import User
from apps.core import clock
from apps.fleet.models import Cluster
from apps.gateways.lifecycle.table import Phase
from apps.gateways.models import CustomDomain, RuntimeDomain
from apps.gateways.services import remove_domain, set_domain, stop_gateway
from apps.tenants.models import Tenant
from tests.fleet.processes import RunningAgent, wait_until
from tests.gateways import test_on_this_machine
from tests.gateways.nameserver import NameServer, running_name_server
from tests.gateways.test_on_this_machine import call, reach, work
from tests.gateways.world import make_gateway
from tests.tenants.world import member

pytestmark = pytest.mark.django_db(transaction=True)

HOST = "api.example.test"
agent, cluster, server = test_on_this_machine.agent, test_on_this_machine.cluster, test_on_this_machine.server


@pytest.fixture
def names() -> Iterator[NameServer]:
    with running_name_server() as names:
        yield names


def until_routed(agent: RunningAgent) -> None:
    """What is wanted of the routes is there."""

    def there() -> bool:
        work()
        domain = RuntimeDomain.objects.get()
        return domain.phase == Phase.STARTED and not domain.is_changed

    wait_until(there, within=40, what="the routes", log=agent.log)


def assert_unknown(agent: RunningAgent) -> None:
    status, problem = call(agent, HOST, "/user/me")
    assert (status, problem["type"].rpartition("/")[2]) == (404, "no-such-host")


def test_a_call_reaches_its_stage_once_the_domain_is_proven_and_until_it_is_removed(
    alice: User, tidewater: Tenant, cluster: Cluster, agent: RunningAgent, names: NameServer
) -> None:
    actor = member(alice, tidewater)
    gateway = make_gateway(tidewater, cluster, owner=alice)
    reach(gateway, Phase.STARTED, agent)
    set_domain(actor=actor, gateway=gateway, stage="staging", host=HOST)
    work()
    domain = CustomDomain.objects.get()
    assert (domain.phase, bool(domain.checked_at)) == (CustomDomain.Phase.WAITING, True)
    until_routed(agent)
    assert_unknown(agent)

    names.prove(HOST, domain.token)
    CustomDomain.objects.update(due_at=clock.now())
    until_routed(agent)
    status, problem = call(agent, HOST, "/user/me")
    assert (status, problem["gateway"], problem["stage"]) == (404, "parcel-tracking", "staging")
    # Its port, as browsers send it, is no part of the name
    assert call(agent, f"{HOST}:{agent.port}", "/user/me")[1]["stage"] == "staging"
    assert call(agent, "parcel-tracking.staging.localhost", "/user/me")[1]["stage"] == "staging"

    stop_gateway(actor=actor, gateway=gateway)
    reach(gateway, Phase.STOPPED, agent)
    assert_unknown(agent)
    gateway.state = "running"
    gateway.save(update_fields=["state"])
    type(gateway).objects.update(due_at=clock.now())
    reach(gateway, Phase.STARTED, agent)
    assert call(agent, HOST)[1]["stage"] == "staging"

    remove_domain(actor=actor, gateway=gateway, stage="staging")
    until_routed(agent)
    assert_unknown(agent)
    assert call(agent, "parcel-tracking.staging.localhost", "/user/me")[1]["stage"] == "staging"
