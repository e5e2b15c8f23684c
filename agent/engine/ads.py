"""Tells Envoy what it is to have: the server's side of delta aggregated discovery, over a socket of this machine."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import structlog
from envoy.service.discovery.v3.discovery_pb2 import DeltaDiscoveryRequest, DeltaDiscoveryResponse

from agent.engine.resources import LISTENER, SCOPE, Resource, Resources

log = structlog.get_logger(__name__)

SERVICE = "envoy.service.discovery.v3.AggregatedDiscoveryService"
LARGEST = 64 * 1024 * 1024
# A refusal names no resource. An answer that was refused is sent again in halves, until the bad ones are alone
TOGETHER = 1_000


@dataclass
class Subscription:
    """What one Envoy wants of one type, and has."""

    everything: bool = False
    is_answered: bool = False
    names: set[str] = field(default_factory=set)
    has: dict[str, str] = field(default_factory=dict)
    # Those of the last request, until they're answered
    asked: set[str] = field(default_factory=set)
    # Those that were refused in company, to be sent again in smaller ones
    halves: list[set[str]] = field(default_factory=list)

    def wants(self, name: str) -> bool:
        return self.everything or name in self.names


@dataclass(frozen=True)
class Sent:
    type_url: str
    resources: dict[str, Resource]
    removed: tuple[str, ...] = ()


class Discovery:
    def __init__(self, resources: Resources) -> None:
        self.resources = resources
        self._server: grpc.aio.Server | None = None

    async def start(self, socket: Path) -> None:
        socket.unlink(missing_ok=True)
        options = [("grpc.max_send_message_length", LARGEST), ("grpc.max_receive_message_length", LARGEST)]
        self._server = grpc.aio.server(options=options)
        handler = grpc.stream_stream_rpc_method_handler(
            self._stream,
            request_deserializer=DeltaDiscoveryRequest.FromString,
            response_serializer=DeltaDiscoveryResponse.SerializeToString,
        )
        self._server.add_generic_rpc_handlers(
            (grpc.method_handlers_generic_handler(SERVICE, {"DeltaAggregatedResources": handler}),)
        )
        self._server.add_insecure_port(f"unix:{socket}")
        await self._server.start()

    async def stop(self) -> None:
        if self._server:
            await self._server.stop(grace=0)

    async def _stream(self, requests: Any, context: Any) -> AsyncIterator[Any]:
        async for answer in Conversation(self.resources).answers(requests):
            yield answer


class Conversation:
    """With one Envoy, for as long as its stream is open."""

    def __init__(self, resources: Resources) -> None:
        self.resources = resources
        # The Envoy's own name, which its first request says
        self._node = ""
        self._forgot_scopes = False
        self._subscriptions: dict[str, Subscription] = {}
        self._sent: dict[str, Sent] = {}
        self._nonces = itertools.count(1)
        self._inbox: asyncio.Queue[Any] = asyncio.Queue()

    async def answers(self, requests: Any) -> AsyncIterator[Any]:
        stop_listening = self.resources.listen(self._inbox.put_nowait)
        reader = asyncio.create_task(self._read(requests))
        try:
            while True:
                # Much may have changed at once, and one answer serves for all of it
                types: dict[str, None] = {}
                for heard in [await self._inbox.get(), *_drain(self._inbox)]:
                    if heard is None:
                        return
                    types[heard if isinstance(heard, str) else self._hear(heard)] = None
                for type_url in types:
                    for answer in self._answers(type_url):
                        yield answer
        finally:
            stop_listening()
            reader.cancel()
            self.resources.lose_sight(self._node)

    async def _read(self, requests: Any) -> None:
        try:
            async for request in requests:
                self._inbox.put_nowait(request)
        finally:
            self._inbox.put_nowait(None)

    def _hear(self, request: Any) -> str:
        """The type of which something may have to be sent now."""
        if not self._node:
            self._node = request.node.id or "unnamed"
            self.resources.join(self._node)
        type_url = request.type_url
        is_first = type_url not in self._subscriptions
        subscription = self._subscriptions.setdefault(type_url, Subscription())
        if is_first:
            subscription.has.update(request.initial_resource_versions)
            subscription.everything = not request.resource_names_subscribe
        subscription.everything |= "*" in request.resource_names_subscribe
        subscription.names.update(request.resource_names_subscribe)
        # What is asked for wants an answer, whatever it had, and also when it isn't there
        for name in request.resource_names_subscribe:
            subscription.has.pop(name, None)
        subscription.asked.update(set(request.resource_names_subscribe) - {"*"})
        for name in request.resource_names_unsubscribe:
            subscription.names.discard(name)
            subscription.has.pop(name, None)
        if sent := self._sent.pop(request.response_nonce, None):
            self._settle(subscription, sent, request)
        return str(type_url)

    def _settle(self, subscription: Subscription, sent: Sent, request: Any) -> None:
        if not request.HasField("error_detail"):
            self.resources.acked(self._node, sent.type_url, sent.resources.items(), sent.removed)
            if sent.type_url == LISTENER and self._forgot_scopes:
                self._forgot_scopes = False
                scopes = self._subscriptions.get(SCOPE, Subscription())
                scopes.has.clear()
                scopes.is_answered = False
                self._inbox.put_nowait(SCOPE)
            return
        # With the listener that it had begun to make; for the next one it waits for them, and asks no more
        self._forgot_scopes |= sent.type_url == LISTENER
        reason = request.error_detail.message
        if len(sent.resources) == 1:
            ((name, resource),) = sent.resources.items()
            log.warning("envoy refused", type=sent.type_url, name=name, reason=reason)
            self.resources.refused(self._node, sent.type_url, name, resource.version, reason)
        elif not sent.resources:
            # Nothing more can be done about it, and nobody should wait for it
            log.error("envoy refused", type=sent.type_url, removed=sent.removed, reason=reason)
            self.resources.acked(self._node, sent.type_url, (), sent.removed)
        else:
            names = sorted(sent.resources)
            for name in names:
                subscription.has.pop(name, None)
            middle = len(names) // 2
            subscription.halves += [set(names[:middle]), set(names[middle:])]

    def _answers(self, type_url: str) -> list[Any]:
        subscription = self._subscriptions.get(type_url)
        if subscription is None:
            return []
        there = self.resources.of(type_url)
        changed = {
            name: resource
            for name, resource in there.items()
            if subscription.wants(name) and subscription.has.get(name) != resource.version
        }
        removed = sorted(name for name in subscription.has.keys() | subscription.asked if name not in there)
        subscription.asked.clear()
        batches = [{name: changed.pop(name) for name in sorted(half & changed.keys())} for half in subscription.halves]
        # It would take all others down with it
        batches += [{name: changed.pop(name)} for name in sorted(changed) if self.resources.is_refused(type_url, name)]
        subscription.halves.clear()
        items = list(changed.items())
        batches += [dict(items[first : first + TOGETHER]) for first in range(0, len(items), TOGETHER)]
        batches = [batch for batch in batches if batch]
        found = []
        # That there is nothing has to be said once: Envoy waits for a first answer of each type before it serves
        if removed or not (batches or subscription.is_answered):
            found.append(self._answer(type_url, subscription, {}, removed))
        subscription.is_answered = True
        return found + [self._answer(type_url, subscription, batch, []) for batch in batches]

    def _answer(self, type_url: str, subscription: Subscription, batch: dict[str, Resource], removed: list[str]) -> Any:
        nonce = str(next(self._nonces))
        answer = DeltaDiscoveryResponse(type_url=type_url, nonce=nonce, removed_resources=removed)
        for name, resource in batch.items():
            each = answer.resources.add(name=name, version=resource.version)
            each.resource.type_url, each.resource.value = type_url, resource.value
            subscription.has[name] = resource.version
        for name in removed:
            subscription.has.pop(name, None)
        self._sent[nonce] = Sent(type_url, batch, tuple(removed))
        return answer


def _drain(queue: "asyncio.Queue[Any]") -> list[Any]:
    return [queue.get_nowait() for _ in range(queue.qsize())]
