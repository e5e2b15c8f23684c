"""What Envoy is to have, by type and name, and what it has said to it."""

import asyncio
import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
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


class Resources:
    """Changed in the loop's thread alone. Listeners are called with the type whose resources are others now."""

    def __init__(self) -> None:
        self._wanted: dict[str, dict[str, Resource]] = {url: {} for url in MESSAGES}
        self._acked: dict[Key, str] = {}
        self._refused: dict[Key, tuple[str, str]] = {}
        # What Envoy took last: it's what it keeps when it refuses what came after, and what another one gets then
        self._good: dict[Key, Resource] = {}
        # Taken away, and Envoy hasn't said yet that it has let go
        self._leaving: set[Key] = set()
        self._settled = asyncio.Condition()
        self._is_closed = False
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
        self._leaving.discard((type_url, name))
        self._tell(type_url)
        return True

    def remove(self, type_url: str, name: str) -> bool:
        if self._wanted[type_url].pop(name, None) is None:
            return False
        for known in (self._acked, self._refused, self._good):
            known.pop((type_url, name), None)
        self._leaving.add((type_url, name))
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
        wanted = self._wanted.get(type_url, {}).get(name)
        return wanted is not None and self._refused.get((type_url, name), ("", ""))[0] == wanted.version

    def listen(self, listener: Callable[[str], None]) -> Callable[[], None]:
        """Call it to stop listening."""
        self._listeners.add(listener)
        return lambda: self._listeners.discard(listener)

    async def begin_anew(self) -> None:
        """Another Envoy has nothing yet, and nothing to let go of; what one has refused, another would too."""
        async with self._settled:
            self._acked.clear()
            self._leaving.clear()
            self._settled.notify_all()

    async def acked(self, type_url: str, sent: Iterable[tuple[str, Resource]], removed: Iterable[str]) -> None:
        async with self._settled:
            for name, resource in sent:
                key = type_url, name
                # It may have been taken away meanwhile
                if name in self._wanted[type_url]:
                    self._acked[key], self._good[key] = resource.version, resource
                if self._refused.get(key, ("", ""))[0] == resource.version:
                    del self._refused[key]
            for name in removed:
                self._leaving.discard((type_url, name))
            self._settled.notify_all()

    async def refused(self, type_url: str, name: str, version: str, reason: str) -> None:
        async with self._settled:
            if name in self._wanted[type_url]:
                self._refused[type_url, name] = (version, reason)
            self._settled.notify_all()

    async def settle(self, keys: Iterable[Key]) -> None:
        """Until Envoy has taken all of them as they are now, or let go of them; Refused when it doesn't take one."""
        async with self._settled:
            for key in keys:
                await self._settled.wait_for(lambda key=key: self._is_closed or self._is_settled(key))  # type: ignore[misc]
                if not self._is_closed and self.is_refused(*key):
                    raise Refused(f"{key[1]}: {self._refused[key][1]}")

    async def close(self) -> None:
        """Nobody is there any more: whoever waits needn't."""
        async with self._settled:
            self._is_closed = True
            self._settled.notify_all()

    def _is_settled(self, key: Key) -> bool:
        wanted = self._wanted.get(key[0], {}).get(key[1])
        if wanted is None:
            return key not in self._leaving
        return wanted.version == self._acked.get(key) or self.is_refused(*key)

    def _tell(self, type_url: str) -> None:
        for listener in list(self._listeners):
            listener(type_url)
