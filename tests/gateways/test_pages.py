"""The pages of gateways, as a client sees them."""

from typing import Any, ClassVar

import pytest

from apps.accounts.models import User
from apps.gateways.lifecycle.table import Phase, State
from apps.gateways.models import FunctionGateway
from apps.tenants.models import Tenant
from apps.tenants.roles import Role
from tests.contracts.lists import DetailContract
from tests.gateways.contract import some_gateway
from tests.tenants.pages import as_
from tests.tenants.test_pages_members import OfTidewater
from tests.tenants.world import join, make_tenant

pytestmark = pytest.mark.django_db

GATEWAYS = "/t/tidewater/gateways"
IN_SHEET = {"HX-Request": "true", "HX-Target": "sheet"}
ASKING = {"HX-Request": "true", "HX-Target": "live"}
IN_ROWS = {"HX-Request": "true", "HX-Target": "variables"}


def put_up(gateway: FunctionGateway, **values: object) -> FunctionGateway:
    """As it is once it has come up."""
    wanted = {"phase": Phase.STARTED, "observed_generation": gateway.generation, "due_at": None, **values}
    FunctionGateway.objects.filter(pk=gateway.pk).update(**wanted)
    gateway.refresh_from_db()
    return gateway


@pytest.fixture
def gateway(tidewater: Tenant, alice: User) -> FunctionGateway:
    return put_up(some_gateway(tidewater, alice))


@pytest.fixture
def page(gateway: FunctionGateway) -> str:
    return f"{GATEWAYS}/{gateway.pk}"


class TestGatewaysPage(OfTidewater):
    url = GATEWAYS
    narrowing: ClassVar[dict[str, str]] = {"state": "stopped"}
    nonsense: ClassVar[dict[str, str]] = {"phase": "lost"}

    def make(self, alice: User, bob: User, count: int) -> list[Any]:
        tenant = self.workspace(alice, bob)
        states = [State.STOPPED, State.RUNNING]
        return [some_gateway(tenant, alice, state=states[number % 2]) for number in range(count)]


class TestGatewayPage(DetailContract):
    def make(self, alice: User, bob: User) -> FunctionGateway:
        tenant = make_tenant("Tidewater")
        join(alice, tenant, Role.OWNER)
        join(bob, tenant, Role.VIEWER)
        as_(alice).get("/t/tidewater/members")
        return put_up(some_gateway(tenant, alice))

    def url(self, row: Any) -> str:
        return f"{GATEWAYS}/{row.pk}"
