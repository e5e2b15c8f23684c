"""The agents' server: registration, refresh, and a stream for each agent."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import grpc
import structlog
from django.db import DatabaseError

from agent.protocol import v1_pb2 as wire
from agent.protocol import v1_pb2_grpc as services
from apps.core.notify import listen_async
from apps.fleet.grpc.connection import LARGEST_MESSAGE, Connection
from apps.fleet.grpc.database import in_database
from apps.fleet.grpc.wires import info_of, tokens_of
from apps.fleet.problems import Refused
from apps.fleet.services.bundles import CHANNEL
from apps.fleet.services.identities import refresh_identity, register_agent

log = structlog.get_logger(__name__)

STOP_SECONDS = 1.0
# How often clusters are looked at without a notification, should one ever get lost
IDLE = 5.0
OPTIONS = [
    ("grpc.max_receive_message_length", LARGEST_MESSAGE),
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.http2.min_recv_ping_interval_without_data_ms", 5_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.so_reuseport", 0),
]


class Registration(services.AgentRegistrationServicer):
    async def Register(self, request: Any, context: Any) -> Any:
        info = info_of(request.info)
        agent, pair = await _answered(context, register_agent, token=request.registration_token, info=info)
        return wire.RegisterResponse(agent_id=agent.pk, cluster_id=agent.cluster_id, tokens=tokens_of(pair))

    async def Refresh(self, request: Any, context: Any) -> Any:
        return tokens_of(await _answered(context, refresh_identity, token=request.refresh_token))


class Streams(services.AgentServiceServicer):
    def __init__(self) -> None:
        self.connections: set[Connection] = set()

    async def Connect(self, requests: Any, context: Any) -> AsyncIterator[Any]:
        metadata = dict(context.invocation_metadata())
        connection = Connection(metadata.get("authorization", "").removeprefix("Bearer "))
        self.connections.add(connection)
        try:
            async for message in connection.answers(aiter(requests)):
                yield message
        finally:
            self.connections.discard(connection)

    def wake(self, cluster_ids: set[str] | None) -> None:
        for connection in self.connections:
            if cluster_ids is None or connection.cluster_id in cluster_ids:
                connection.woken.set()

    def end(self) -> None:
        for connection in self.connections:
            connection.ends.set()
            connection.woken.set()


class AgentsServer:
    def __init__(self, address: str, credentials: grpc.ServerCredentials | None = None) -> None:
        self.streams = Streams()
        self._server = grpc.aio.server(options=OPTIONS)
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
        if self._listener:
            self._listener.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._listener

    async def _listen(self) -> None:
        async for _connection, heard in listen_async(CHANNEL, idle=IDLE):
            self.streams.wake(set(heard.payloads) if heard.payloads and not heard.gap else None)


async def _answered(context: Any, function: Any, **named: Any) -> Any:
    try:
        return await in_database(function, **named)
    except Refused as refusal:
        log.info("agent refused", reason=refusal.reason)
        await context.abort(grpc.StatusCode.UNAUTHENTICATED, f"{refusal.reason}: {refusal}")
    except DatabaseError:
        await context.abort(grpc.StatusCode.UNAVAILABLE, "The portal's database is away.")
