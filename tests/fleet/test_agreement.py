"""Whatever is wanted, and whoever is killed or cut off in between: in the end both sides hold the same."""

import tempfile
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent import client
from apps.audit.services import SYSTEM
from apps.fleet.delivery import wanted_of
from apps.fleet.models import Bundle, Cluster
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


class Trial:
    def __init__(self, portal: Portal) -> None:
        Bundle.objects.all().delete()
        Cluster.objects.all().delete()
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
        wait_until(self._agree, within=30, what="both sides to agree")

    def _agree(self) -> bool:
        wanted = wanted_of(self.cluster.pk)
        assert wanted
        going = Bundle.objects.exclude(removed_at=None).exists()
        unready = Bundle.objects.filter(removed_at=None).exclude(phase=Bundle.Phase.READY).exists()
        return not going and not unready and wanted.digest == self.agent.digest


def test_what_an_agent_that_comes_back_says_again_is_not_written_again(portal: Portal, tmp_path: Path) -> None:
    cluster = Cluster.objects.create(name="seoul-a", region="here", domain="api.example")
    for number in range(300):
        put_bundle(cluster_id=cluster.pk, key=f"trial/{number}", manifests=[{"kind": "Namespace", "spec": number}])
    agent = MemoryAgent(portal, tmp_path / "agent", new_token(cluster))
    ready = Bundle.objects.filter(phase=Bundle.Phase.READY)
    wait_until(lambda: ready.count() == 300, within=40, what="all to be ready")
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
