"""Django's PostgreSQL backend; what it does for every request and every row is done cheaper.

It looks at a connection before each request without asking the server. A server that ends a connection says so on the
socket, so one with nothing to read is as good as it was a moment ago; anything to read, an error before, or a long rest
(in which a firewall may have forgotten it) asks the server.

It reads times as psycopg does by itself, in C, where the connection is in UTC. Django does it in Python, for the sake
of other zones; one page of a list holds dozens of them.
"""

import select
import time
from datetime import UTC
from functools import cache
from typing import Any

from django.db.backends.postgresql import base
from django.utils.asyncio import async_unsafe
from psycopg import adapters
from psycopg.adapt import AdaptersMap
from psycopg.pq import Format

LONGEST_REST = 30.0


@cache
def _reading_utc(of_django: AdaptersMap) -> AdaptersMap:
    found = AdaptersMap(of_django)
    loader = adapters.get_loader(base.TIMESTAMPTZ_OID, Format.TEXT)
    assert loader is not None
    found.register_loader(base.TIMESTAMPTZ_OID, loader)
    return found


class DatabaseWrapper(base.DatabaseWrapper):
    _seen_at = float("-inf")

    def get_connection_params(self) -> dict[str, Any]:
        parameters: dict[str, Any] = super().get_connection_params()
        if self.timezone == UTC:
            parameters["context"] = _reading_utc(parameters["context"])
        return parameters

    @async_unsafe
    def create_cursor(self, name: str | None = None) -> Any:
        # Django's compares the zone of its own loader, which isn't there
        if self.timezone != UTC:
            return super().create_cursor(name)
        if name is None:
            return self.connection.cursor()
        return self.connection.cursor(name, scrollable=False, withhold=self.connection.autocommit)

    def is_usable(self) -> bool:
        now = time.monotonic()
        rested, self._seen_at = now - self._seen_at, now
        if rested < LONGEST_REST and not self.errors_occurred and self._is_quiet():
            return True
        return bool(super().is_usable())

    def init_connection_state(self) -> None:
        super().init_connection_state()
        self._seen_at = time.monotonic()

    def _is_quiet(self) -> bool:
        """Open, and nothing has come from the server since its last answer."""
        if self.connection is None or self.connection.closed:
            return False
        # not select(), which refuses descriptors above 1023
        waiting = select.poll()
        waiting.register(self.connection.fileno(), select.POLLIN)
        return not waiting.poll(0)
