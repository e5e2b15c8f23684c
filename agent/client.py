"""Keeps a stream to the portal open, does what it says, and goes on without it when it's away."""

import asyncio
import contextlib
import itertools
import random
import uuid
from collections.abc import AsyncIterator, Callable
from typing import Any

import grpc
import structlog

from agent.appliers.base import Applier, InvalidBundle, Phase, Status, Wanted
from agent.identity import Identities, NoIdentity
from agent.protocol import v1_pb2 as wire
from agent.protocol import v1_pb2_grpc as services
from agent.store import Store

log = structlog.get_logger(__name__)

PROTOCOL = 1
SHORTEST_PAUSE, LONGEST_PAUSE = 0.5, 60.0
# A stream that held for this long makes the next loss of one a first one again
CALM_SECONDS = 60.0
# Nothing helps but somebody's doing something; they shouldn't have to wait long for it to be seen
HELPLESS_PAUSE = 5.0
DONE = (Phase.READY, Phase.FAILED, Phase.PRUNED)
OPTIONS = [
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.max_receive_message_length", 16 * 1024 * 1024),
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.max_reconnect_backoff_ms", 2_000),
]
PHASES = {
    Phase.APPLYING: wire.BundleStatus.APPLYING,
    Phase.APPLIED: wire.BundleStatus.APPLIED,
    Phase.READY: wire.BundleStatus.READY,
    Phase.FAILED: wire.BundleStatus.FAILED,
    Phase.PRUNED: wire.BundleStatus.PRUNED,
}


class Farewell(Exception):
    """The portal said goodbye; when to come back, and why."""

    def __init__(self, goodbye: Any) -> None:
        self.retry_after = float(goodbye.retry_after_seconds)
        super().__init__(goodbye.message)


class Client:
    def __init__(
        self,
        portal: str,
        store: Store,
        applier: Applier,
        *,
        version: str,
        registration_token: Callable[[], str] = lambda: "",
        credentials: grpc.ChannelCredentials | None = None,
    ) -> None:
        self.store = store
        self.applier = applier
        self._portal = portal
        self._version = version
        self._credentials = credentials
        self._instance = uuid.uuid4().hex
        self._identities = Identities(store, registration_token, self._info)
        self._statuses: dict[str, tuple[str, Status]] = {}
        self._unsent: dict[str, None] = {}
        self._pending: dict[int, set[str]] = {}
        self._snapshot: list[Wanted] = []
        self._leads = False
        self._outbox: asyncio.Queue[Any] = asyncio.Queue()
        self._status_interval = 0.1
        self._stopped = asyncio.Event()

    async def run(self) -> None:
        """Until `stop`. What was wanted last is brought about first, whether or not the portal is there."""
        self.store.load()
        await self.applier.start(self._report, list(self.store.bundles.values()))
        try:
            await self._stay_connected()
        finally:
            await self.applier.stop()

    def stop(self) -> None:
        self._stopped.set()

    async def _stay_connected(self) -> None:
        loop = asyncio.get_running_loop()
        failures = 0
        while not self._stopped.is_set():
            began = loop.time()
            pause = None
            try:
                await self._session()
            except NoIdentity as error:
                log.error("no identity", reason=str(error))
                pause = HELPLESS_PAUSE
            except Farewell as farewell:
                log.info("portal said goodbye", reason=str(farewell))
                pause = farewell.retry_after or None
            except grpc.aio.AioRpcError as error:
                log.info("portal away", code=error.code().name, reason=error.details())
            except InvalidBundle as error:
                log.error("bundle refused", reason=str(error))
            failures = 1 if loop.time() - began > CALM_SECONDS else failures + 1
            longest = min(SHORTEST_PAUSE * 2 ** min(failures, 10), LONGEST_PAUSE)
            # All agents lose the portal together; they mustn't all come back together
            await self._wait(pause if pause is not None else random.uniform(0.05, longest))  # noqa: S311

    async def _wait(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stopped.wait()

    async def _session(self) -> None:
        async with self._channel() as channel:
            token = await self._identities.access_token(channel)
            self._outbox = asyncio.Queue()
            self._snapshot = []
            call = services.AgentServiceStub(channel).Connect(
                self._messages(), metadata=(("authorization", f"Bearer {token}"),)
            )
            workers = [
                asyncio.create_task(work)
                for work in (self._send_statuses(), self._keep_fresh(channel), self._leave(call))
            ]
            try:
                self._say(
                    hello=wire.Hello(
                        info=self._info(), applied_revision=self.store.revision, state_digest=self.store.digest
                    )
                )
                async for message in call:
                    self._hear(message, workers)
            except asyncio.CancelledError:
                if not self._stopped.is_set():
                    raise
            finally:
                for worker in workers:
                    worker.cancel()
                call.cancel()

    def _channel(self) -> grpc.aio.Channel:
        if self._credentials:
            return grpc.aio.secure_channel(self._portal, self._credentials, OPTIONS)
        return grpc.aio.insecure_channel(self._portal, OPTIONS)

    async def _leave(self, call: Any) -> None:
        await self._stopped.wait()
        call.cancel()

    # What is heard

    def _hear(self, message: Any, workers: list[Any]) -> None:
        match message.WhichOneof("body"):
            case "welcome":
                self._hear_welcome(message.welcome, workers)
            case "snapshot":
                self._hear_chunk(message.snapshot)
            case "delta":
                self._hear_delta(message.delta)
            case "command":
                self._leads = self._leads or message.command.WhichOneof("body") == "lead"
                if message.command.WhichOneof("body") == "resync":
                    self._say(snapshot_request=wire.SnapshotRequest(reason="asked to"))
            case "goodbye":
                raise Farewell(message.goodbye)
            case _:
                pass

    def _hear_welcome(self, welcome: Any, workers: list[Any]) -> None:
        log.info("connected", session=welcome.session_id, revision=welcome.revision, leads=welcome.leads)
        self._leads = welcome.leads
        self._status_interval = welcome.parameters.status_interval_ms / 1000
        workers.append(asyncio.create_task(self._beat(welcome.parameters.heartbeat_seconds or 10)))
        # The portal may have missed what was said to it before
        self._unsent.update(dict.fromkeys(self._statuses))

    def _hear_chunk(self, chunk: Any) -> None:
        if chunk.index == 0:
            self._snapshot = []
        self._snapshot += [_wanted(each) for each in chunk.bundles]
        if not chunk.last:
            return
        whole, self._snapshot = self._snapshot, []
        # Only now is it known what isn't wanted any more
        gone = self.store.keep_only(bundle.key for bundle in whole)
        self._take(chunk.revision, whole, gone)

    def _hear_delta(self, delta: Any) -> None:
        if delta.base_revision != self.store.revision:
            self._say(ack=wire.Ack(revision=self.store.revision, result=wire.Ack.OUT_OF_ORDER))
            return
        for key in delta.removed:
            self.store.remove(key)
        self._take(delta.revision, [_wanted(each) for each in delta.upserts], list(delta.removed))

    def _take(self, revision: int, bundles: list[Wanted], gone: list[str]) -> None:
        """On the disk first, so that an answer to the portal means that it survives."""
        for bundle in bundles:
            bundle.check()
        changed = [bundle for bundle in bundles if self.store.bundles.get(bundle.key) != bundle]
        for bundle in changed:
            self.store.put(bundle)
        self.store.set_revision(revision)
        self._say(ack=wire.Ack(revision=revision, result=wire.Ack.RECEIVED))
        self._pending[revision] = {*(bundle.key for bundle in changed), *gone}
        for bundle in changed:
            self.applier.apply(bundle)
        for key in gone:
            self.applier.remove(key)
        self._acknowledge()

    # What is said

    def _report(self, key: str, digest: str, status: Status) -> None:
        self._statuses[key] = (digest, status)
        self._unsent[key] = None
        if status.phase in DONE:
            for keys in self._pending.values():
                keys.discard(key)
            self._acknowledge()

    def _acknowledge(self) -> None:
        """A revision is applied once all that it changed is, and all before it."""
        for revision in sorted(self._pending):
            if self._pending[revision]:
                return
            del self._pending[revision]
            self._say(ack=wire.Ack(revision=revision, result=wire.Ack.APPLIED))

    def _say(self, **body: Any) -> None:
        self._outbox.put_nowait(body)

    async def _messages(self) -> AsyncIterator[Any]:
        for seq in itertools.count(1):
            yield wire.AgentMessage(seq=seq, **await self._outbox.get())

    async def _send_statuses(self) -> None:
        """The latest of each bundle, so that one that changes quickly doesn't flood the stream."""
        while True:
            for key in list(self._unsent):
                del self._unsent[key]
                digest, status = self._statuses[key]
                self._say(status=_status(key, digest, status))
                if status.phase is Phase.PRUNED:
                    del self._statuses[key]
            await asyncio.sleep(min(self._status_interval, 0.02))

    async def _beat(self, seconds: float) -> None:
        while True:
            await asyncio.sleep(seconds)
            self._say(
                heartbeat=wire.Heartbeat(
                    applied_revision=self.store.revision,
                    state_digest=self.store.digest,
                    bundles=len(self.store.bundles),
                    waiting=sum(map(len, self._pending.values())),
                    failed=sum(status.phase is Phase.FAILED for _, status in self._statuses.values()),
                    facts=self.applier.facts(),
                )
            )

    async def _keep_fresh(self, channel: grpc.aio.Channel) -> None:
        while True:
            await asyncio.sleep(self._identities.seconds_to_refresh)
            try:
                token = await self._identities.access_token(channel)
            except (grpc.aio.AioRpcError, NoIdentity) as error:
                # The stream ends when the token does; then this is said again
                log.warning("token not refreshed", reason=str(error))
                await asyncio.sleep(HELPLESS_PAUSE)
                continue
            self._say(token=wire.TokenUpdate(access_token=token))

    def _info(self) -> Any:
        return wire.AgentInfo(
            version=self._version,
            instance_id=self._instance,
            cluster_uid=self.store.place(),
            protocol=PROTOCOL,
            api_versions=self.applier.api_versions,
            facts=self.applier.facts(),
        )


def _wanted(bundle: Any) -> Wanted:
    return Wanted(bundle.key, bundle.digest, bundle.manifests)


def _status(key: str, digest: str, status: Status) -> Any:
    return wire.BundleStatus(
        key=key,
        digest=digest,
        phase=PHASES[status.phase],
        message=status.message,
        apply_ms=status.apply_ms,
        objects=[
            wire.ObjectStatus(
                api_version=each.api_version,
                kind=each.kind,
                namespace=each.namespace,
                name=each.name,
                message=each.message,
                conditions=[
                    wire.Condition(type=name, is_true=holds, message=text) for name, holds, text in each.conditions
                ],
            )
            for each in status.objects
        ],
    )
