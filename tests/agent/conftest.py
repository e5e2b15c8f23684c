from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.agent.place import Place


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """Whatever a test does, afterwards nothing may be left: no task, no process, nothing that nobody caught."""
    found = Place(tmp_path)
    yield found
    found.stop()
