from collections.abc import Iterator

import pytest

from apps.gateways import databases
from tests.gateways.world import drop_for_good


@pytest.fixture(autouse=True)
def _no_database_left(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What a test's gateways made on the server goes with the test: a rollback or a flush doesn't reach it."""
    made: list[str] = []
    make = databases.make_database

    def remember(name: str, password: str) -> None:
        made.append(name)
        make(name, password)

    monkeypatch.setattr(databases, "make_database", remember)
    # Where waits are cut short, a DROP that takes long would come round again and again
    monkeypatch.setattr(databases, "DROP_WAITED_FOR", 120.0)
    yield
    for name in made:
        drop_for_good(name)
