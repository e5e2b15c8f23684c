"""What every service of gateways promises: who may, the wall around the workspace, and what is written down."""

from itertools import count
from typing import ClassVar

from apps.accounts.models import User
from apps.fleet.models import Cluster
from apps.gateways.lifecycle.table import State
from apps.gateways.models import CustomDomain, FunctionGateway, RuntimeDomain, Stage, Variable
from apps.gateways.sizes import StageName
from apps.tenants.models import Tenant
from tests.gateways.world import make_cluster, make_gateway
from tests.tenants.contract import WorkspaceServiceContract

_numbers = count(1)


def some_cluster() -> Cluster:
    return Cluster.objects.filter(name="local").first() or make_cluster()


def some_gateway(tenant: Tenant, owner: User | None = None, name: str = "", **values: object) -> FunctionGateway:
    """As it is when it has been created, and nobody looks at it."""
    gateway = make_gateway(tenant, some_cluster(), name or f"gateway-{next(_numbers)}", owner=owner, **values)
    for name in StageName:
        Stage.objects.create(tenant=tenant, gateway=gateway, name=name)
    RuntimeDomain.objects.create(tenant=tenant, gateway=gateway)
    return gateway


def add_domain(gateway: FunctionGateway, host: str, *, stage: str = "prod", **values: object) -> CustomDomain:
    """As a row alone, at rest."""
    wanted = {
        "tenant_id": gateway.tenant_id,
        "gateway": gateway,
        "stage": gateway.stages.get(name=stage),
        "cluster_id": gateway.cluster_id,
        "host": host,
        "token": f"imp-of-{gateway.name}",
        "due_at": None,
    }
    return CustomDomain.objects.create(**{**wanted, **values})


class GatewayServiceContract(WorkspaceServiceContract):
    """Operators mend gateways by other services; what is wanted of one is its workspace's to say."""

    watched = (FunctionGateway, Stage, Variable)
    state: ClassVar[str] = State.RUNNING

    def make(self, alice: User, bob: User) -> FunctionGateway:
        return some_gateway(self.tidewater, alice, state=self.state)
