import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from apps.gateways.models import FunctionGateway
from apps.tenants.models import Tenant
from tests.documents.world import make_keeping, route_to
from tests.gateways.world import drop_for_good
from tests.runtime.house import House
from tests.runtime.processes import Process


@pytest.fixture(scope="module")
def house(django_db_setup: None, django_db_blocker: Any) -> Iterator[House]:
    name = f"gw_db_documents_{secrets.token_hex(4)}"
    with django_db_blocker.unblock():
        made = House(name)
        yield made
        made.end()
        drop_for_good(name)


@pytest.fixture(scope="module")
def port(house: House, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    folder: Path = tmp_path_factory.mktemp("rt")
    process = Process(folder, **house.spec)
    try:
        process.until("ready")
        with route_to(process) as port:
            yield port
    finally:
        process.kill()


@pytest.fixture
def gateway(tidewater: Tenant, house: House, port: int) -> Iterator[FunctionGateway]:
    yield make_keeping(tidewater, house, port)
    empty(house)


def empty(house: House) -> None:
    for (name,) in house.ask_data("SELECT tablename FROM pg_tables WHERE schemaname = 'data'"):
        house.ask_data(f'DROP TABLE data."{name}"')
