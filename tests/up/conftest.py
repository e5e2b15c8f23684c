from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.faults.product import Product, scratch_state

Scenario = Callable[..., Product]


@pytest.fixture
def state() -> Iterator[Path]:
    with scratch_state() as folder:
        yield folder


@pytest.fixture
def scenario(state: Path) -> Iterator[Scenario]:
    """Makes a run of small parts; `parts.py` says which there are. Whatever a test leaves is ended."""
    with ExitStack() as stack:

        def make(name: str, **environment: str) -> Product:
            product = Product(state, settings="tests.up.settings", IMP_TEST_SCENARIO=name, **environment)
            stack.callback(product.end)
            return product

        yield make
