from collections.abc import Iterator

import pytest

from apps.accounts.models import User
from apps.gateways.models import FunctionGateway
from apps.tenants.member import Member
from apps.tenants.models import Tenant
from tests.gateways.contract import some_cluster
from tests.gateways.custom_domains.world import up
from tests.gateways.nameserver import NameServer, running_name_server
from tests.gateways.world import ObedientCluster
from tests.tenants.world import member


@pytest.fixture
def server() -> Iterator[NameServer]:
    with running_name_server() as server:
        yield server


@pytest.fixture
def owner(alice: User, tidewater: Tenant) -> Member:
    return member(alice, tidewater)


@pytest.fixture
def cluster() -> ObedientCluster:
    some_cluster()
    return ObedientCluster()


@pytest.fixture
def gateway(owner: Member, cluster: ObedientCluster) -> FunctionGateway:
    """It serves."""
    return up(owner, cluster, "labels")
