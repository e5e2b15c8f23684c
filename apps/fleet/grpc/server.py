"""The agents' server: registration, refresh, and a stream for each agent."""

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

import grpc
import structlog
from django.db import DatabaseError

from agent.protocol import v1_pb2 as wire
from agent.protocol import v1_pb2_grpc as services
from apps.core.notify import listen_async
from apps.fleet.grpc.connection import Connection
from apps.fleet.grpc.database import in_database
from apps.fleet.grpc.limits import Limits
from apps.fleet.grpc.wires import info_of, tokens_of
from apps.fleet.problems import Refused
from apps.fleet.services.bundles import CHANNEL
from apps.fleet.services.identities import refresh_identity, register_agent

log = structlog.get_logger(__name__)

STOP_SECONDS = 1.0
# How often clusters are looked at without a notification, should one ever get lost
IDLE = 5.0
# Whoever opens more calls than this has to wait
MOST_CALLS = 5_000


def options(limits: Limits) -> list[tuple[str, int]]:
    return [
        ("grpc.max_receive_message_length", limits.largest_message),
        ("grpc.keepalive_time_ms", 20_000),
        ("grpc.keepalive_timeout_ms", 10_000),
        ("grpc.http2.min_recv_ping_interval_without_data_ms", 5_000),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.so_reuseport", 0),
    ]


class Registration(services.AgentRegistrationServicer):
    async def Register(self, request: Any, context: Any) -> Any:
        info = info_of(request.info)
        token, address = request.registration_token, address_of(context)
        named = {"token": token, "info": info, "address": address, "is_gone": _is_gone(context)}
        agent, pair = await _answered(context, register_agent, **named)
        return wire.RegisterResponse(agent_id=agent.pk, cluster_id=agent.cluster_id, tokens=tokens_of(pair))

    async def Refresh(self, request: Any, context: Any) -> Any:
        token, place = request.refresh_token, request.cluster_uid
        return tokens_of(await _answered(context, refresh_identity, token=token, cluster_uid=place))


class Streams(services.AgentServiceServicer):
    def __init__(self, limits: Limits) -> None:
        self.connections: set[Connection] = set()
        # What isn't at its end yet: a stream, and after one that was cancelled the writing down of that
        self.unfinished: set[asyncio.Future[Any]] = set()
        self._limits = limits

    async def Connect(self, requests: Any, context: Any) -> None:
        metadata = dict(context.invocation_metadata())
        token = metadata.get("authorization", "").removeprefix("Bearer ")
        connection = Connection(token, address_of(context), self._limits)
        self.connections.add(connection)
        self._remember(asyncio.current_task())
        try:
            await connection.serve(requests, context.write)
        finally:
            self.connections.discard(connection)
            self._remember(connection.closing)

    def wake(self, cluster_ids: set[str] | None) -> None:
        for connection in self.connections:
            if cluster_ids is None or connection.cluster_id in cluster_ids:
                connection.wake()

    def end(self) -> None:
        for connection in self.connections:
            connection.end()

    async def wait(self, seconds: float) -> None:
        """Until all of it is at its end."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self.unfinished:
                    await asyncio.wait(self.unfinished)

    def _remember(self, future: asyncio.Future[Any] | None) -> None:
        if future is not None:
            self.unfinished.add(future)
            future.add_done_callback(self.unfinished.discard)


class AgentsServer:
    def __init__(
        self, address: str, credentials: grpc.ServerCredentials | None = None, *, limits: Limits | None = None
    ) -> None:
        limits = limits or Limits()
        self.streams = Streams(limits)
        self._server = grpc.aio.server(options=options(limits), maximum_concurrent_rpcs=MOST_CALLS)
        services.add_AgentRegistrationServicer_to_server(Registration(), self._server)
        services.add_AgentServiceServicer_to_server(self.streams, self._server)
        if credentials:
            self.port = self._server.add_secure_port(address, credentials)
        else:
            self.port = self._server.add_insecure_port(address)
        self._listener: asyncio.Task[None] | None = None

    async def start(self) -> None:
        await self._server.start()
        self._listener = asyncio.create_task(self._listen())

    async def stop(self) -> None:
        self.streams.end()
        await self._server.stop(STOP_SECONDS)
        await self.streams.wait(STOP_SECONDS)
        if self._listener:
            self._listener.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._listener

    async def _listen(self) -> None:
        async for _connection, heard in listen_async(CHANNEL, idle=IDLE):
            self.streams.wake(set(heard.payloads) if heard.payloads and not heard.gap else None)


def address_of(context: Any) -> str:
    """`ipv4:203.0.113.7:40312` without the port."""
    return unquote(context.peer().partition(":")[2].rpartition(":")[0])[:64]


def _is_gone(context: Any) -> Callable[[], bool]:
    gone = threading.Event()
    context.add_done_callback(lambda _context: gone.set())
    return gone.is_set


async def _answered(context: Any, function: Any, **named: Any) -> Any:
    try:
        return await in_database(function, **named)
    except Refused as refusal:
        log.info("agent refused", reason=refusal.reason)
        await context.abort(grpc.StatusCode.UNAUTHENTICATED, f"{refusal.reason}: {refusal}")
    except DatabaseError:
        await context.abort(grpc.StatusCode.UNAVAILABLE, "The portal's database is away.")
