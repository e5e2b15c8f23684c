from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.egress.ways import DualStack, Way, elsewhere

MakeWay = Callable[..., Way]


@pytest.fixture
def way(tmp_path: Path) -> Iterator[MakeWay]:
    """Starts a way out that serves one gateway; none stays behind."""
    with ExitStack() as stack:

        def begin(mode: str = "public", hosts: tuple[str, ...] = (), **more: Any) -> Way:
            found = Way(tmp_path, **more)
            stack.callback(found.end)
            found.serve(mode, hosts)
            return found

        yield begin


@pytest.fixture
def server() -> Iterator[DualStack]:
    with elsewhere() as found:
        yield found
