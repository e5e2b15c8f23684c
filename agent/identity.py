"""How the agent gets its tokens and keeps them fresh."""

import hashlib
import time
from collections.abc import Callable
from typing import Any

import grpc
import structlog

from agent.protocol import v1_pb2 as wire
from agent.protocol import v1_pb2_grpc as services
from agent.store import Identity, Store

log = structlog.get_logger(__name__)

# A token is refreshed at this share of its life; one of which that isn't known any more, this long before its end
REFRESH_AT, REFRESH_BEFORE = 0.7, 180.0
CALL_SECONDS = 10.0


class NoIdentity(Exception):
    """There is no way in: the message says what somebody has to do."""


class Identities:
    def __init__(self, store: Store, registration_token: Callable[[], str], info: Callable[[], Any]) -> None:
        self._store = store
        self._registration_token = registration_token
        self._info = info
        self._refresh_at = 0.0

    async def access_token(self, channel: grpc.aio.Channel) -> str:
        """One that is good for a while yet."""
        identity = self._store.identity()
        offered = self._registration_token()
        if identity is None or (offered and identity.registered_with != _mark(offered)):
            identity = await self._register(channel, offered)
        else:
            # Not at each start: a process that is ended in the middle of it may lose the next token
            self._refresh_at = self._refresh_at or identity.access_expires_at - REFRESH_BEFORE
            if time.time() >= self._refresh_at:
                identity = await self._refresh(channel, identity)
        return identity.access_token

    def distrust(self) -> None:
        """The portal says that the token has ended, whatever this clock says."""
        self._refresh_at = 1.0

    @property
    def seconds_to_refresh(self) -> float:
        return max(1.0, self._refresh_at - time.time())

    async def _register(self, channel: grpc.aio.Channel, token: str) -> Identity:
        if not token:
            raise NoIdentity("This agent isn't registered: give it a registration token of its cluster.")
        stub = services.AgentRegistrationStub(channel)
        request = wire.RegisterRequest(registration_token=token, info=self._info())
        try:
            answer = await stub.Register(request, timeout=CALL_SECONDS)
        except grpc.aio.AioRpcError as error:
            raise _refusal(error) from None
        log.info("registered", agent=answer.agent_id, cluster=answer.cluster_id)
        return self._keep(answer.agent_id, answer.cluster_id, answer.tokens, _mark(token))

    async def _refresh(self, channel: grpc.aio.Channel, identity: Identity) -> Identity:
        stub = services.AgentRegistrationStub(channel)
        try:
            request = wire.RefreshRequest(refresh_token=identity.refresh_token, cluster_uid=self._info().cluster_uid)
            tokens = await stub.Refresh(request, timeout=CALL_SECONDS)
        except grpc.aio.AioRpcError as error:
            raise _refusal(error) from None
        return self._keep(identity.agent_id, identity.cluster_id, tokens, identity.registered_with)

    def _keep(self, agent_id: str, cluster_id: str, tokens: Any, registered_with: str) -> Identity:
        # By the own clock, which may be another than the portal's
        ends_at = time.time() + tokens.access_seconds
        identity = Identity(agent_id, cluster_id, tokens.access_token, ends_at, tokens.refresh_token, registered_with)
        self._store.set_identity(identity)
        self._refresh_at = time.time() + tokens.access_seconds * REFRESH_AT
        return identity


def _mark(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()[:16]


def _refusal(error: grpc.aio.AioRpcError) -> Exception:
    if error.code() == grpc.StatusCode.UNAUTHENTICATED:
        return NoIdentity(error.details() or "The portal knows no such token.")
    return error
