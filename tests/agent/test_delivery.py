"""An agent and the real server of agents: what's said arrives, and what becomes of it is said."""

import os
import resource
import signal
from collections.abc import Iterator
from pathlib import Path

import orjson
import psutil
import pytest

from apps.fleet.models import Agent, Bundle, Cluster
from apps.fleet.services.bundles import put_bundle, remove_bundle
from tests.agent.load import Load
from tests.agent.place import Gateway, Manifest, call
from tests.fleet.processes import RunningAgent, Server, new_token, wait_until
from tests.gateways.world import make_cluster

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def cluster() -> Cluster:
    return make_cluster()


@pytest.fixture
def server(cluster: Cluster, tmp_path: Path) -> Iterator[Server]:
    server = Server(tmp_path)
    yield server
    server.stop()


@pytest.fixture
def agent(cluster: Cluster, server: Server, tmp_path: Path) -> Iterator[RunningAgent]:
    agent = RunningAgent(tmp_path / "agent", server.port, token=new_token(cluster))
    try:
        wait_until(Agent.objects.filter(leads=True).exists, within=60, what="the agent", log=agent.log)
        yield agent
    finally:
        agent.stop()


def want(cluster: Cluster, gateway: Gateway) -> None:
    for bundle in gateway.bundles():
        put_bundle(cluster_id=cluster.pk, key=key_of(bundle.key), manifests=orjson.loads(bundle.manifests))


def key_of(key: str) -> str:
    """Of an owner whom no app hears for."""
    return key.replace("gateway/", "trial/")


def is_ready(*gateways: Gateway) -> bool:
    keys = [key_of(bundle.key) for gateway in gateways for bundle in gateway.bundles()]
    found = Bundle.objects.filter(key__in=keys)
    return len(found) == len(keys) and all(each.says(Bundle.Phase.READY) for each in found)


def namespace(name: str) -> list[Manifest]:
    found: list[Manifest] = orjson.loads(Gateway(name).namespace().manifests)
    return found


def test_while_the_portal_is_away_traffic_doesnt_notice_and_afterwards_both_agree(
    cluster: Cluster, server: Server, agent: RunningAgent, tmp_path: Path
) -> None:
    steady, shaken = Gateway("parcels"), Gateway("letters")
    want(cluster, steady)
    want(cluster, shaken)
    wait_until(lambda: is_ready(steady, shaken), within=60, what="both gateways", log=agent.log)
    server.kill()
    before = {each.pid: each for each in psutil.Process(agent.process.pid).children(recursive=True)}
    victim = next(
        each for each in before.values() if str(agent.state / "engine" / "gateways" / "letters") == each.cwd()
    )
    with Load(agent.port, steady.host) as load:
        victim.kill()
        wait_until(lambda: call(agent.port, shaken.host)[0] == 404, within=60, what="the runtime again", log=agent.log)
        load.wait_for(200)
    load.require_none_failed()
    envoy = next(each for each in before.values() if each.is_running() and "envoy" in each.name())
    os.kill(envoy.pid, signal.SIGKILL)

    def both() -> bool:
        try:
            return all(call(agent.port, each.host)[0] == 404 for each in (steady, shaken))
        except OSError:
            return False

    wait_until(both, within=60, what="Envoy again", log=agent.log)
    # What is wanted meanwhile comes with the portal
    remove_bundle(cluster_id=cluster.pk, key=key_of(shaken.routes().key))
    with Load(agent.port, steady.host) as load:
        again = Server(tmp_path, server.port)
        try:
            wait_until(
                lambda: not Bundle.objects.filter(key=key_of(shaken.routes().key)).exists(),
                within=60, what="the routes to go", log=agent.log,
            )  # fmt: skip
            load.wait_for(100)
            held = {each.key: each.digest for each in Bundle.objects.all()}
            wait_until(lambda: set(names_on_disk(agent)) == set(held.items()), what="the same on both sides")
            agree = {(each.key, each.reported_digest) for each in Bundle.objects.all()}
            assert agree == set(held.items())
        finally:
            again.stop()
    load.require_none_failed()
    assert call(agent.port, shaken.host)[1]["type"] == "/errors/no-such-host"


def names_on_disk(agent: RunningAgent) -> list[tuple[str, str]]:
    heads = [orjson.loads(each.read_bytes().split(b"\n")[0]) for each in (agent.state / "bundles").iterdir()]
    return [(head["key"], head["digest"]) for head in heads]


def test_a_full_disk_is_told_and_gateways_go_on(cluster: Cluster, agent: RunningAgent) -> None:
    gateway = Gateway()
    want(cluster, gateway)
    wait_until(lambda: is_ready(gateway), within=60, what="the gateway", log=agent.log)
    _, most = resource.prlimit(agent.process.pid, resource.RLIMIT_FSIZE)
    # The kernel refuses it each write, as a full disk would
    resource.prlimit(agent.process.pid, resource.RLIMIT_FSIZE, (0, most))
    put_bundle(cluster_id=cluster.pk, key="trial/more", manifests=namespace("more"))
    failed = Bundle.objects.filter(key="trial/more", phase=Bundle.Phase.FAILED)
    with Load(agent.port, gateway.host) as load:
        wait_until(failed.exists, within=60, what="a word about it", log=agent.log)
    load.require_none_failed()
    assert "can't keep it" in failed.get().message
    assert str(agent.state) not in failed.get().message
    resource.prlimit(agent.process.pid, resource.RLIMIT_FSIZE, (most, most))
    found = Bundle.objects.filter(key="trial/more", phase=Bundle.Phase.READY)
    wait_until(found.exists, within=60, what="the bundle after all", log=agent.log)


def test_a_bundle_that_isnt_its_digest_harms_no_other(cluster: Cluster, agent: RunningAgent) -> None:
    bad = put_bundle(cluster_id=cluster.pk, key="trial/bad", manifests=namespace("bad"))
    wait_until(Bundle.objects.filter(key=bad.key, phase=Bundle.Phase.READY).exists, within=60, what="it", log=agent.log)
    Bundle.objects.filter(pk=bad.pk).update(digest="0" * 64, revision=cluster_revision(cluster) + 1)
    Cluster.objects.filter(pk=cluster.pk).update(revision=cluster_revision(cluster) + 1)
    good = put_bundle(cluster_id=cluster.pk, key="trial/good", manifests=namespace("good"))
    wait_until(
        Bundle.objects.filter(key=good.key, phase=Bundle.Phase.READY).exists, within=60, what="the good", log=agent.log
    )
    wait_until(
        Bundle.objects.filter(key=bad.key, phase=Bundle.Phase.FAILED).exists, within=60, what="the bad", log=agent.log
    )
    assert "isn't that of its digest" in Bundle.objects.get(pk=bad.pk).message
    assert agent.process.poll() is None


def test_what_it_says_of_a_bundle_is_never_too_long_to_be_heard(cluster: Cluster, agent: RunningAgent) -> None:
    put_bundle(cluster_id=cluster.pk, key="trial/bad", manifests=[{**namespace("x")[0], "namespace": "x" * 1_500_000}])
    put_bundle(cluster_id=cluster.pk, key="trial/good", manifests=namespace("good"))
    for key, phase in (("trial/bad", Bundle.Phase.FAILED), ("trial/good", Bundle.Phase.READY)):
        found = Bundle.objects.filter(key=key, phase=phase)
        wait_until(found.exists, within=60, what=key, log=agent.log)
    assert "xxx" in Bundle.objects.get(key="trial/bad").message


@pytest.mark.parametrize("revision", ["-7", "9" * 30])
def test_with_a_revision_and_a_token_that_cant_be_said_it_comes_back(
    cluster: Cluster, server: Server, agent: RunningAgent, revision: str
) -> None:
    put_bundle(cluster_id=cluster.pk, key="trial/thing", manifests=namespace("thing"))
    found = Bundle.objects.filter(key="trial/thing", phase=Bundle.Phase.READY)
    wait_until(found.exists, within=60, what="the bundle", log=agent.log)
    agent.stop()
    wait_until(lambda: not Agent.objects.filter(leads=True).exists(), within=60, what="its end", log=agent.log)
    (agent.state / "revision").write_text(revision)
    file = agent.state / "identity.json"
    file.write_bytes(orjson.dumps({**orjson.loads(file.read_bytes()), "access_token": "häl\nf"}))
    again = RunningAgent(agent.state, server.port)
    try:
        wait_until(Agent.objects.filter(leads=True).exists, within=60, what="the agent", log=again.log)
        put_bundle(cluster_id=cluster.pk, key="trial/more", manifests=namespace("more"))
        more = Bundle.objects.filter(key="trial/more", phase=Bundle.Phase.READY)
        wait_until(more.exists, within=60, what="another bundle", log=again.log)
        assert Agent.objects.count() == 1
    finally:
        again.stop()


def cluster_revision(cluster: Cluster) -> int:
    return Cluster.objects.get(pk=cluster.pk).revision


def test_a_new_token_in_its_file_is_taken_when_the_identity_is_lost(
    cluster: Cluster, server: Server, agent: RunningAgent
) -> None:
    agent.stop()
    (agent.state / "identity.json").write_text("{")
    agent.token_file.write_text("imr_of_nobody")
    again = RunningAgent(agent.state, server.port)
    try:
        wait_until(lambda: "no identity" in again.log.read_text(), within=60, what="a word", log=again.log)
        again.token_file.write_text(new_token(cluster))
        wait_until(Agent.objects.filter(leads=True, revoked_at=None).exists, within=60, what="the agent", log=again.log)
        put_bundle(cluster_id=cluster.pk, key="trial/thing", manifests=namespace("thing"))
        ready = Bundle.objects.filter(key="trial/thing", phase=Bundle.Phase.READY)
        wait_until(ready.exists, within=60, what="the bundle", log=again.log)
    finally:
        again.stop()
