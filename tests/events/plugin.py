"""For tests in Chromium: the process that the pages' event streams come from."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.events.live import LiveProcess


@pytest.fixture(scope="module")
def live_beside_pages(
    live_server: Any, django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LiveProcess]:
    """Ends with its module: it writes itself down in the database, where later tests count what is there."""
    with django_db_blocker.unblock():
        live = LiveProcess(tmp_path_factory.mktemp("live") / "log", PORT=str(urlsplit(live_server.url).port))
    yield live
    live.stop()


@pytest.fixture
def live_port(live_beside_pages: LiveProcess, settings: Any) -> int:
    """Where the pages of this test find their stream."""
    settings.LIVE_PORT = live_beside_pages.port
    return live_beside_pages.port
