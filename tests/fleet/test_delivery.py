"""What is wanted comes to the agent: as it's wanted, after it was away, after maintenance, and in pieces."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from django.db import transaction

from agent.protocol import v1_pb2 as wire
from agent.state import state_digest
from apps.audit.services import SYSTEM
from apps.fleet.delivery import wanted_of
from apps.fleet.models import Agent, Bundle, Cluster
from apps.fleet.problems import BundleTooLarge
from apps.fleet.services import bundles
from apps.fleet.services.agents import revoke_agent
from apps.fleet.services.bundles import LARGEST_BUNDLE, put_bundle, remove_bundle
from apps.fleet.services.clusters import begin_maintenance, end_maintenance, resync_cluster
from tests.fleet import processes
from tests.fleet.conftest import Connect
from tests.fleet.portal import MemoryAgent, Over, Portal, Stream, register
from tests.fleet.processes import Server, wait_until
from tests.fleet.test_streams import put

pytestmark = pytest.mark.django_db(transaction=True)

Status = wire.BundleStatus


def digest_of(*bundles: Bundle) -> str:
    return state_digest((bundle.key, bundle.digest) for bundle in bundles)


def revision(cluster: Cluster) -> int:
    cluster.refresh_from_db()
    return cluster.revision


@pytest.fixture
def token(portal: Portal, cluster: Cluster) -> str:
    return str(register(portal.port, processes.new_token(cluster)).tokens.access_token)


def test_both_sides_make_the_same_digest_of_what_is_wanted(cluster: Cluster) -> None:
    nothing = wanted_of(cluster.pk)
    assert nothing
    assert nothing.digest == state_digest([])
    # In whichever order a database would sort them
    names = ("a/b", "a-b", "a", "B", "\N{LATIN SMALL LETTER A WITH DIAERESIS}", "a_b")
    there = [put(cluster, name) for name in names]
    remove_bundle(cluster_id=cluster.pk, key=put(cluster, "gone").key)
    wanted = wanted_of(cluster.pk)
    assert wanted
    assert wanted.digest == digest_of(*there)
    assert wanted.revision == revision(cluster) == 8


def test_an_agent_that_holds_what_is_wanted_is_sent_nothing(token: str, cluster: Cluster, connect: Connect) -> None:
    bundle = put(cluster)
    stream = connect(token)
    welcome = stream.hello(revision=1, digest=digest_of(bundle))
    assert welcome.sync == wire.Welcome.UP_TO_DATE
    assert stream.hears_nothing()


def test_one_that_stands_there_and_holds_something_else_is_sent_everything(
    token: str, cluster: Cluster, connect: Connect
) -> None:
    bundle = put(cluster)
    stream = connect(token)
    assert stream.hello(revision=1).sync == wire.Welcome.SNAPSHOT
    assert stream.take_all()[1].keys() == {bundle.key}


def test_one_that_was_away_is_sent_what_has_changed_since(token: str, cluster: Cluster, connect: Connect) -> None:
    first, second, third = (put(cluster, name) for name in "abc")
    remove_bundle(cluster_id=cluster.pk, key=second.key)
    put(cluster, "a", changed=True)
    stream = connect(token)
    assert stream.hello(revision=3, digest=digest_of(first, second, third)).sync == wire.Welcome.DELTA
    delta = stream.hear("delta")
    assert (delta.base_revision, delta.revision) == (3, 5)
    assert [each.key for each in delta.upserts] == [first.key]
    assert delta.removed == [second.key]


def test_one_from_the_future_or_from_before_what_is_forgotten_is_sent_everything(
    token: str, cluster: Cluster, connect: Connect
) -> None:
    kept, removed = put(cluster, "a"), put(cluster, "b")
    stream = connect(token)
    assert stream.hello(revision=99, digest=digest_of(kept)).sync == wire.Welcome.SNAPSHOT
    stream.take_all()
    remove_bundle(cluster_id=cluster.pk, key=removed.key)
    stream.ack(stream.hear("delta").revision)
    stream.report(removed.key, removed.digest, Status.PRUNED)
    wait_until(lambda: not Bundle.objects.filter(key=removed.key).exists(), what="its being forgotten")
    again = connect(token)
    # By a delta it would never hear of what went
    again.hello(revision=2, digest=digest_of(kept, removed))
    assert again.take_all()[1].keys() == {kept.key}


def test_a_delta_on_another_base_is_answered_with_everything(token: str, cluster: Cluster, connect: Connect) -> None:
    stream = connect(token)
    stream.hello()
    put(cluster)
    delta = stream.hear("delta")
    stream.ack(0, wire.Ack.OUT_OF_ORDER)
    assert stream.take_all()[0] == delta.revision


def test_a_heartbeat_with_another_digest_is_answered_with_everything_once(
    token: str, cluster: Cluster, connect: Connect
) -> None:
    bundle = put(cluster)
    stream = connect(token)
    stream.hello(revision=1, digest=digest_of(bundle))
    stream.say(heartbeat=wire.Heartbeat(applied_revision=1, state_digest="other"))
    assert stream.take_all()[0] == 1
    stream.say(heartbeat=wire.Heartbeat(applied_revision=1, state_digest="other"))
    assert stream.hears_nothing()
    assert Agent.objects.get().synced_at is None
    stream.say(
        heartbeat=wire.Heartbeat(applied_revision=1, state_digest=digest_of(bundle), facts={"gateway_port": "81"})
    )
    wait_until(lambda: Agent.objects.get().synced_at, what="being in sync")
    cluster.refresh_from_db()
    assert cluster.facts == {"gateway_port": "81"}


def test_what_comes_while_one_delivery_is_not_acknowledged_comes_with_the_next(
    token: str, cluster: Cluster, connect: Connect
) -> None:
    stream = connect(token)
    stream.hello()
    put(cluster, "a")
    first = stream.hear("delta")
    for name in "bcd":
        put(cluster, name)
    assert stream.hears_nothing()
    stream.ack(first.revision)
    second = stream.hear("delta")
    assert (second.base_revision, second.revision) == (1, 4)
    assert [each.key for each in second.upserts] == ["trial/b", "trial/c", "trial/d"]


def test_in_maintenance_nothing_new_is_delivered_and_then_all_of_it(
    token: str, cluster: Cluster, connect: Connect
) -> None:
    there = put(cluster, "there")
    stream = connect(token)
    stream.hello(revision=1, digest=digest_of(there))
    begin_maintenance(actor=SYSTEM, cluster=cluster, reason="Disks are replaced.")
    new = put(cluster, "new")
    remove_bundle(cluster_id=cluster.pk, key=there.key)
    assert stream.hears_nothing()
    # Nor to one that comes meanwhile, wherever it stands
    for stands_at, digest in ((1, digest_of(there)), (0, state_digest([]))):
        stream = connect(token)
        stream.hello(revision=stands_at, digest=digest)
        assert stream.hears_nothing()
    cluster.refresh_from_db()
    end_maintenance(actor=SYSTEM, cluster=cluster)
    assert stream.take_all()[1].keys() == {new.key}
    assert stream.hear("delta").removed == [there.key]


def test_what_is_said_of_another_content_does_not_count(token: str, cluster: Cluster, connect: Connect) -> None:
    old = put(cluster)
    stream = connect(token)
    stream.hello(revision=1, digest=digest_of(old))
    new = put(cluster, changed=True)
    stream.ack(stream.hear("delta").revision)
    stream.report(new.key, old.digest, Status.FAILED, "No room")
    stream.report(new.key, new.digest, Status.APPLYING, "1 of 2 processes ready")
    wait_until(lambda: Bundle.objects.get().phase == Bundle.Phase.DELIVERING, what="the newer status")
    assert Bundle.objects.get().message == "1 of 2 processes ready"
    stream.report(new.key, new.digest, Status.READY)
    wait_until(lambda: Bundle.objects.get().says(Bundle.Phase.READY), what="ready")
    assert Bundle.objects.get().ready_ms is not None


def test_ready_counts_from_the_revision_on_that_wants_it(token: str, cluster: Cluster, connect: Connect) -> None:
    bundle = put(cluster)
    stream = connect(token)
    stream.hello(revision=1, digest=digest_of(bundle))
    remove_bundle(cluster_id=cluster.pk, key=bundle.key)
    first = stream.hear("delta")
    assert put(cluster).digest == bundle.digest
    # Said while it knew neither of the removal nor of what came after it
    stream.report(bundle.key, bundle.digest, Status.READY)
    stream.ack(first.revision)
    second = stream.hear("delta")
    stream.report(bundle.key, bundle.digest, Status.READY)
    stream.say(heartbeat=wire.Heartbeat(applied_revision=1, state_digest="seen"))
    wait_until(lambda: Agent.objects.get().state_digest == "seen", what="the heartbeat")
    assert Bundle.objects.get().phase == Bundle.Phase.PENDING
    stream.ack(second.revision)
    stream.report(bundle.key, bundle.digest, Status.READY)
    wait_until(lambda: Bundle.objects.get().says(Bundle.Phase.READY), what="ready")


def test_that_it_can_not_be_taken_counts_before_it_is_taken(token: str, cluster: Cluster, connect: Connect) -> None:
    stream = connect(token)
    stream.hello()
    bundle = put(cluster)
    stream.hear("delta")
    stream.report(bundle.key, bundle.digest, Status.FAILED, "No room")
    wait_until(lambda: Bundle.objects.get().says(Bundle.Phase.FAILED), what="failed")


def test_removed_and_wanted_again_before_the_agent_heard_of_either_it_gets_ready(
    portal: Portal, cluster: Cluster, tmp_path: Path
) -> None:
    """The agent, to which nothing has changed, says it again for the newer revision."""
    bundle, other = put(cluster, "a"), put(cluster, "b")
    agent = MemoryAgent(portal, tmp_path / "agent", processes.new_token(cluster))
    try:
        ready = Bundle.objects.filter(phase=Bundle.Phase.READY)
        wait_until(lambda: ready.count() == 2, what="both")
        with transaction.atomic():
            remove_bundle(cluster_id=cluster.pk, key=bundle.key)
            again = put(cluster, "a")
        assert (again.digest, again.revision) == (bundle.digest, other.revision + 2)
        wait_until(lambda: ready.filter(revision=again.revision).exists(), what="ready again")
        # And where all of it comes anew, of which the portal has forgotten what was said
        Bundle.objects.update(phase=Bundle.Phase.PENDING, reported_digest="")
        resync_cluster(actor=SYSTEM, cluster=cluster)
        wait_until(lambda: ready.count() == 2, what="both after a resync")
    finally:
        agent.kill()


def test_gone_counts_for_the_removal_that_the_agent_knows_of(token: str, cluster: Cluster, connect: Connect) -> None:
    bundle = put(cluster)
    stream = connect(token)
    stream.hello(revision=1, digest=digest_of(bundle))
    remove_bundle(cluster_id=cluster.pk, key=bundle.key)
    delta = stream.hear("delta")
    # Said before it took that revision, so it was about something else
    stream.report(bundle.key, bundle.digest, Status.PRUNED)
    stream.say(heartbeat=wire.Heartbeat(applied_revision=1, state_digest="seen"))
    wait_until(lambda: Agent.objects.get().state_digest == "seen", what="the heartbeat")
    assert Bundle.objects.exists()
    stream.ack(delta.revision)
    stream.report(bundle.key, bundle.digest, Status.PRUNED)
    wait_until(lambda: not Bundle.objects.exists(), what="its being gone")


def test_an_owner_that_fails_to_hear_keeps_nobody_else_from_hearing(
    token: str, cluster: Cluster, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(keys: Sequence[str]) -> None:
        if "trial/a" in keys:
            raise ValueError(keys)

    monkeypatch.setitem(bundles._hearers, "trial", fail)
    poison, other = put(cluster, "a"), put(cluster, "b")
    stream = connect(token)
    stream.hello(revision=2, digest=digest_of(poison, other))
    for bundle in (poison, other):
        stream.report(bundle.key, bundle.digest, Status.READY)
    wait_until(lambda: Bundle.objects.get(key=other.key).says(Bundle.Phase.READY), what="the other")
    assert Bundle.objects.get(key=poison.key).phase == Bundle.Phase.PENDING
    assert stream.hears_nothing()


def test_a_removal_that_was_done_and_not_heard_is_named_again(token: str, cluster: Cluster, connect: Connect) -> None:
    remove_bundle(cluster_id=cluster.pk, key=put(cluster).key)
    stream = connect(token)
    assert stream.hello(revision=2).sync == wire.Welcome.UP_TO_DATE
    delta = stream.hear("delta")
    assert (delta.base_revision, delta.revision, list(delta.removed)) == (2, 2, ["trial/a"])
    stream.ack(2)
    stream.report("trial/a", "", Status.PRUNED)
    wait_until(lambda: not Bundle.objects.exists(), what="its being gone")


def test_a_resync_sends_everything_to_who_leads(token: str, cluster: Cluster, connect: Connect) -> None:
    bundle = put(cluster)
    stream = connect(token)
    stream.hello(revision=1, digest=digest_of(bundle))
    assert stream.hears_nothing()
    resync_cluster(actor=SYSTEM, cluster=cluster)
    assert stream.take_all()[1].keys() == {bundle.key}


def test_large_deliveries_come_in_pieces(token: str, cluster: Cluster, connect: Connect) -> None:
    for number in range(5):
        put(cluster, f"b{number}", filling="x" * 700_000)
    stream = connect(token)
    stream.hello()
    chunks = [stream.hear("snapshot") for _ in range(5)]
    assert [(each.index, each.last, len(each.bundles)) for each in chunks] == [(n, n == 4, 1) for n in range(5)]
    stream.ack(5)
    # Of changes too, each piece standing on the one before, while the first of them isn't acknowledged
    put(cluster, "small")
    first = stream.hear("delta")
    for number in range(3):
        put(cluster, f"c{number}", filling="x" * 700_000)
    stream.ack(first.revision)
    deltas = [stream.hear("delta") for _ in range(3)]
    assert [(each.base_revision, each.revision) for each in deltas] == [(6, 7), (7, 8), (8, 9)]


def test_more_than_fits_into_a_message_is_not_wanted_at_all(cluster: Cluster) -> None:
    with pytest.raises(BundleTooLarge):
        put(cluster, filling="x" * LARGEST_BUNDLE)
    assert not Bundle.objects.exists()
    assert revision(cluster) == 0


def test_the_server_is_killed_in_the_middle_of_a_snapshot(
    portal: Portal, cluster: Cluster, connect: Connect, tmp_path: Path
) -> None:
    """Half of it changes nothing, and is told apart from all of it."""
    for number in range(20):
        put(cluster, f"b{number}", filling="x" * 900_000)
    token = str(register(portal.port, processes.new_token(cluster)).tokens.access_token)
    server = Server(tmp_path)
    try:
        stream = wait_until(lambda: _stream_to(server, token), what="the server", log=server.log)
        assert not stream.hear("snapshot").last
        server.kill()
        stream.is_over()
        stream.close()
    finally:
        server.kill()
    revoke_agent(actor=SYSTEM, agent=Agent.objects.get())
    agent = MemoryAgent(portal, tmp_path / "agent", processes.new_token(cluster))
    try:
        ready = Bundle.objects.filter(phase=Bundle.Phase.READY)
        wait_until(lambda: ready.count() == 20, what="all of it")
    finally:
        agent.kill()


def _stream_to(server: Server, token: str) -> Stream | None:
    """Greeted; None while nobody listens there yet."""
    stream = Stream(server.port, token)
    try:
        stream.hello()
    except Over:
        stream.close()
        return None
    return stream


def test_bundles_are_put_by_whoever_wants_them_at_once(portal: Portal, cluster: Cluster) -> None:
    """Owners that want, agents that report and operators that look on: nobody waits for somebody in a circle."""
    from concurrent.futures import ThreadPoolExecutor

    from django.db import connections

    def want(number: int) -> None:
        try:
            for turn in range(10):
                key = f"trial/{(number + turn) % 4}"
                if turn % 3 == 2:
                    remove_bundle(cluster_id=cluster.pk, key=key)
                else:
                    put_bundle(cluster_id=cluster.pk, key=key, manifests=[{"kind": "Namespace", "name": f"{turn}"}])
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(want, range(4)))
    revisions = list(Bundle.objects.values_list("revision", flat=True))
    assert len(set(revisions)) == len(revisions)
    assert max(revisions) == revision(cluster)
