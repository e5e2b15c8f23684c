from collections.abc import Iterator

import pytest

from tests.faults.product import Product, scratch_state


@pytest.fixture(scope="module")
def product() -> Iterator[Product]:
    """The whole product, with the app of tests/chaos, running in a folder of its own; stopped and looked after."""
    with scratch_state() as state:
        product = Product(state, settings="tests.chaos.settings")
        product.start()
        try:
            product.wait_started()
            product.wait_until_healthy()
            yield product
        finally:
            product.end()


@pytest.fixture(autouse=True)
def healthy(product: Product) -> None:
    """Whatever the test before did, each begins with everything well."""
    product.wait_until_healthy()
