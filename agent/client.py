"""Keeps a stream to the portal open, does what it says, and goes on without it when it's away."""

import asyncio
import contextlib
import random
import uuid
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

import grpc
import structlog

from agent.appliers.base import Applier, InvalidBundle, Phase, Status, Wanted
from agent.identity import Identities, NoIdentity
from agent.outbox import DONE, Outbox
from agent.protocol import v1_pb2 as wire
from agent.protocol import v1_pb2_grpc as services
from agent.store import Store
from agent.trust import distrust

log = structlog.get_logger(__name__)

SHORTEST_PAUSE, LONGEST_PAUSE = 0.5, 60.0
# A portal on this machine comes back with it, and one agent more doesn't hurt it
LONGEST_PAUSE_NEARBY = 3.0
# A stream that held for this long makes the next loss of one a first one again
CALM_SECONDS = 60.0
# Nothing helps but somebody's doing something; they shouldn't have to wait long for it to be seen
HELPLESS_PAUSE = 5.0
OPTIONS = [
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.max_receive_message_length", 16 * 1024 * 1024),
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.max_reconnect_backoff_ms", 2_000),
]


class Farewell(Exception):
    """The portal said goodbye; when to come back, and why."""

    def __init__(self, goodbye: Any) -> None:
        self.retry_after = float(goodbye.retry_after_seconds)
        self.reason = goodbye.reason
        super().__init__(goodbye.message)

    @property
    def is_helpless(self) -> bool:
        return self.reason in (wire.Goodbye.REVOKED, wire.Goodbye.CLONE)


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
        self._longest_pause = LONGEST_PAUSE if credentials else LONGEST_PAUSE_NEARBY
        self._instance = uuid.uuid4().hex
        self._identities = Identities(store, registration_token, self._info)
        self._outbox = Outbox()
        self._pending: dict[int, set[str]] = {}
        self._snapshot: list[Wanted] = []
        self._chunks = 0
        self._heartbeat_seconds = 10.0
        self._welcomed = asyncio.Event()
        self._stopped = asyncio.Event()

    async def run(self) -> None:
        """Until `stop`. What was wanted last is brought about first, whether or not the portal is there."""
        self.store.load()
        try:
            await self.applier.start(self._report, list(self.store.bundles.values()))
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
                pause = HELPLESS_PAUSE if farewell.is_helpless else farewell.retry_after or None
                if farewell.reason == wire.Goodbye.TOKEN_EXPIRED:
                    self._identities.distrust()
            except grpc.aio.AioRpcError as error:
                if reason := distrust(error.details() or ""):
                    log.error("portal refused", reason=reason)
                else:
                    log.info("portal away", code=error.code().name, reason=error.details())
            except OSError as error:
                # The disk is full, or broken; gateways go on as they are
                log.error("session ended", reason=str(error))
                pause = HELPLESS_PAUSE
            except Exception:
                # Whatever it is, it's no reason to take the gateways away
                log.exception("session ended")
            if self._stopped.is_set():
                return
            failures = 1 if loop.time() - began > CALM_SECONDS else failures + 1
            longest = min(SHORTEST_PAUSE * 2 ** min(failures, 10), self._longest_pause)
            # All agents lose the portal together; they mustn't all come back together
            await self._wait(pause if pause is not None else random.uniform(0.05, longest))  # noqa: S311

    async def _wait(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stopped.wait()

    async def _session(self) -> None:
        async with self._channel() as channel:
            await self._either(self._talk(channel), self._stopped.wait())

    async def _talk(self, channel: grpc.aio.Channel) -> None:
        token = await self._identities.access_token(channel)
        self._snapshot, self._chunks = [], 0
        self._welcomed.clear()
        stream = self._outbox.begin(
            hello=wire.Hello(info=self._info(), applied_revision=self.store.revision, state_digest=self.store.digest)
        )
        call = services.AgentServiceStub(channel).Connect(
            self._messages(stream), metadata=(("authorization", f"Bearer {token}"),)
        )
        try:
            await self._either(self._listen(call), self._beat(), self._keep_fresh(channel))
        finally:
            self._outbox.end()
            call.cancel()

    @staticmethod
    async def _either(*works: Coroutine[Any, Any, Any]) -> None:
        """Until one of them ends, which ends the others; what it ended with is what this ends with."""
        tasks = [asyncio.create_task(work) for work in works]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        for task in done:
            if not task.cancelled():
                task.result()

    def _channel(self) -> grpc.aio.Channel:
        if self._credentials:
            return grpc.aio.secure_channel(self._portal, self._credentials, OPTIONS)
        return grpc.aio.insecure_channel(self._portal, OPTIONS)

    # What is heard

    async def _listen(self, call: Any) -> None:
        async for message in call:
            match message.WhichOneof("body"):
                case "welcome":
                    self._hear_welcome(message.welcome)
                case "snapshot":
                    await self._hear_chunk(message.snapshot)
                case "delta":
                    await self._hear_delta(message.delta)
                case "lead":
                    log.info("leads")
                case "goodbye":
                    raise Farewell(message.goodbye)
                case _:
                    pass

    def _hear_welcome(self, welcome: Any) -> None:
        how = wire.Welcome.Sync.Name(welcome.sync).lower()
        log.info("connected", session=welcome.session_id, revision=welcome.revision, sync=how, leads=welcome.leads)
        self._heartbeat_seconds = welcome.parameters.heartbeat_seconds or self._heartbeat_seconds
        self._outbox.welcome(welcome.parameters.status_interval_ms / 1000 or 0.1)
        self._welcomed.set()

    async def _hear_chunk(self, chunk: Any) -> None:
        if chunk.index == 0:
            self._snapshot, self._chunks = [], 0
        if chunk.index != self._chunks:
            # What isn't in a whole snapshot is taken away: this one isn't whole
            self._ask_for_all("a piece is missing")
            self._chunks = -1
            return
        self._chunks += 1
        self._snapshot += [_wanted(each) for each in chunk.bundles]
        if chunk.last:
            whole, self._snapshot, self._chunks = self._snapshot, [], -1
            gone = sorted(self.store.bundles.keys() - {bundle.key for bundle in whole})
            await self._take(chunk.revision, whole, gone)

    async def _hear_delta(self, delta: Any) -> None:
        if delta.base_revision != self.store.revision:
            self._outbox.say(ack=wire.Ack(revision=self.store.revision, result=wire.Ack.OUT_OF_ORDER))
            return
        await self._take(delta.revision, [_wanted(each) for each in delta.upserts], list(delta.removed))

    def _ask_for_all(self, reason: str) -> None:
        self._outbox.say(snapshot_request=wire.SnapshotRequest(reason=reason))

    async def _take(self, revision: int, bundles: list[Wanted], gone: list[str]) -> None:
        """On the disk first, so that an answer to the portal means that it survives."""
        sound = [bundle for bundle in bundles if self._is_sound(bundle)]
        changed = [bundle for bundle in sound if self.store.bundles.get(bundle.key) != bundle]
        same = {bundle.key for bundle in sound} - {bundle.key for bundle in changed}
        try:
            # To its end, also where the stream ends meanwhile
            await asyncio.shield(asyncio.create_task(self._keep(revision, changed, same, gone)))
        except OSError as error:
            # Without the name of the file, which tenants have no use for
            message = f"The agent can't keep it: {error.strerror}."
            for bundle in changed:
                self._report(bundle.key, bundle.digest, Status(Phase.FAILED, message))
            raise

    async def _keep(self, revision: int, changed: list[Wanted], same: set[str], gone: list[str]) -> None:
        async with self.store.lock:
            await asyncio.to_thread(self.store.write, revision, changed, gone)
            self.store.remember(revision, changed, gone)
        self._outbox.say(ack=wire.Ack(revision=revision, result=wire.Ack.RECEIVED))
        self._pending[revision] = {*(bundle.key for bundle in changed), *gone}
        self._outbox.forget(self._pending[revision])
        # What is sent may be wanted anew: then what was said of it before doesn't count
        self._outbox.repeat(same)
        for key in gone:
            self.applier.remove(key)
        for bundle in changed:
            self.applier.apply(bundle)
        self._acknowledge()

    def _is_sound(self, bundle: Wanted) -> bool:
        """One that isn't harms no other."""
        try:
            bundle.check()
        except InvalidBundle as error:
            log.error("bundle refused", reason=str(error))
            self._report(bundle.key, bundle.digest, Status(Phase.FAILED, str(error)))
            return False
        return True

    # What is said

    def _report(self, key: str, digest: str, status: Status) -> None:
        self._outbox.report(key, digest, status)
        held = self.store.bundles.get(key)
        # What it says of a bundle that has been replaced meanwhile says nothing of the one in its place
        if status.phase in DONE and (held is None or held.digest == digest):
            for keys in self._pending.values():
                keys.discard(key)
            self._acknowledge()

    def _acknowledge(self) -> None:
        """A revision is applied once all that it changed is, and all before it."""
        for revision in sorted(self._pending):
            if self._pending[revision]:
                return
            del self._pending[revision]
            self._outbox.say(ack=wire.Ack(revision=revision, result=wire.Ack.APPLIED))

    async def _messages(self, stream: int) -> AsyncIterator[Any]:
        while (body := await self._outbox.next(stream)) is not None:
            yield wire.AgentMessage(**body)

    async def _beat(self) -> None:
        await self._welcomed.wait()
        while True:
            await asyncio.sleep(self._heartbeat_seconds)
            self._outbox.say(
                heartbeat=wire.Heartbeat(
                    applied_revision=self.store.revision,
                    state_digest=self.store.digest,
                    waiting=sum(map(len, self._pending.values())),
                    failed=self._outbox.failed,
                    facts=self.applier.facts(),
                )
            )

    async def _keep_fresh(self, channel: grpc.aio.Channel) -> None:
        while True:
            await asyncio.sleep(self._identities.seconds_to_refresh)
            try:
                token = await self._identities.access_token(channel)
            except (grpc.aio.AioRpcError, NoIdentity, OSError) as error:
                # The stream ends when the token does; then this is said again
                log.warning("token not refreshed", reason=str(error))
                await asyncio.sleep(HELPLESS_PAUSE)
                continue
            self._outbox.say(token=wire.TokenUpdate(access_token=token))

    def _info(self) -> Any:
        return wire.AgentInfo(
            version=self._version,
            instance_id=self._instance,
            cluster_uid=self.store.place(),
            facts=self.applier.facts(),
        )


def _wanted(bundle: Any) -> Wanted:
    return Wanted(bundle.key, bundle.digest, bundle.manifests)
