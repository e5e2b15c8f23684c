from collections.abc import Iterator

import pytest

from apps.functions.dependencies.refusing import Refused
from apps.functions.dependencies.resolving import resolve
from tests.dependencies.registry import Registry


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> Iterator[Registry]:
    made = Registry()
    monkeypatch.setenv("NPM_CONFIG_REGISTRY", made.url)
    yield made
    made.stop()


@pytest.fixture(scope="session")
def real_registry() -> None:
    """The one that this machine's environment names."""
    try:
        resolve({"is-number": "7.0.0"})
    except Refused as refused:
        pytest.fail(f"No npm package can be fetched on this machine, so nothing is known of real ones: {refused}")
