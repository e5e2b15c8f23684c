"""One agent's stream, from its hello to its end."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime
from typing import Any

import structlog
from django.db import DatabaseError

from agent.protocol import v1_pb2 as wire
from apps.core.clock import now
from apps.fleet import tokens
from apps.fleet.grpc.database import in_database
from apps.fleet.grpc.wires import chunks_of, delta_of, info_of, report_of
from apps.fleet.problems import BadToken, Cloned, Refused, Revoked, TokenExpired
from apps.fleet.services import sessions
from apps.fleet.services.sessions import Delivery, Session

log = structlog.get_logger(__name__)

HELLO_WITHIN = 10.0
# What was sent has to be acknowledged within this time, or the stream is of no use
ACK_WITHIN = 20.0
HEARTBEAT_SECONDS = 10
SILENCE_SECONDS = 3 * HEARTBEAT_SECONDS
STATUS_INTERVAL_MS = 100
LARGEST_MESSAGE = 4 * 1024 * 1024

Reason = wire.Goodbye


class Ended(Exception):
    """The portal says goodbye; with a reason, and after how long to come back."""

    def __init__(self, reason: int, message: str, retry_after: int = 0) -> None:
        self.reason, self.message, self.retry_after = reason, message, retry_after
        super().__init__(message)


class Connection:
    """`woken` is set by the hub: something of the cluster is other than it was."""

    def __init__(self, access_token: str) -> None:
        self.woken = asyncio.Event()
        self.ends = asyncio.Event()
        self.cluster_id = ""
        self._access_token = access_token
        self._access_ends_at: datetime | None = None
        self._session: Session | None = None
        self._leads = False
        self._sent = 0
        self._acked = 0
        self._sent_at = 0.0
        self._heard_at = 0.0
        self._seq = itertools.count(1)
        self._wants_all = False
        self._still_to_remove: Delivery | None = None
        self._failure: BaseException | None = None

    async def answers(self, requests: AsyncIterator[Any]) -> AsyncIterator[Any]:
        because = "The stream ended."
        listener: asyncio.Task[None] | None = None
        try:
            hello = await self._hello(requests)
            yield self._message(welcome=await self._open(hello))
            listener = asyncio.create_task(self._listen(requests))
            async for message in self._deliver():
                yield message
        except Ended as ended:
            because = ended.message
            yield self._message(
                goodbye=wire.Goodbye(
                    reason=ended.reason,  # type: ignore[arg-type]
                    message=ended.message,
                    retry_after_seconds=ended.retry_after,
                )
            )
        except DatabaseError as error:
            because = "The portal's database is away."
            log.warning("agent's stream", error=str(error).strip())
            yield self._message(goodbye=wire.Goodbye(reason=Reason.SHUTDOWN, message=because, retry_after_seconds=1))
        finally:
            if listener:
                listener.cancel()
            await self._close(because)

    async def _hello(self, requests: AsyncIterator[Any]) -> Any:
        try:
            async with asyncio.timeout(HELLO_WITHIN):
                first = await anext(requests)
        except (TimeoutError, StopAsyncIteration):
            raise Ended(Reason.PROTOCOL, "A stream begins with a hello.") from None
        if first.WhichOneof("body") != "hello":
            raise Ended(Reason.PROTOCOL, "A stream begins with a hello.")
        return first.hello

    async def _open(self, hello: Any) -> Any:
        try:
            identity = tokens.read_access_token(self._access_token)
            self._session = await in_database(
                sessions.open_session,
                access_token=self._access_token,
                info=info_of(hello.info),
                applied_revision=hello.applied_revision,
                state_digest=hello.state_digest,
            )
        except Refused as refusal:
            raise Ended(_reason_of(refusal), str(refusal)) from None
        self._access_ends_at = identity.expires_at
        self.cluster_id = self._session.cluster_id
        self._leads = self._session.leads
        self._heard_at = _clock()
        first = await in_database(sessions.what_to_deliver, self._session, None)
        stands = hello.applied_revision == first.revision and hello.state_digest == digest_of(first)
        self._wants_all = not stands
        self._still_to_remove = first if stands and first.removed else None
        self._sent = self._acked = hello.applied_revision if stands else 0
        self.woken.set()
        return wire.Welcome(
            session_id=self._session.id,
            revision=first.revision,
            sync=wire.Welcome.UP_TO_DATE if stands else wire.Welcome.SNAPSHOT,
            parameters=wire.Parameters(
                heartbeat_seconds=HEARTBEAT_SECONDS,
                status_interval_ms=STATUS_INTERVAL_MS,
                most_message_bytes=LARGEST_MESSAGE,
            ),
            leads=self._leads,
        )

    async def _deliver(self) -> AsyncIterator[Any]:
        """What is wanted, as it comes to be wanted, until one of both sides has to go."""
        assert self._session
        while True:
            await self._wait()
            self._require_life()
            standing = await in_database(sessions.standing_of, self._session)
            if standing.is_revoked:
                raise Ended(Reason.REVOKED, "This agent was revoked: register it again with a new token.")
            if standing.is_superseded:
                raise Ended(Reason.SUPERSEDED, "A newer instance of this agent has connected.", 60)
            if standing.leads and not self._leads:
                self._leads = self._wants_all = True
                yield self._message(command=wire.Command(id="lead", lead=wire.Lead()))
            if not self._leads:
                continue
            if self._still_to_remove:
                yield self._message(delta=delta_of(replace(self._still_to_remove, bundles=())))
                self._still_to_remove = None
            since = None if self._wants_all else self._sent
            delivery = await in_database(sessions.what_to_deliver, self._session, since)
            if delivery.is_empty:
                continue
            self._wants_all = False
            for message in self._messages_of(delivery):
                yield message
            self._sent, self._sent_at = delivery.revision, _clock()

    def _messages_of(self, delivery: Delivery) -> list[Any]:
        if not delivery.whole:
            return [self._message(delta=delta_of(delivery))]
        chunks = [self._message(snapshot=chunk) for chunk in chunks_of(delivery)]
        if delivery.removed:
            chunks.append(self._message(delta=delta_of(replace(delivery, bundles=()))))
        return chunks

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(1.0):
                await self.woken.wait()
        except TimeoutError:
            return
        self.woken.clear()

    def _require_life(self) -> None:
        if self.ends.is_set():
            raise Ended(Reason.SHUTDOWN, "The portal is being restarted.", 1)
        if self._failure is not None:
            if isinstance(self._failure, Ended):
                raise self._failure
            raise Ended(Reason.PROTOCOL, "The stream can't be read.")
        if _clock() - self._heard_at > SILENCE_SECONDS:
            raise Ended(Reason.PROTOCOL, "Nothing was heard of the agent.")
        if self._acked < self._sent and _clock() - self._sent_at > ACK_WITHIN:
            raise Ended(Reason.PROTOCOL, "What was sent was never acknowledged.")
        if self._access_ends_at and self._access_ends_at <= now():
            raise Ended(Reason.TOKEN_EXPIRED, "The access token has ended: refresh it and come back.")

    async def _listen(self, requests: AsyncIterator[Any]) -> None:
        try:
            async for message in requests:
                self._heard_at = _clock()
                await self._hear(message)
            self._failure = Ended(Reason.SHUTDOWN, "The agent has gone.")
        except asyncio.CancelledError:
            raise
        except Exception as error:
            # Whatever goes wrong on this stream ends this stream; the agent comes back
            self._failure = error
            if not isinstance(error, Ended):
                log.warning("agent's stream", error=f"{type(error).__name__}: {error}")
        self.woken.set()

    async def _hear(self, message: Any) -> None:
        assert self._session
        match message.WhichOneof("body"):
            case "heartbeat":
                await in_database(
                    sessions.hear_heartbeat,
                    session=self._session,
                    applied_revision=message.heartbeat.applied_revision,
                    state_digest=message.heartbeat.state_digest[:64],
                    facts={},
                )
            case "ack":
                await self._hear_ack(message.ack)
            case "status":
                await in_database(sessions.hear_of_bundle, session=self._session, report=report_of(message.status))
            case "snapshot_request":
                self._wants_all = True
                self.woken.set()
            case "token":
                await self._renew(message.token.access_token)
            case "result":
                pass
            case other:
                raise Ended(Reason.PROTOCOL, f"A stream has no place for {other}.")

    async def _hear_ack(self, ack: Any) -> None:
        assert self._session
        if ack.result == wire.Ack.OUT_OF_ORDER:
            self._wants_all = True
            self.woken.set()
            return
        self._acked = max(self._acked, ack.revision)
        if ack.result == wire.Ack.APPLIED:
            await in_database(sessions.hear_applied, session=self._session, revision=ack.revision)

    async def _renew(self, access_token: str) -> None:
        assert self._session
        try:
            identity = tokens.read_access_token(access_token)
        except Refused as refusal:
            raise Ended(_reason_of(refusal), str(refusal)) from None
        if identity.agent_id != self._session.agent_id:
            raise Ended(Reason.PROTOCOL, "The new access token belongs to another agent.")
        self._access_ends_at = identity.expires_at

    async def _close(self, because: str) -> None:
        if self._session is None:
            return
        try:
            await in_database(sessions.close_session, session=self._session, because=because)
        except DatabaseError as error:
            # The sweep that finds silent agents writes it down later
            log.warning("agent's stream not closed", error=str(error).strip())

    def _message(self, **body: Any) -> Any:
        return wire.PortalMessage(seq=next(self._seq), **body)


def digest_of(delivery: Delivery) -> str:
    from agent.state import state_digest

    return state_digest((bundle.key, bundle.digest) for bundle in delivery.bundles)


def _reason_of(refusal: Refused) -> int:
    match refusal:
        case Revoked():
            return Reason.REVOKED
        case Cloned():
            return Reason.CLONE
        case TokenExpired() | BadToken():
            return Reason.TOKEN_EXPIRED
        case _:
            return Reason.PROTOCOL


def _clock() -> float:
    return asyncio.get_running_loop().time()
