from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

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
