"""What Envoy is to have, by type and name, and what it has said to it."""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from envoy.config.cluster.v3.cluster_pb2 import Cluster
from envoy.config.endpoint.v3.endpoint_pb2 import ClusterLoadAssignment
from envoy.config.listener.v3.listener_pb2 import Listener
from envoy.config.route.v3.route_pb2 import RouteConfiguration
from envoy.config.route.v3.scoped_route_pb2 import ScopedRouteConfiguration

# Imported for what listeners name by its type: without them protobuf can't read their JSON
from envoy.extensions.access_loggers.file.v3 import file_pb2  # noqa: F401
from envoy.extensions.filters.http.lua.v3 import lua_pb2  # noqa: F401
from envoy.extensions.filters.http.router.v3 import router_pb2  # noqa: F401
from envoy.extensions.filters.network.http_connection_manager.v3 import http_connection_manager_pb2  # noqa: F401
from envoy.extensions.http.early_header_mutation.header_mutation.v3 import header_mutation_pb2  # noqa: F401
from envoy.extensions.upstreams.http.v3 import http_protocol_options_pb2  # noqa: F401
from google.protobuf import json_format

from agent.engine.patience import News

PREFIX = "type.googleapis.com/"


def _url(message: Any) -> str:
    return f"{PREFIX}{message.DESCRIPTOR.full_name}"


CLUSTER, ENDPOINTS, LISTENER = _url(Cluster), _url(ClusterLoadAssignment), _url(Listener)
ROUTES, SCOPE = _url(RouteConfiguration), _url(ScopedRouteConfiguration)
MESSAGES: dict[str, Any] = {
    CLUSTER: Cluster,
    ENDPOINTS: ClusterLoadAssignment,
    LISTENER: Listener,
    ROUTES: RouteConfiguration,
    SCOPE: ScopedRouteConfiguration,
}
Key = tuple[str, str]


class Refused(Exception):
    """It can't be what it says; in Envoy's words, or in those of the reader of its JSON."""


@dataclass(frozen=True, slots=True)
class Resource:
    version: str
    value: bytes


@dataclass(frozen=True, slots=True)
class Refusal:
    version: str
    reason: str
    # The Envoy that said so
    node: str


@dataclass
class Reader:
    """What one Envoy has said since it came, or came again."""

    acked: dict[Key, str] = field(default_factory=dict)
    # Taken away, and it hasn't said yet that it has let go
    leaving: set[Key] = field(default_factory=set)


class Resources:
    """Changed in the loop's thread alone. Listeners are called with the type whose resources are others now."""

    def __init__(self) -> None:
        self._wanted: dict[str, dict[str, Resource]] = {url: {} for url in MESSAGES}
        # Each Envoy that may take calls: while one takes over from another, there are two
        self._readers: dict[str, Reader] = {}
        self._refused: dict[Key, Refusal] = {}
        # What Envoy took last: it's what it keeps when it refuses what came after, and what another one gets then
        self._good: dict[Key, Resource] = {}
        self._news = News()
        self.is_closed = False
        self._listeners: set[Callable[[str], None]] = set()

    @staticmethod
    def check(type_url: str, content: Any) -> Resource:
        """Refused where the content isn't of that type."""
        try:
            message = json_format.ParseDict(content, MESSAGES[type_url]())
        except (json_format.ParseError, KeyError, TypeError, AttributeError, ValueError) as error:
            raise Refused(f"{type_url.rpartition('.')[2]}: {error}") from None
        value = message.SerializeToString(deterministic=True)
        return Resource(hashlib.blake2b(value, digest_size=8).hexdigest(), value)

    def put(self, type_url: str, name: str, content: dict[str, Any]) -> bool:
        """Whether it was another before."""
        resource = self.check(type_url, content)
        if self._wanted[type_url].get(name) == resource:
            return False
        self._wanted[type_url][name] = resource
        for reader in self._readers.values():
            reader.leaving.discard((type_url, name))
        self._tell(type_url)
        return True

    def trust(self, type_url: str, name: str, content: dict[str, Any]) -> None:
        """An Envoy before this agent's took it: it's what goes on where what is wanted now is refused."""
        self._good.setdefault((type_url, name), self.check(type_url, content))

    def remove(self, type_url: str, name: str) -> bool:
        if self._wanted[type_url].pop(name, None) is None:
            return False
        key = type_url, name
        self._refused.pop(key, None)
        self._good.pop(key, None)
        for reader in self._readers.values():
            reader.acked.pop(key, None)
            reader.leaving.add(key)
        self._tell(type_url)
        return True

    def of(self, type_url: str) -> dict[str, Resource]:
        """What Envoy is to have: what is wanted, but for what it has refused and had another of."""
        wanted = self._wanted.get(type_url, {})
        instead = {
            name: self._good[type_url, name]
            for (refused_type, name) in self._refused
            if refused_type == type_url and (type_url, name) in self._good and self.is_refused(type_url, name)
        }
        return {**wanted, **instead} if instead else wanted

    def is_refused(self, type_url: str, name: str) -> bool:
        """As it's wanted now."""
        return bool(self.refusal(type_url, name))

    def refusal(self, type_url: str, name: str) -> str:
        """Why it isn't taken as it's wanted now; empty where nobody says so."""
        wanted, refusal = self._wanted.get(type_url, {}).get(name), self._refused.get((type_url, name))
        return refusal.reason if wanted and refusal and refusal.version == wanted.version else ""

    def try_again(self, type_url: str, name: str) -> None:
        """It was refused for a reason that may have passed."""
        if self._refused.pop((type_url, name), None):
            wanted = self._wanted[type_url][name]
            self._wanted[type_url][name] = replace(wanted, version=f"{wanted.version}+")
            self._tell(type_url)

    def listen(self, listener: Callable[[str], None]) -> Callable[[], None]:
        """Call it to stop listening."""
        self._listeners.add(listener)
        return lambda: self._listeners.discard(listener)

    # What Envoys say

    def join(self, node: str) -> None:
        """It has nothing yet, and nothing to let go of; what another has refused, it would too."""
        self._readers[node] = Reader()
        self._news.tell()

    def lose_sight(self, node: str) -> None:
        """It may still take calls; what it has will be known when it comes again."""
        if reader := self._readers.get(node):
            reader.acked.clear()

    def leave(self, node: str) -> None:
        """Its process has ended."""
        self._readers.pop(node, None)
        self._news.tell()

    def acked(self, node: str, type_url: str, sent: Iterable[tuple[str, Resource]], removed: Iterable[str]) -> None:
        reader = self._readers.get(node)
        if reader is None:
            return
        for name, resource in sent:
            key = type_url, name
            # It may have been taken away meanwhile
            if name in self._wanted[type_url]:
                reader.acked[key], self._good[key] = resource.version, resource
            refusal = self._refused.get(key)
            if refusal and refusal.version == resource.version and self._may_take_back(node, refusal):
                del self._refused[key]
        for name in removed:
            reader.leaving.discard((type_url, name))
        self._news.tell()

    def refused(self, node: str, type_url: str, name: str, version: str, reason: str) -> None:
        if node in self._readers and name in self._wanted[type_url]:
            self._refused[type_url, name] = Refusal(version, reason, node)
        self._news.tell()

    async def settle(self, keys: Iterable[Key]) -> None:
        """Until each Envoy has taken all of them as they are now, or let go of them; Refused where one doesn't."""
        for key in keys:
            while not (self.is_closed or self._is_settled(key)):
                await self._news.since(self._news.count)
            if not self.is_closed and (reason := self.refusal(*key)):
                raise Refused(f"{key[1]}: {reason}")

    def close(self) -> None:
        """Nobody is there any more: whoever waits needn't."""
        self.is_closed = True
        self._news.tell()

    def _is_settled(self, key: Key) -> bool:
        wanted = self._wanted.get(key[0], {}).get(key[1])
        if wanted is None:
            return not any(key in reader.leaving for reader in self._readers.values())
        if self.is_refused(*key):
            return True
        return bool(self._readers) and all(r.acked.get(key) == wanted.version for r in self._readers.values())

    def _may_take_back(self, node: str, refusal: Refusal) -> bool:
        """Another version of Envoy may take what one that is still there doesn't."""
        return refusal.node == node or refusal.node not in self._readers

    def _tell(self, type_url: str) -> None:
        for listener in list(self._listeners):
            listener(type_url)
