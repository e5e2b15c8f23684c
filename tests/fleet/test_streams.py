"""What becomes of streams that aren't as they should be, and of those whose agent has to go."""

import itertools
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import grpc
import pytest
from django.db import connection

from agent.protocol import v1_pb2 as wire
from apps.audit.services import SYSTEM
from apps.core.clock import now
from apps.fleet import tokens as texts
from apps.fleet.grpc.limits import Limits
from apps.fleet.models import Agent, Bundle, Cluster
from apps.fleet.selectors import SILENCE
from apps.fleet.services import sessions
from apps.fleet.services.agents import revoke_agent
from apps.fleet.services.bundles import put_bundle
from apps.fleet.services.clusters import delete_cluster
from apps.fleet.sweeps import close_lost_streams
from tests.fleet import processes
from tests.fleet.conftest import Connect
from tests.fleet.portal import HASTY, PATIENT, SECONDS, Over, Portal, Stream, channel_to, info, refresh, register
from tests.fleet.processes import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

Reason = wire.Goodbye


def put(cluster: Cluster, name: str = "a", **spec: Any) -> Bundle:
    manifest = {"api_version": "local.imp.dev/v1", "kind": "Namespace", "namespace": "", "name": name, "wave": 0}
    return put_bundle(cluster_id=cluster.pk, key=f"trial/{name}", manifests=[{**manifest, "spec": spec}])


def agent() -> Agent:
    return Agent.objects.get()


def test_a_message_over_the_limit_ends_the_stream_and_the_next_one_is_as_good_as_ever(
    portal: Portal, cluster: Cluster, connect: Connect
) -> None:
    tokens = register(portal.port, processes.new_token(cluster)).tokens
    stream = connect(tokens.access_token)
    stream.hello()
    stream.report("trial/a", "", wire.BundleStatus.READY, "x" * PATIENT.largest_message)
    assert stream.is_over().code == grpc.StatusCode.RESOURCE_EXHAUSTED
    wait_until(lambda: not agent().session_id, what="the session to be closed")
    assert connect(tokens.access_token).hello().leads


@pytest.mark.parametrize("portal", [HASTY], indirect=True)
def test_a_stream_that_never_acknowledges_is_ended(portal: Portal, cluster: Cluster, connect: Connect) -> None:
    stream = connect(cluster=cluster)
    stream.hello()
    put(cluster)
    assert stream.hear("delta").upserts
    # Also where more is wanted all the while
    put(cluster, "b")
    goodbye = stream.hear("goodbye")
    assert (goodbye.reason, goodbye.message) == (Reason.PROTOCOL, "What was sent was never acknowledged.")
    wait_until(lambda: agent().disconnected_because == goodbye.message, what="the reason")


@pytest.mark.parametrize("portal", [HASTY], indirect=True)
def test_a_stream_that_says_nothing_is_ended(portal: Portal, cluster: Cluster, connect: Connect) -> None:
    goodbye = connect(cluster=cluster).hear("goodbye")
    assert (goodbye.reason, goodbye.message) == (Reason.PROTOCOL, "A stream begins with a hello.")
    stream = connect(cluster=cluster)
    stream.say(heartbeat=wire.Heartbeat())
    assert stream.hear("goodbye").reason == Reason.PROTOCOL
    # Nobody is waited for who has no token
    assert connect("nonsense").hear("goodbye").reason == Reason.TOKEN_EXPIRED


def test_an_agent_of_which_nothing_is_heard_any_more_is_ended(cluster: Cluster, transactional_db: None) -> None:
    portal = Portal(Limits(silence=0.3, look_every=0.05))
    stream = Stream(portal.port, register(portal.port, processes.new_token(cluster)).tokens.access_token)
    stream.hello()
    assert stream.hear("goodbye").message == "Nothing was heard of the agent."
    stream.close()
    portal.close()


def test_garbage_ends_the_stream_and_nothing_else(portal: Portal, cluster: Cluster, connect: Connect) -> None:
    tokens = register(portal.port, processes.new_token(cluster)).tokens
    metadata = (("authorization", f"Bearer {tokens.access_token}"),)
    with channel_to(portal.port) as channel:
        call = channel.stream_stream("/imp.agent.v1.AgentService/Connect")
        answers = list(call(iter([b"\xff\xfe garbage"]), metadata=metadata, timeout=20))
    goodbye = wire.PortalMessage.FromString(answers[-1]).goodbye
    assert (goodbye.reason, goodbye.message) == (Reason.PROTOCOL, "What the agent says can't be read.")
    stream = connect(tokens.access_token)
    stream.hello()
    # A message that is none
    stream.say()
    assert stream.hear("goodbye").reason == Reason.PROTOCOL
    assert connect(tokens.access_token).hello().leads


def test_text_that_the_database_does_not_take_is_made_to_fit(
    portal: Portal, cluster: Cluster, connect: Connect
) -> None:
    stream = connect(cluster=cluster)
    stream.hello(port="81\x0000", revision=2**64 - 1)
    revision, _ = stream.take_all()
    bundle = put(cluster)
    stream.ack(stream.hear("delta").revision)
    stream.say(heartbeat=wire.Heartbeat(applied_revision=2**64 - 1, state_digest="\x00" * 1000))
    stream.report("trial/\x00", "\x00", wire.BundleStatus.READY)
    condition = wire.Condition(type="Ready", message="y" * 10_000)
    status = wire.ObjectStatus(kind="Namespace\x00", message="z" * 10_000, conditions=[condition] * 30)
    stream.say(
        status=wire.BundleStatus(
            key=bundle.key, digest=bundle.digest, phase=wire.BundleStatus.FAILED, message="\x00" * 10, objects=[status]
        )
    )

    def told() -> Bundle | None:
        return Bundle.objects.filter(phase=Bundle.Phase.FAILED).first()

    said = wait_until(told, what="the status")
    assert said.message == "\N{REPLACEMENT CHARACTER}" * 10
    assert len(said.statuses[0]["message"]) == 500
    assert len(said.statuses[0]["conditions"]) == 20
    assert revision == 0


@pytest.mark.parametrize("portal", [HASTY], indirect=True)
def test_an_agent_that_does_not_read_is_left(portal: Portal, cluster: Cluster) -> None:
    """What is wanted is more than the network holds, so the server's write doesn't end."""
    for number in range(12):
        put(cluster, f"large-{number}", filling="x" * 1_000_000)
    tokens = register(portal.port, processes.new_token(cluster)).tokens
    metadata = (("authorization", f"Bearer {tokens.access_token}"),)
    with channel_to(portal.port) as channel:
        call = channel.stream_stream("/imp.agent.v1.AgentService/Connect")
        hello = wire.AgentMessage(hello=wire.Hello(info=wire.AgentInfo(cluster_uid="place-1")))

        def said() -> Any:
            yield hello.SerializeToString()
            time.sleep(30)

        stream = call(said(), metadata=metadata)
        wait_until(lambda: Agent.objects.exclude(session_id=""), what="the session")
        wait_until(
            lambda: Agent.objects.filter(disconnected_because="What was sent was never read."), what="being left"
        )
        stream.cancel()
    assert portal.server
    wait_until(lambda: not portal.server.streams.connections, what="nothing to be kept of it")  # type: ignore[union-attr]


def test_a_revoked_agent_is_cut_off_at_once(portal: Portal, cluster: Cluster, connect: Connect) -> None:
    tokens = register(portal.port, processes.new_token(cluster)).tokens
    stream = connect(tokens.access_token)
    stream.hello()
    revoke_agent(actor=SYSTEM, agent=agent())
    # Not by its next heartbeat, which is ten seconds away
    assert stream.hear("goodbye", within=1.0).reason == Reason.REVOKED
    with pytest.raises(grpc.RpcError):
        refresh(portal.port, tokens.refresh_token)
    put(cluster)
    assert connect(tokens.access_token).is_refused() == Reason.REVOKED


def test_the_agent_of_a_cluster_that_is_deleted_is_cut_off_at_once(
    portal: Portal, cluster: Cluster, connect: Connect
) -> None:
    tokens = register(portal.port, processes.new_token(cluster)).tokens
    stream = connect(tokens.access_token)
    stream.hello()
    delete_cluster(actor=SYSTEM, cluster=cluster)
    assert stream.hear("goodbye", within=1.0).reason == Reason.REVOKED
    with pytest.raises(grpc.RpcError):
        refresh(portal.port, tokens.refresh_token)


def test_the_newest_instance_of_an_agent_wins(portal: Portal, cluster: Cluster, connect: Connect) -> None:
    tokens = register(portal.port, processes.new_token(cluster)).tokens
    old, new = connect(tokens.access_token), connect(tokens.access_token)
    old.hello(instance="old")
    assert new.hello(instance="new").leads
    goodbye = old.hear("goodbye")
    assert (goodbye.reason, goodbye.retry_after_seconds) == (Reason.SUPERSEDED, 60)
    assert agent().instance_id == "new"
    assert agent().leads
    bundle = put(cluster)
    assert [each.key for each in new.hear("delta").upserts] == [bundle.key]


@pytest.fixture
def slow_opening(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """The first session isn't written down before this is set."""
    may_go, calls, opened = threading.Event(), itertools.count(), sessions.open_session

    def open_slowly(*given: Any, **named: Any) -> Any:
        if next(calls) == 0:
            assert may_go.wait(SECONDS)
        return opened(*given, **named)

    monkeypatch.setattr(sessions, "open_session", open_slowly)
    yield may_go
    may_go.set()


def test_an_older_stream_that_is_written_down_later_takes_nothing_from_the_newer_one(
    portal: Portal, cluster: Cluster, connect: Connect, slow_opening: threading.Event
) -> None:
    """Its agent was killed in the middle of its hello, and started again at once."""
    tokens = register(portal.port, processes.new_token(cluster)).tokens
    old, new = connect(tokens.access_token), connect(tokens.access_token)
    old.say(hello=wire.Hello(info=info(instance="old")))
    assert portal.server
    streams = portal.server.streams
    wait_until(lambda: any(each._opening for each in streams.connections), what="the older hello")
    assert new.hello(instance="new").leads
    session = agent().session_id
    old.close()
    slow_opening.set()
    wait_until(lambda: len(streams.connections) == len(streams.unfinished) == 1, what="the older one to end")
    assert (agent().session_id, agent().instance_id) == (session, "new")
    bundle = put(cluster)
    assert [each.key for each in new.hear("delta").upserts] == [bundle.key]


def test_of_an_agent_that_vanishes_in_the_middle_of_its_hello_no_session_stays(
    portal: Portal, cluster: Cluster, connect: Connect, slow_opening: threading.Event
) -> None:
    stream = connect(cluster=cluster)
    stream.say(hello=wire.Hello(info=info()))
    assert portal.server
    streams = portal.server.streams
    wait_until(lambda: any(each._opening for each in streams.connections), what="the hello")
    stream.close()
    wait_until(lambda: any(each.closing for each in streams.connections), what="the stream to end")
    slow_opening.set()
    wait_until(lambda: not streams.unfinished, what="the writing down of it")
    assert agent().connected_at is None
    assert agent().disconnected_because
    assert (agent().session_id, agent().leads) == ("", False)


def test_a_stream_ends_with_its_token_unless_it_is_given_a_new_one(
    portal: Portal, cluster: Cluster, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(texts, "ACCESS_LASTS", timedelta(seconds=8))
    pair = register(portal.port, processes.new_token(cluster)).tokens
    stream = connect(pair.access_token)
    stream.hello()
    monkeypatch.undo()
    pair = refresh(portal.port, pair.refresh_token)
    stream.say(token=wire.TokenUpdate(access_token=pair.access_token))
    assert stream.hears_nothing(for_seconds=8.5)

    monkeypatch.setattr(texts, "ACCESS_LASTS", timedelta(seconds=1))
    other = connect(refresh(portal.port, pair.refresh_token).access_token)
    other.say(hello=wire.Hello(info=info()))
    assert other.hear("goodbye").reason == Reason.TOKEN_EXPIRED


def test_the_database_goes_and_comes_back(portal: Portal, cluster: Cluster, connect: Connect) -> None:
    tokens = register(portal.port, processes.new_token(cluster)).tokens
    stream = connect(tokens.access_token)
    stream.hello()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    bundle = put(cluster)

    def heard() -> bool:
        """By this stream or, had it been in the middle of something, by the next."""
        try:
            return stream.hear("delta").upserts[0].key == bundle.key
        except (AssertionError, Over):
            return connect(tokens.access_token).hello().revision == bundle.revision

    assert heard()


def test_two_agents_of_which_one_leads(portal: Portal, cluster: Cluster, connect: Connect) -> None:
    first, second = connect(cluster=cluster), connect(cluster=cluster)
    assert first.hello().leads
    assert not second.hello().leads
    bundle = put(cluster)
    assert first.hear("delta").upserts
    assert second.hears_nothing()
    # What the second says of a bundle doesn't count
    second.report(bundle.key, bundle.digest, wire.BundleStatus.READY)
    first.close()
    second.hear("lead")
    assert second.hear("delta").upserts[0].key == bundle.key
    assert Bundle.objects.get().phase == Bundle.Phase.PENDING
    assert Agent.objects.get(leads=True).name == "agent-2"


def test_after_the_leader_was_revoked_the_next_one_leads_and_the_one_after_that(
    portal: Portal, cluster: Cluster, connect: Connect
) -> None:
    streams = [connect(cluster=cluster) for _ in range(3)]
    for stream in streams:
        stream.hello()
    for number in (1, 2):
        revoke_agent(actor=SYSTEM, agent=Agent.objects.get(leads=True))
        streams[number].hear("lead")
    assert Agent.objects.get(leads=True).name == "agent-3"


def test_a_leader_that_vanished_without_a_word_gives_way(portal: Portal, cluster: Cluster, connect: Connect) -> None:
    """Its server was killed: nothing of the stream is left but its row."""
    register(portal.port, processes.new_token(cluster))
    Agent.objects.update(session_id="ses_gone", leads=True, connected_at=now(), seen_at=now())
    second = connect(cluster=cluster)
    assert not second.hello().leads
    close_lost_streams()
    assert second.hears_nothing()
    Agent.objects.filter(name="agent-1").update(seen_at=now() - SILENCE * 2)
    close_lost_streams()
    second.hear("lead")
    lost = Agent.objects.get(name="agent-1")
    assert (lost.session_id, lost.leads, lost.disconnected_because) == ("", False, "Nothing was heard of it.")
    put(cluster)
    assert second.hear("delta").upserts


def test_a_leader_that_vanished_does_not_keep_the_next_who_comes_from_leading(
    portal: Portal, cluster: Cluster, connect: Connect
) -> None:
    register(portal.port, processes.new_token(cluster))
    Agent.objects.update(session_id="ses_gone", leads=True, connected_at=now(), seen_at=now() - SILENCE * 2)
    assert connect(cluster=cluster).hello().leads
