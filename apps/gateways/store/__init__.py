"""What the platform keeps in gateways' own databases, for their runtimes to read and to answer."""

from apps.gateways.store.connecting import Connection, connect, parameters_of, pool
from apps.gateways.store.preparing import prepare
from apps.gateways.store.problems import Away

__all__ = [
    "Away",
    "Connection",
    "connect",
    "parameters_of",
    "pool",
    "prepare",
]
