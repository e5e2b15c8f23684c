from collections.abc import Iterator

import pytest

from apps.gateways.models import FunctionGateway
from apps.tenants.models import Tenant
from tests.functions.peer import OK, peer
from tests.triggers.world import answers_at, make_serving


@pytest.fixture
def gateway(tidewater: Tenant) -> FunctionGateway:
    return make_serving(tidewater)


@pytest.fixture
def asked(gateway: FunctionGateway) -> Iterator[list[bytes]]:
    """What the gateway was asked; it answers 200."""
    with peer(OK) as (port, asked):
        answers_at(gateway, port)
        yield asked
