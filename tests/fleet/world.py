"""Clusters, agents and bundles as rows, for tests that need no agent behind them."""

from datetime import timedelta
from typing import Any

from apps.core.clock import now
from apps.fleet.models import Agent, Bundle, Cluster, Reach
from apps.fleet.services.bundles import put_bundle


def make_cluster(name: str = "seoul-a", region: str = "ap-northeast-2", **values: Any) -> Cluster:
    return Cluster.objects.create(
        **{"name": name, "region": region, "reach": Reach.AGENT, "domain": f"{name}.api.example", **values}
    )


def make_agent(cluster: Cluster, name: str = "agent-1", *, is_there: bool = True, **values: Any) -> Agent:
    moment = now() if is_there else now() - timedelta(minutes=14)
    here = {"session_id": f"ses_{name}", "connected_at": moment} if is_there else {"disconnected_because": "It's gone."}
    standing = {"seen_at": moment, "synced_at": moment, "version": "0.9.2", "applied_revision": cluster.revision}
    return Agent.objects.create(cluster=cluster, name=name, **{**here, **standing, **values})


def make_bundle(cluster: Cluster, key: str, phase: str = Bundle.Phase.READY, **said: Any) -> Bundle:
    """Wanted, and reported on as the agent would."""
    manifest = {"api_version": "local.imp.dev/v1", "kind": "Runtime", "namespace": "imp", "name": "prod", "wave": 2}
    bundle = put_bundle(cluster_id=cluster.pk, key=key, manifests=[{**manifest, "spec": {"secret": "hunter2"}}])
    cluster.refresh_from_db()
    values = {"phase": phase, "reported_digest": bundle.digest, "reported_at": now(), "ready_ms": 900, **said}
    Bundle.objects.filter(pk=bundle.pk).update(**values)
    bundle.refresh_from_db()
    return bundle
