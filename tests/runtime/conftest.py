import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.gateways.world import drop_for_good
from tests.runtime.house import House
from tests.runtime.processes import Process

Start = Callable[..., Process]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts a runtime; none stays behind."""
    with ExitStack() as stack:

        def begin(given: Any = None, **more: Any) -> Process:
            process = Process(tmp_path, given, **more)
            stack.callback(process.kill)
            return process

        yield begin


@pytest.fixture
def runtime(start: Start) -> Process:
    process = start()
    process.until("ready")
    return process


@pytest.fixture(scope="module")
def whole_house(django_db_setup: None, django_db_blocker: Any) -> Iterator[House]:
    """One for each module of tests: making it takes longer than all else."""
    name = f"gw_db_runtime_{secrets.token_hex(4)}"
    with django_db_blocker.unblock():
        house = House(name)
        yield house
        house.end()
        drop_for_good(name)


@pytest.fixture
def house(whole_house: House) -> Iterator[House]:
    yield whole_house
    whole_house.forget()


@pytest.fixture
def inhabited(house: House, start: Start) -> Process:
    """A process that runs what is published in the house."""
    process = start(**house.spec)
    process.until("ready")
    return process
