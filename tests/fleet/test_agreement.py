"""Whatever is wanted, and whoever is killed or cut off in between: in the end both sides hold the same."""

import tempfile
from pathlib import Path
from typing import Any

import pytest
from django.db import IntegrityError, OperationalError, connection, transaction
from django.db.models import F
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent import client
from apps.audit.services import SYSTEM
from apps.core.clock import now
from apps.fleet.delivery import wanted_of
from apps.fleet.models import Agent, Bundle, Cluster
from apps.fleet.selectors import SILENCE
from apps.fleet.services.bundles import put_bundle, remove_bundle
from apps.fleet.services.clusters import begin_maintenance, end_maintenance, resync_cluster
from tests.fleet.portal import MemoryAgent, Portal
from tests.fleet.processes import new_token, wait_until

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _agents_come_back_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "LONGEST_PAUSE_NEARBY", 0.3)


KEYS = st.integers(0, 5)
# The last is what happens to the disk of an agent that comes from a backup, or loses a file
STEPS = st.one_of(
    st.tuples(st.just("put"), KEYS, st.integers(0, 2)),
    st.tuples(st.just("remove"), KEYS, st.just(0)),
    st.tuples(st.sampled_from(["agent", "portal", "maintenance", "resync", "settle", "loss"]), KEYS, st.just(0)),
)


@settings(
    max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(steps=st.lists(STEPS, min_size=3, max_size=14))
def test_portal_and_agent_end_with_the_same_digest(portal: Portal, steps: list[tuple[str, int, int]]) -> None:
    trial = Trial(portal)
    try:
        for what, key, version in steps:
            trial.do(what, key, version)
        trial.end()
    finally:
        trial.close()


def _is_emptied() -> bool:
    """Not while an agent that was killed comes in or goes: its portal is at that yet, with locks in its own order."""
    try:
        with transaction.atomic():
            Bundle.objects.all().delete()
            Cluster.objects.all().delete()
    except (IntegrityError, OperationalError):
        return False
    return True


class Trial:
    def __init__(self, portal: Portal) -> None:
        wait_until(_is_emptied, what="what the trial before is still at")
        self.portal = portal
        self.cluster = Cluster.objects.create(name="seoul-a", region="here", domain="api.example")
        self.folder = tempfile.TemporaryDirectory()
        self.agent = MemoryAgent(portal, Path(self.folder.name) / "agent", new_token(self.cluster))

    def do(self, what: str, key: int, version: int) -> None:
        match what:
            case "put":
                manifests = [{"kind": "Namespace", "name": f"{key}", "spec": {"version": version}}]
                put_bundle(cluster_id=self.cluster.pk, key=f"trial/{key}", manifests=manifests)
            case "remove":
                remove_bundle(cluster_id=self.cluster.pk, key=f"trial/{key}")
            case "agent":
                self.agent.kill()
                self.agent.start()
            case "portal":
                self.portal.stop()
                self.portal.start()
            case "maintenance":
                self._turn_maintenance()
            case "resync":
                resync_cluster(actor=SYSTEM, cluster=self.cluster)
            case "settle":
                self._settle()
            case "loss":
                self.agent.kill()
                for file in sorted((self.agent.store.folder / "bundles").glob("*"))[:1]:
                    file.unlink()
                self.agent.start()

    def end(self) -> None:
        self._settle(ends_maintenance=True)
        assert self.agent.digest == self.agent.store.digest
        assert not Bundle.objects.exclude(removed_at=None).exists()
        for bundle in Bundle.objects.all():
            assert bundle.says(Bundle.Phase.READY), bundle.key

    def close(self) -> None:
        self.agent.kill()
        self.folder.cleanup()

    def _turn_maintenance(self) -> None:
        self.cluster.refresh_from_db()
        if self.cluster.is_in_maintenance:
            end_maintenance(actor=SYSTEM, cluster=self.cluster)
        else:
            begin_maintenance(actor=SYSTEM, cluster=self.cluster, reason="Trial.")

    def _settle(self, *, ends_maintenance: bool = False) -> None:
        self.cluster.refresh_from_db()
        if self.cluster.is_in_maintenance:
            if not ends_maintenance:
                return
            self._turn_maintenance()
        wait_until(self._agree, within=60, what="both sides to agree")

    def _agree(self) -> bool:
        wanted = wanted_of(self.cluster.pk)
        assert wanted
        going = Bundle.objects.exclude(removed_at=None).exists()
        unready = Bundle.objects.filter(removed_at=None).exclude(phase=Bundle.Phase.READY).exists()
        return not going and not unready and wanted.digest == self.agent.digest


def test_after_the_portal_was_away_both_agree_by_digest(portal: Portal, tmp_path: Path) -> None:
    """For so long that its agent counted as lost, while others wanted more, less and other things."""
    cluster = Cluster.objects.create(name="seoul-a", region="here", domain="api.example")

    def put(name: str, **spec: Any) -> None:
        manifests = [{"kind": "Namespace", "name": name, "spec": spec}]
        put_bundle(cluster_id=cluster.pk, key=f"trial/{name}", manifests=manifests)

    for name in ("stays", "changes", "goes", "comes back"):
        put(name)
    agent = MemoryAgent(portal, tmp_path / "agent", new_token(cluster))
    try:
        wait_until(lambda: Bundle.objects.filter(phase=Bundle.Phase.READY).count() == 4, what="all of it")
        before = agent.digest
        portal.stop()
        row = Agent.objects.get()
        assert (row.session_id, row.leads) == ("", False)
        Agent.objects.update(seen_at=now() - SILENCE * 2, synced_at=None)
        put("changes", other=True)
        put("is new")
        for name in ("goes", "comes back"):
            remove_bundle(cluster_id=cluster.pk, key=f"trial/{name}")
        put("comes back")
        assert agent.digest == before, "Without the portal it holds what it held"
        portal.start()
        wait_until(lambda: agent.digest == getattr(wanted_of(cluster.pk), "digest", ""), within=60, what="one digest")
        wait_until(lambda: Agent.objects.get().synced_at, what="the portal to know that they agree")
        ready = Bundle.objects.filter(phase=Bundle.Phase.READY, reported_digest=F("digest"), removed_at=None)
        wait_until(lambda: ready.count() == Bundle.objects.count(), what="a word about each")
        keys = set(Bundle.objects.values_list("key", flat=True))
        assert keys == {"trial/stays", "trial/changes", "trial/comes back", "trial/is new"}
    finally:
        agent.kill()


def test_a_stream_that_was_cut_off_takes_no_word_of_the_next(portal: Portal, tmp_path: Path) -> None:
    """Its call still asks for what to say next: that would be the next stream's hello."""
    cluster = Cluster.objects.create(name="seoul-a", region="here", domain="api.example")
    agent = MemoryAgent(portal, tmp_path / "agent", new_token(cluster))
    try:
        for _ in range(3):
            wait_until(lambda: Agent.objects.exclude(session_id=""), within=20, what="the agent's hello")
            assert portal.server
            # Without a goodbye
            portal.loop.run(portal.server._server.stop(0))
            portal.stop()
            portal.start()
    finally:
        agent.kill()


def test_what_an_agent_that_comes_back_says_again_is_not_written_again(portal: Portal, tmp_path: Path) -> None:
    cluster = Cluster.objects.create(name="seoul-a", region="here", domain="api.example")
    for number in range(300):
        put_bundle(cluster_id=cluster.pk, key=f"trial/{number}", manifests=[{"kind": "Namespace", "spec": number}])
    agent = MemoryAgent(portal, tmp_path / "agent", new_token(cluster))
    ready = Bundle.objects.filter(phase=Bundle.Phase.READY)
    wait_until(lambda: ready.count() == 300, within=60, what="all to be ready")
    before = _writes()
    agent.kill()
    agent.start()
    wait_until(lambda: _sessions() > before["sessions"], what="the agent to be back")
    wait_until(lambda: agent.digest == getattr(wanted_of(cluster.pk), "digest", ""), what="it to hold all")
    assert _writes()["reported_at"] == before["reported_at"]
    agent.kill()


def _sessions() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM core_event WHERE topic = 'fleet' AND kind = 'connected'")
        return int(cursor.fetchone()[0])


def _writes() -> dict[str, Any]:
    return {
        "sessions": _sessions(),
        "reported_at": list(Bundle.objects.order_by("key").values_list("reported_at", flat=True)),
    }
