"""One agent's stream, from its hello to its end.

Four things go on at once: messages are read into a short queue, taken from it, what is wanted is sent, and a watch
ends the stream when either side has to go. The first of them that ends, ends all.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterable, Awaitable, Callable, Coroutine
from typing import Any

import structlog
from django.db import DatabaseError
from django.utils.translation import gettext_noop
from google.protobuf.message import DecodeError

from agent.protocol import v1_pb2 as wire
from apps.core.clock import now
from apps.fleet import delivery, tokens
from apps.fleet.grpc.database import in_database
from apps.fleet.grpc.ending import Ended, ended_by
from apps.fleet.grpc.hearing import Hearing
from apps.fleet.grpc.limits import Limits
from apps.fleet.grpc.wires import info_of, kept_of, messages_of
from apps.fleet.problems import Refused
from apps.fleet.services import sessions
from apps.fleet.services.sessions import Session

log = structlog.get_logger(__name__)

Write = Callable[[Any], Awaitable[None]]
Reason = wire.Goodbye
NO_HELLO = gettext_noop("A stream begins with a hello.")


class Connection:
    """`wake` is called by the hub: something of the cluster is other than it was."""

    def __init__(self, access_token: str, address: str, limits: Limits) -> None:
        self.cluster_id = ""
        self.closing: asyncio.Future[None] | None = None
        self._access_token = access_token
        self._address = address
        self._limits = limits
        self._opening: asyncio.Future[Session] | None = None
        self._session: Session | None = None
        self._hearing: Hearing | None = None
        self._look = asyncio.Event()
        self._to_deliver = asyncio.Event()
        self._ends = False
        self._leads = False
        self._resyncs = 0
        self._names_removed = True
        self._to_say: list[dict[str, Any]] = []
        self._sent_all_at = float("-inf")
        self._write_began: float | None = None

    def wake(self) -> None:
        self._look.set()
        self._to_deliver.set()

    def end(self) -> None:
        self._ends = True
        self._look.set()

    async def serve(self, requests: AsyncIterable[Any], write: Write) -> None:
        because = gettext_noop("The stream ended.")
        try:
            await self._open(requests, write)
            await self._until_one_ends(requests, write)
        except Ended as ended:
            because = ended.message
            await self._say_goodbye(ended, write)
        except DatabaseError as error:
            log.warning("agent's stream", error=str(error).strip())
            because = gettext_noop("The portal's database is away.")
            await self._say_goodbye(Ended(Reason.SHUTDOWN, because), write)
        except DecodeError:
            because = gettext_noop("What the agent says can't be read.")
            await self._say_goodbye(Ended(Reason.PROTOCOL, because), write)
        except Exception as error:
            # Whatever goes wrong on this stream ends this stream; the agent comes back
            log.exception("agent's stream failed")
            because = f"The stream failed: {type(error).__name__}."
            await self._say_goodbye(Ended(Reason.PROTOCOL, because), write)
        finally:
            # Also for a call that was cancelled, by an agent that vanished
            self.closing = asyncio.ensure_future(self._close(because))
            await asyncio.shield(self.closing)

    async def _open(self, requests: AsyncIterable[Any], write: Write) -> None:
        try:
            # Whoever has no token isn't waited for
            expires_at = tokens.read_access_token(self._access_token).expires_at
            hello = await self._hello(requests)
            self._opening = asyncio.ensure_future(
                in_database(
                    sessions.open_session,
                    sessions.new_session_id(),
                    self._access_token,
                    info_of(hello.info),
                    applied_revision=min(hello.applied_revision, sessions.LARGEST_REVISION),
                    digest=kept_of(hello.state_digest, 64),
                    address=self._address,
                )
            )
            # To its end also where the agent vanishes meanwhile: what was opened has to be closed
            self._session = session = await asyncio.shield(self._opening)
        except Refused as refusal:
            raise ended_by(refusal) from None
        self.cluster_id, self._leads, self._resyncs = session.cluster_id, session.leads, session.resyncs
        wanted = await in_database(delivery.wanted_of, session.cluster_id)
        if wanted is None:
            raise Ended(Reason.REVOKED, gettext_noop("This agent's cluster is gone."))
        sync, since = _sync(hello, wanted)
        self._hearing = Hearing(
            session,
            stands_at=since,
            access_ends_at=expires_at,
            deliver=self._to_deliver.set,
            look=self._look.set,
        )
        parameters = wire.Parameters(
            heartbeat_seconds=self._limits.heartbeat_seconds,
            status_interval_ms=self._limits.status_interval_ms,
        )
        await self._send(
            write,
            welcome=wire.Welcome(
                session_id=session.id,
                revision=wanted.revision,
                sync=sync,  # type: ignore[arg-type]
                parameters=parameters,
                leads=session.leads,
            ),
        )

    async def _hello(self, requests: AsyncIterable[Any]) -> Any:
        try:
            async with asyncio.timeout(self._limits.hello_within):
                first = await anext(aiter(requests))
        except (TimeoutError, StopAsyncIteration):
            raise Ended(Reason.PROTOCOL, NO_HELLO) from None
        if first.WhichOneof("body") != "hello":
            raise Ended(Reason.PROTOCOL, NO_HELLO)
        return first.hello

    async def _until_one_ends(self, requests: AsyncIterable[Any], write: Write) -> None:
        assert self._hearing
        self.wake()
        heard: asyncio.Queue[Any] = asyncio.Queue(self._limits.unread_messages)
        parts: list[Coroutine[Any, Any, None]] = [
            self._read(requests, heard),
            self._hearing.run(heard),
            self._deliver(write),
            self._watch(),
        ]
        tasks = [asyncio.ensure_future(part) for part in parts]
        try:
            done, _others = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _read(self, requests: AsyncIterable[Any], heard: asyncio.Queue[Any]) -> None:
        assert self._hearing
        async for message in requests:
            self._hearing.heard_at = asyncio.get_running_loop().time()
            await heard.put(message)
        raise Ended(Reason.SHUTDOWN, gettext_noop("The agent has gone."))

    async def _deliver(self, write: Write) -> None:
        """What is wanted, as it comes to be wanted. One delivery at a time: what comes meanwhile goes together."""
        assert self._hearing
        while True:
            await self._to_deliver.wait()
            self._to_deliver.clear()
            while self._to_say:
                await self._send(write, **self._to_say.pop(0))
            if self._leads and not self._hearing.is_waiting and not self._is_too_soon():
                await self._deliver_once(write)

    async def _deliver_once(self, write: Write) -> None:
        assert self._session
        assert self._hearing
        found = await in_database(
            delivery.plan_delivery,
            self._session.cluster_id,
            since=self._hearing.stands_at,
            names_removed=self._names_removed,
        )
        if found is None:
            return
        self._names_removed = False
        if found.is_whole:
            self._sent_all_at = asyncio.get_running_loop().time()
        self._hearing.expect(found.revision)
        messages = messages_of(found)
        while (message := await in_database(next, messages, None)) is not None:
            await self._send(write, **message)
        self._hearing.all_is_sent()

    def _is_too_soon(self) -> bool:
        """Everything was sent a moment ago, and is asked for again."""
        assert self._hearing
        loop = asyncio.get_running_loop()
        wait = self._sent_all_at + self._limits.whole_every - loop.time()
        if self._hearing.stands_at is not None or wait <= 0:
            return False
        loop.call_later(wait, self._to_deliver.set)
        return True

    async def _watch(self) -> None:
        """Ends the stream, and says who leads now."""
        assert self._session
        assert self._hearing
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._limits.look_every):
                    await self._look.wait()
            if self._ends:
                raise Ended(Reason.SHUTDOWN, gettext_noop("The portal is being restarted."))
            self._require_signs_of_life()
            if not self._look.is_set():
                continue
            self._look.clear()
            standing = await in_database(sessions.standing_of, self._session)
            if standing.is_revoked:
                raise Ended(Reason.REVOKED, gettext_noop("This agent was revoked: register it again with a new token."))
            if standing.is_superseded:
                raise Ended(Reason.SUPERSEDED, gettext_noop("A newer instance of this agent has connected."), 60)
            if standing.is_closed:
                raise Ended(Reason.PROTOCOL, gettext_noop("Nothing was heard of the agent."))
            if standing.resyncs != self._resyncs:
                self._resyncs = standing.resyncs
                self._hearing.want_all()
            if standing.leads and not self._leads:
                self._leads = True
                self._to_say.append({"lead": wire.Lead()})
                self._to_deliver.set()

    def _require_signs_of_life(self) -> None:
        assert self._hearing
        moment = asyncio.get_running_loop().time()
        limits = self._limits
        if moment - self._hearing.heard_at > limits.silence:
            raise Ended(Reason.PROTOCOL, gettext_noop("Nothing was heard of the agent."))
        if self._hearing.waits_since is not None and moment - self._hearing.waits_since > limits.ack_within:
            raise Ended(Reason.PROTOCOL, gettext_noop("What was sent was never acknowledged."))
        if self._write_began is not None and moment - self._write_began > limits.ack_within:
            raise Ended(Reason.PROTOCOL, gettext_noop("What was sent was never read."))
        if self._hearing.access_ends_at <= now():
            raise Ended(Reason.TOKEN_EXPIRED, gettext_noop("The access token has ended: refresh it and come back."))

    async def _send(self, write: Write, **body: Any) -> None:
        self._write_began = asyncio.get_running_loop().time()
        await write(wire.PortalMessage(**body))
        self._write_began = None

    async def _say_goodbye(self, ended: Ended, write: Write) -> None:
        """If it can be heard: not while another message waits for an agent that doesn't read."""
        if self._write_began is not None:
            return
        goodbye = wire.Goodbye(
            reason=ended.reason,  # type: ignore[arg-type]
            message=ended.message,
            retry_after_seconds=ended.retry_after,
        )
        try:
            async with asyncio.timeout(self._limits.goodbye_within):
                await self._send(write, goodbye=goodbye)
        except Exception as error:
            # The agent has gone already, in whichever way
            log.debug("goodbye not said", error=f"{type(error).__name__}: {error}")

    async def _close(self, because: str) -> None:
        if self._opening is None:
            return
        try:
            session = await self._opening
            await in_database(sessions.close_session, session, because)
        except Refused:
            # It never was one
            pass
        except DatabaseError as error:
            # The sweep that finds silent agents writes it down later
            log.warning("agent's stream not closed", error=str(error).strip())


def _sync(hello: Any, wanted: delivery.Wanted) -> tuple[int, int | None]:
    """How the agent is brought to what is wanted, and the revision it stands at; None: that can't be built upon.

    Of what was wanted at an older revision there's no digest any more. Whether a delta led to the right state, the
    digest in the next heartbeat says.
    """
    if hello.applied_revision == wanted.revision:
        if hello.state_digest == wanted.digest:
            return wire.Welcome.UP_TO_DATE, wanted.revision
        return wire.Welcome.SNAPSHOT, None
    if 0 < hello.applied_revision < wanted.revision:
        return wire.Welcome.DELTA, hello.applied_revision
    return wire.Welcome.SNAPSHOT, None
