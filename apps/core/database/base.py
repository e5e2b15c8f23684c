"""Django's PostgreSQL backend, which looks at a connection before each request without asking the server.

When a server ends a connection it says so on the socket. So one with nothing to read is as good as it was a moment
ago; anything to read, an error before, or a long rest (in which a firewall may have forgotten it) asks the server.
"""

import select
import time

from django.db.backends.postgresql import base

LONGEST_REST = 30.0


class DatabaseWrapper(base.DatabaseWrapper):
    _seen_at = float("-inf")

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
