from collections.abc import Iterator

import pytest

from apps.accounts.models import User
from apps.functions.dependencies.refusing import Refused
from apps.functions.dependencies.resolving import resolve
from apps.gateways.models import FunctionGateway
from apps.tenants.member import Member
from apps.tenants.models import Tenant
from tests.dependencies.registry import Registry
from tests.gateways.contract import some_gateway
from tests.tenants.world import member


@pytest.fixture
def owner(alice: User, tidewater: Tenant) -> Member:
    return member(alice, tidewater)


@pytest.fixture
def gateway(owner: Member) -> FunctionGateway:
    return some_gateway(owner.tenant, owner.person)


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> Iterator[Registry]:
    made = Registry()
    monkeypatch.setenv("NPM_CONFIG_REGISTRY", made.url)
    yield made
    made.stop()


@pytest.fixture(scope="session")
def real_registry() -> None:
    """The one that this machine's environment names."""
    try:
        resolve({"is-number": "7.0.0"})
    except Refused as refused:
        pytest.fail(f"No npm package can be fetched on this machine, so nothing is known of real ones: {refused}")
