"""The agents' server in this process, and agents that say whatever a test wants, over real sockets."""

import asyncio
import contextlib
import queue
import threading
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import grpc
from django.db import connections

from agent.appliers.memory import MemoryApplier
from agent.client import Client
from agent.protocol import v1_pb2 as wire
from agent.protocol import v1_pb2_grpc as services
from agent.state import state_digest
from agent.store import Store
from apps.fleet.grpc import database
from apps.fleet.grpc.limits import Limits
from apps.fleet.grpc.server import AgentsServer
from tests.machine import free_port

NOTHING = state_digest([])
SECONDS = 60.0
# Nobody is given up on because this machine has much else to do
PATIENT = Limits(hello_within=60.0, ack_within=60.0, silence=120.0, whole_every=0.1, look_every=0.05)
# For those who are to be given up on
HASTY = Limits(hello_within=0.5, ack_within=1.0, silence=120.0, whole_every=0.1, look_every=0.05)


class Loop:
    """An event loop in a thread of its own, for the server and for agents."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(SECONDS)

    def close(self) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(SECONDS)
        self.loop.close()


class Portal:
    """Serves agents at one port for as long as it's there, also after a restart."""

    def __init__(self, limits: Limits = PATIENT, *, credentials: Any = None) -> None:
        self.port = free_port()
        self.limits = limits
        self.loop = Loop()
        self._credentials = credentials
        self.server: AgentsServer | None = None
        self.start()

    def start(self) -> None:
        async def start() -> AgentsServer:
            server = AgentsServer(f"127.0.0.1:{self.port}", self._credentials, limits=self.limits)
            await server.start()
            return server

        self.server = self.loop.run(start())

    def stop(self) -> None:
        if self.server:
            self.loop.run(self.server.stop())
        self.server = None

    def close(self) -> None:
        self.stop()
        self.loop.close()
        close_connections()


def close_connections() -> None:
    """Of the server's threads, so that the next test may empty the tables and the last one drop the database."""
    all_there = threading.Barrier(database.THREADS)

    def close() -> None:
        all_there.wait(SECONDS)
        connections.close_all()

    for done in [database._pool.submit(close) for _ in range(database.THREADS)]:
        done.result(SECONDS)


def channel_to(port: int) -> grpc.Channel:
    # Each with a connection of its own
    return grpc.insecure_channel(f"127.0.0.1:{port}", [("grpc.use_local_subchannel_pool", 1)])


def info(*, place: str = "place-1", instance: str = "instance-1", **facts: str) -> Any:
    return wire.AgentInfo(version="1", instance_id=instance, cluster_uid=place, facts=facts)


def register(port: int, token: str, **about: str) -> Any:
    with channel_to(port) as channel:
        request = wire.RegisterRequest(registration_token=token, info=info(**about))
        return services.AgentRegistrationStub(channel).Register(request, timeout=SECONDS)


def refresh(port: int, token: str, place: str = "place-1") -> Any:
    with channel_to(port) as channel:
        request = wire.RefreshRequest(refresh_token=token, cluster_uid=place)
        return services.AgentRegistrationStub(channel).Refresh(request, timeout=SECONDS)


class Over(Exception):
    """The stream ended, with this code."""

    def __init__(self, code: Any, details: str) -> None:
        self.code = code
        super().__init__(f"{code} {details}")


class Stream:
    """An agent's stream, by hand."""

    def __init__(self, port: int, access_token: str) -> None:
        self._channel = channel_to(port)
        self._said: queue.Queue[Any] = queue.Queue()
        self._heard: queue.Queue[Any] = queue.Queue()
        metadata = (("authorization", f"Bearer {access_token}"),)
        self.call = services.AgentServiceStub(self._channel).Connect(iter(self._said.get, None), metadata=metadata)
        threading.Thread(target=self._listen, daemon=True).start()

    def say(self, **body: Any) -> None:
        self._said.put(wire.AgentMessage(**body))

    def hello(self, *, revision: int = 0, digest: str = NOTHING, **about: str) -> Any:
        """The answer to it."""
        self.say(hello=wire.Hello(info=info(**about), applied_revision=revision, state_digest=digest))
        return self.hear("welcome")

    def is_refused(self, *, revision: int = 0, **about: str) -> int:
        """The reason of the goodbye that answers its hello."""
        self.say(hello=wire.Hello(info=info(**about), applied_revision=revision, state_digest=NOTHING))
        return int(self.hear("goodbye").reason)

    def hear(self, kind: str, *, within: float = SECONDS) -> Any:
        """The next message of that kind. What comes before it is passed over, but for a goodbye."""
        while True:
            message = self._heard.get(timeout=within)
            if isinstance(message, Over):
                raise message
            found = message.WhichOneof("body")
            if found == kind:
                return getattr(message, kind)
            assert found != "goodbye", message.goodbye

    def hears_nothing(self, *, for_seconds: float = 0.3) -> bool:
        try:
            message = self._heard.get(timeout=for_seconds)
        except queue.Empty:
            return True
        raise AssertionError(message)

    def take_all(self) -> tuple[int, dict[str, bytes]]:
        """A whole snapshot, acknowledged: its revision, and the content of each key."""
        found: dict[str, bytes] = {}
        while True:
            chunk = self.hear("snapshot")
            found.update({bundle.key: bundle.manifests for bundle in chunk.bundles})
            if chunk.last:
                self.ack(chunk.revision)
                return chunk.revision, found

    def ack(self, revision: int, result: int = wire.Ack.RECEIVED) -> None:
        self.say(ack=wire.Ack(revision=revision, result=result))  # type: ignore[arg-type]

    def report(self, key: str, digest: str, phase: int, message: str = "") -> None:
        self.say(status=wire.BundleStatus(key=key, digest=digest, phase=phase, message=message))  # type: ignore[arg-type]

    def is_over(self) -> Over:
        while True:
            message = self._heard.get(timeout=SECONDS)
            if isinstance(message, Over):
                return message

    def close(self) -> None:
        self._said.put(None)
        self.call.cancel()
        self._channel.close()

    def _listen(self) -> None:
        try:
            for message in self.call:
                self._heard.put(message)
            self._heard.put(Over(self.call.code(), self.call.details()))
        except grpc.RpcError as error:
            self._heard.put(Over(error.code(), error.details()))  # type: ignore[attr-defined]


class MemoryAgent:
    """The real client with an applier that only remembers. It can be killed, and started on the same folder."""

    def __init__(self, portal: Portal, folder: Path, token: str) -> None:
        self.store = Store(folder)
        self.applier = MemoryApplier()
        self._portal = portal
        self._token = token
        self._task: Any = None
        self.start()

    @property
    def digest(self) -> str:
        """Of what it has applied."""
        return state_digest((bundle.key, bundle.digest) for bundle in list(self.applier.bundles.values()))

    def start(self) -> None:
        self.store = Store(self.store.folder)
        self.applier = MemoryApplier()

        async def start() -> Any:
            client = Client(
                f"127.0.0.1:{self._portal.port}",
                self.store,
                self.applier,
                version="1",
                registration_token=lambda: self._token,
            )
            return asyncio.get_running_loop().create_task(client.run())

        self._task = self._portal.loop.run(start())

    def kill(self) -> None:
        """Whatever it was at isn't finished."""

        async def kill() -> None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await self._task
            # A process that is killed writes nothing afterwards; what a thread of this one is at ends first
            async with self.store.lock:
                pass

        if self._task:
            self._portal.loop.run(kill())
        self._task = None
