"""What tests need that start processes: a free port, and the way to their database."""

import contextlib
import random
import socket
from urllib.parse import quote

from django.db import connection

# Below those that systems give to outgoing connections: until a process listens there, nobody is handed it by chance
PORTS = range(20_000, 32_000)
_given: set[int] = set()


def free_port() -> int:
    """Nobody listens there now, and no other caller in this process was told the same."""
    for port in random.SystemRandom().sample(PORTS, k=200):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            if port not in _given:
                _given.add(port)
                return port
    raise AssertionError(f"No port from {PORTS.start} to {PORTS.stop} is free on this machine")


def database_url() -> str:
    """The tests' own database, as another process reaches it."""
    known = connection.settings_dict
    user, password, host = (quote(str(known[key]), safe="") for key in ("USER", "PASSWORD", "HOST"))
    return f"postgres://{user}:{password}@{host}:{known['PORT']}/{known['NAME']}"
