from collections.abc import Iterator

import pytest

from apps.gateways import databases


@pytest.fixture(autouse=True)
def _no_database_left(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What a test's gateways made on the server goes with the test: a rollback or a flush doesn't reach it."""
    made: list[str] = []
    make = databases.make_database

    def remember(name: str, password: str) -> None:
        made.append(name)
        make(name, password)

    monkeypatch.setattr(databases, "make_database", remember)
    yield
    for name in made:
        databases.drop_database(name)
