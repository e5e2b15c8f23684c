from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from apps.accounts.models import User
from apps.gateways import store
from apps.tenants.member import Member
from apps.tenants.models import Tenant
from tests.functions.world import Place, Start
from tests.gateways.world import drop_for_good
from tests.runtime.processes import Process
from tests.tenants.world import member


@pytest.fixture
def owner(alice: User, tidewater: Tenant) -> Member:
    return member(alice, tidewater)


@pytest.fixture
def place(tidewater: Tenant) -> Iterator[Place]:
    found = Place(tidewater)
    yield found
    store.pool.close()
    drop_for_good(found.name)


@pytest.fixture
def start(place: Place, tmp_path: Path) -> Iterator[Start]:
    """A process of its runtime, ready."""
    with ExitStack() as stack:

        def begin(name: str = "main", **more: Any) -> Process:
            folder = tmp_path / name
            folder.mkdir()
            process = Process(folder, process=name, **{**place.spec, **more})
            stack.callback(process.kill)
            process.until("ready")
            return process

        yield begin
