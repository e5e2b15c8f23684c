"""How agents come in, and how those come to nothing that shouldn't."""

import itertools
import queue
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import grpc
import pytest

from agent.protocol import v1_pb2 as wire
from agent.protocol import v1_pb2_grpc as services
from apps.audit.models import AuditEvent
from apps.audit.services import SYSTEM
from apps.core.clock import now
from apps.fleet.grpc import server
from apps.fleet.models import Agent, Cluster, RefreshToken, RegistrationToken
from apps.fleet.services import identities
from apps.fleet.services.agents import revoke_agent
from apps.fleet.tokens import REFRESH, REGISTRATION, new_access_token, new_token
from tests.fleet import processes
from tests.fleet.conftest import Connect
from tests.fleet.portal import Portal, channel_to, info, refresh, register
from tests.fleet.processes import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

Reason = wire.Goodbye


def refused(call: object, reason: str) -> str:
    """What the agent is told."""
    with pytest.raises(grpc.RpcError) as raised:
        call()  # type: ignore[operator]
    assert raised.value.code() == grpc.StatusCode.UNAUTHENTICATED  # type: ignore[attr-defined]
    told = str(raised.value.details())  # type: ignore[attr-defined]
    assert told.startswith(f"{reason}: "), told
    return told


def test_a_stolen_registration_token_that_was_used_first_shows_itself(portal: Portal, cluster: Cluster) -> None:
    token = processes.new_token(cluster)
    thief = register(portal.port, token, place="elsewhere")
    for _ in range(2):
        told = refused(lambda: register(portal.port, token), "token-used")
    assert "agent-1" in told
    # Once, however often it's tried, with who came in and from where
    event = AuditEvent.objects.get(verb="agent.token_used_again")
    assert event.after == {"let_in": "agent-1", "address": "127.0.0.1"}
    assert event.target_id == cluster.pk
    revoke_agent(actor=SYSTEM, agent=Agent.objects.get(pk=thief.agent_id))
    register(portal.port, processes.new_token(cluster))


def test_of_two_that_come_with_one_token_at_once_one_gets_in(portal: Portal, cluster: Cluster) -> None:
    token = processes.new_token(cluster)

    def come(number: int) -> bool:
        try:
            register(portal.port, token, place=f"place-{number}")
        except grpc.RpcError:
            return False
        return True

    with ThreadPoolExecutor(6) as pool:
        assert sorted(pool.map(come, range(6))) == [False] * 5 + [True]
    assert Agent.objects.count() == 1


def test_a_registration_whose_answer_got_lost_is_asked_for_again(
    portal: Portal, cluster: Cluster, connect: Connect
) -> None:
    token = processes.new_token(cluster)
    lost = register(portal.port, token).tokens
    # From another place it's somebody else
    refused(lambda: register(portal.port, token, place="elsewhere"), "token-used")
    again = register(portal.port, token).tokens
    assert Agent.objects.count() == 1
    assert connect(again.access_token).hello().leads
    assert connect(lost.access_token).is_refused() == Reason.TOKEN_EXPIRED
    # It arrived, so from now on the token is used up
    refused(lambda: register(portal.port, token), "token-used")


def test_a_registration_that_nobody_waits_for_any_more_undoes_no_later_one(
    portal: Portal, cluster: Cluster, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its agent was killed while it registered, and started again at once."""
    token, may_go, asked = processes.new_token(cluster), threading.Event(), threading.Event()
    locked, calls, outcomes = identities._locked_registration, itertools.count(), queue.Queue[str]()

    def lock_slowly(hashes: list[str]) -> RegistrationToken:
        if next(calls) == 0:
            asked.set()
            assert may_go.wait(60)
            row = locked(hashes)
            outcomes.put("locked")
            return row
        return locked(hashes)

    def remember(context: Any) -> Callable[[], bool]:
        gone.append(is_gone(context))
        return gone[-1]

    gone: list[Callable[[], bool]] = []
    is_gone = server._is_gone
    monkeypatch.setattr(server, "_is_gone", remember)
    monkeypatch.setattr(identities, "_locked_registration", lock_slowly)
    channel = channel_to(portal.port)
    request = wire.RegisterRequest(registration_token=token, info=info())
    first = services.AgentRegistrationStub(channel).Register.future(request, timeout=60)
    assert asked.wait(60)
    first.cancel()
    channel.close()
    tokens = register(portal.port, token).tokens
    wait_until(lambda: gone[0](), what="the server to know that it's gone")
    may_go.set()
    assert outcomes.get(timeout=60) == "locked"
    assert connect(tokens.access_token).hello().leads


def test_an_ended_one_a_revoked_one_an_unknown_one_and_half_of_one_let_nobody_in(
    portal: Portal, cluster: Cluster
) -> None:
    ended = processes.new_token(cluster)
    RegistrationToken.objects.update(expires_at=now() - timedelta(seconds=1))
    refused(lambda: register(portal.port, ended), "token-expired")
    revoked = processes.new_token(cluster)
    RegistrationToken.objects.update(revoked_at=now(), expires_at=now() + timedelta(hours=1))
    refused(lambda: register(portal.port, revoked), "bad-token")
    refused(lambda: register(portal.port, new_token(REGISTRATION)), "bad-token")
    refused(lambda: register(portal.port, revoked[:-1]), "bad-token")
    refused(lambda: register(portal.port, ""), "bad-token")
    # As it's copied from where it was shortened
    refused(lambda: register(portal.port, f"{revoked[:-1]}…"), "bad-token")
    refused(lambda: refresh(portal.port, f"{new_token(REFRESH)[:-1]}…"), "bad-token")
    assert not Agent.objects.exists()


def test_a_place_is_one_cluster_and_a_cluster_one_place(portal: Portal, cluster: Cluster) -> None:
    other = Cluster.objects.create(name="seoul-b", region="ap-northeast-2", domain="seoul-b.api.example")
    register(portal.port, processes.new_token(cluster), place="place-1")
    register(portal.port, processes.new_token(cluster), place="place-1")
    told = refused(lambda: register(portal.port, processes.new_token(other), place="place-1"), "another-place")
    assert "seoul-a" in told
    token = processes.new_token(cluster)
    refused(lambda: register(portal.port, token, place="place-2"), "another-place")
    # The token wasn't used up by that
    register(portal.port, token, place="place-1")


def test_a_refresh_token_that_comes_again_after_its_answer_arrived_ends_the_identity(
    portal: Portal, cluster: Cluster, connect: Connect
) -> None:
    first = register(portal.port, processes.new_token(cluster)).tokens
    second = refresh(portal.port, first.refresh_token)
    stream = connect(second.access_token)
    stream.hello()
    refused(lambda: refresh(portal.port, first.refresh_token), "refresh-reused")
    assert stream.hear("goodbye").reason == Reason.REVOKED
    for token in (first, second):
        refused(lambda token=token: refresh(portal.port, token.refresh_token), "bad-token")  # type: ignore[misc]
        assert connect(token.access_token).is_refused() == Reason.REVOKED
    assert AuditEvent.objects.get(verb="agent.token_reused").target_id == Agent.objects.get().pk


def test_an_answer_to_a_refresh_that_got_lost_is_asked_for_again(
    portal: Portal, cluster: Cluster, connect: Connect
) -> None:
    first = register(portal.port, processes.new_token(cluster)).tokens
    lost = refresh(portal.port, first.refresh_token)
    again = refresh(portal.port, first.refresh_token)
    assert connect(again.access_token).hello().leads
    # Whoever has the lost answer after all isn't the agent
    assert connect(lost.access_token).is_refused() == Reason.TOKEN_EXPIRED
    assert Agent.objects.get().revoked_at is None
    refused(lambda: refresh(portal.port, lost.refresh_token), "refresh-reused")
    assert Agent.objects.get().revoked_at


def test_two_refreshes_at_once_leave_the_agent_a_way_in(portal: Portal, cluster: Cluster, connect: Connect) -> None:
    first = register(portal.port, processes.new_token(cluster)).tokens
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _number: refresh(portal.port, first.refresh_token), range(4)))
    assert RefreshToken.objects.filter(void_at=None, used_at=None).count() == 1
    assert connect(refresh(portal.port, first.refresh_token).access_token).hello()


def test_an_ended_refresh_token_gives_nothing(portal: Portal, cluster: Cluster) -> None:
    tokens = register(portal.port, processes.new_token(cluster)).tokens
    RefreshToken.objects.update(expires_at=now() - timedelta(seconds=1))
    refused(lambda: refresh(portal.port, tokens.refresh_token), "token-expired")


def test_a_clone_is_turned_away_and_the_original_stays(portal: Portal, cluster: Cluster, connect: Connect) -> None:
    tokens = register(portal.port, processes.new_token(cluster)).tokens
    original = connect(tokens.access_token)
    original.hello()
    assert connect(tokens.access_token).is_refused(place="elsewhere", instance="clone") == Reason.CLONE
    refused(lambda: refresh(portal.port, tokens.refresh_token, place="elsewhere"), "clone")
    assert refresh(portal.port, tokens.refresh_token).access_token
    assert original.hears_nothing()


def test_an_agent_that_claims_another_cluster_gets_nothing_of_it(
    portal: Portal, cluster: Cluster, connect: Connect
) -> None:
    other = Cluster.objects.create(name="seoul-b", region="ap-northeast-2", domain="seoul-b.api.example")
    register(portal.port, processes.new_token(cluster))
    agent, pair = Agent.objects.get(), RefreshToken.objects.get()
    # Signed by the portal itself, as if one of its keys were known
    forged = new_access_token(agent.pk, other.pk, pair.pk)
    assert connect(forged).is_refused() == Reason.TOKEN_EXPIRED
    assert not Agent.objects.exclude(session_id="").exists()
    # And one that wasn't signed is nobody's
    head, body, signature = new_access_token(agent.pk, cluster.pk, pair.pk).split(".")
    assert connect(f"{head}.{body}.{signature[::-1]}").hear("goodbye").reason == Reason.TOKEN_EXPIRED
    assert connect("").hear("goodbye").reason == Reason.TOKEN_EXPIRED
