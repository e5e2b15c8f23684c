"""One gateway's database for all tests of a module, and lines as a runtime writes them."""

from collections.abc import Iterator

import pytest

from apps.core.ids import new_id
from apps.gateways import databases, store
from apps.gateways.databases import name_of
from tests.gateways.world import drop_for_good
from tests.logs.world import Written


@pytest.fixture(scope="module")
def gateway_id(django_db_setup: None, django_db_blocker: pytest.FixtureRequest) -> Iterator[str]:
    """Of a gateway whose database is there; its row is each test's own."""
    made = new_id("gw")
    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        databases.make_database(name_of(made), "a-password")
        store.prepare(name_of(made), "another-password")
    yield made
    store.pool.close()
    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        drop_for_good(name_of(made))


@pytest.fixture
def written(gateway_id: str) -> Iterator[Written]:
    """Writes lines as the runtimes' role; the log is empty before."""
    log = Written(gateway_id, "another-password")
    log.empty()
    yield log
    log.close()
