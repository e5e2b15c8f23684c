"""What an agent says on its stream, and where it stands by that."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import structlog

from agent.protocol import v1_pb2 as wire
from apps.fleet import delivery
from apps.fleet.grpc.database import in_database
from apps.fleet.grpc.ending import Ended, ended_by
from apps.fleet.grpc.wires import facts_of, kept_of, report_of
from apps.fleet.problems import Refused
from apps.fleet.services import sessions, statuses
from apps.fleet.services.identities import identify
from apps.fleet.services.sessions import Session

log = structlog.get_logger(__name__)

Reason = wire.Goodbye
LONGEST_REASON = 200


class Hearing:
    def __init__(
        self,
        session: Session,
        *,
        stands_at: int | None,
        access_ends_at: datetime,
        deliver: Callable[[], None],
        look: Callable[[], None],
    ) -> None:
        # The revision that it holds. None: it needs everything
        self.stands_at = stands_at
        self.access_ends_at = access_ends_at
        self.heard_at = _clock()
        # Since when all of a delivery is on its way and isn't acknowledged
        self.waits_since: float | None = None
        self._waits_for: int | None = None
        self._received = stands_at or 0
        self._session = session
        self._deliver = deliver
        self._look = look
        # Of which revision it was sent everything because its digest was another; that may not help
        self._corrected = -1

    @property
    def is_waiting(self) -> bool:
        return self._waits_for is not None

    def expect(self, revision: int) -> None:
        """An acknowledgement of it; until then nothing else is sent."""
        self._waits_for = revision

    def all_is_sent(self) -> None:
        if self.is_waiting:
            self.waits_since = _clock()

    def want_all(self) -> None:
        self.stands_at = self._waits_for = self.waits_since = None
        self._deliver()

    async def run(self, heard: "asyncio.Queue[Any]") -> None:
        """Statuses that follow each other are looked at together: mostly they say what is known."""
        waiting: list[Any] = []
        while True:
            message = await heard.get()
            kind = message.WhichOneof("body")
            if kind == "status":
                waiting.append(message.status)
            if waiting and (kind != "status" or heard.empty()):
                await self._hear_statuses(waiting)
                waiting = []
            if kind != "status":
                await self._hear(kind, message)

    async def _hear_statuses(self, said: Sequence[Any]) -> None:
        reports = [report_of(status) for status in said]
        await in_database(statuses.hear_of_bundles, self._session, reports, received=self._received)

    async def _hear(self, kind: str | None, message: Any) -> None:
        match kind:
            case "heartbeat":
                await self._hear_heartbeat(message.heartbeat)
            case "ack":
                await self._hear_ack(message.ack)
            case "snapshot_request":
                reason = kept_of(message.snapshot_request.reason, LONGEST_REASON)
                log.info("agent asks for everything", agent=self._session.agent_id, reason=reason)
                self.want_all()
            case "token":
                await self._renew(message.token.access_token)
            case _:
                raise Ended(Reason.PROTOCOL, f"A stream has no place for {kind or 'an empty message'}.")

    async def _hear_heartbeat(self, beat: Any) -> None:
        holds_all = await self._holds_what_is_wanted(beat)
        is_mine = await in_database(
            sessions.hear_heartbeat,
            self._session,
            applied_revision=min(beat.applied_revision, sessions.LARGEST_REVISION),
            digest=kept_of(beat.state_digest, 64),
            facts=facts_of(beat.facts),
            is_in_sync=holds_all and not beat.waiting and not beat.failed,
        )
        if not is_mine:
            self._look()

    async def _holds_what_is_wanted(self, beat: Any) -> bool:
        """One that stands where it should and holds something else gets everything anew."""
        if self.is_waiting or self.stands_at is None or beat.applied_revision != self.stands_at:
            return False
        wanted = await in_database(delivery.wanted_of, self._session.cluster_id)
        # Asked while the answer came, it may stand elsewhere now
        if wanted is None or wanted.revision != self.stands_at:
            return False
        if beat.state_digest == wanted.digest:
            return True
        log.warning("agent holds something else", agent=self._session.agent_id, revision=wanted.revision)
        if self._corrected != wanted.revision:
            self._corrected = wanted.revision
            self.want_all()
        return False

    async def _hear_ack(self, ack: Any) -> None:
        if ack.result == wire.Ack.OUT_OF_ORDER:
            self.want_all()
        elif ack.result == wire.Ack.RECEIVED:
            self._hear_received(ack.revision)
        elif ack.result == wire.Ack.APPLIED:
            is_all = not self.is_waiting and ack.revision == self.stands_at
            revision = min(ack.revision, sessions.LARGEST_REVISION)
            await in_database(sessions.hear_applied, self._session, revision=revision, is_all=is_all)

    def _hear_received(self, revision: int) -> None:
        if self._waits_for is None or revision > self._waits_for:
            return
        self._received = max(self._received, revision)
        if revision == self._waits_for:
            self.stands_at, self._waits_for, self.waits_since = revision, None, None
            self._deliver()

    async def _renew(self, access_token: str) -> None:
        try:
            agent, expires_at = await in_database(identify, access_token)
        except Refused as refusal:
            raise ended_by(refusal) from None
        if agent.pk != self._session.agent_id:
            raise Ended(Reason.PROTOCOL, "The new access token belongs to another agent.")
        self.access_ends_at = expires_at


def _clock() -> float:
    return asyncio.get_running_loop().time()
