"""What is wanted in a cluster. An unchanged digest is no change.

Locks are taken in this order: what owners have of their own, the cluster, its bundles.
"""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import orjson
from django.db import connection, transaction

from apps.core.clock import now
from apps.core.events import publish
from apps.core.notify import notify
from apps.fleet.models import Bundle, Cluster, Manifest
from apps.fleet.problems import BundleTooLarge

# The payload is the cluster's id: agents' servers read the rows
CHANNEL = "imp_fleet"
# One travels in one message, and a Secret of Kubernetes holds no more than half of that
LARGEST_BUNDLE = 2 * 1024 * 1024
NEXT_REVISION = "UPDATE fleet_cluster SET revision = revision + 1 WHERE id = %s RETURNING revision"

Hear = Callable[[Sequence[str]], None]
_hearers: dict[str, Hear] = {}


def register_owner(prefix: str, hear: Hear) -> None:
    """`hear(keys)` is told, in the transaction that writes them, of news about bundles whose key begins with `prefix/`.

    What it locks for that, it locks in an order that holds for everybody: there may be a hundred at once.
    """
    _hearers[prefix] = hear


@transaction.atomic
def put_bundle(*, cluster_id: str, key: str, manifests: Sequence[Manifest], tenant_id: str = "") -> Bundle:
    """Want exactly these manifests under this key. The answer's revision tells when it was last another."""
    text = orjson.dumps(list(manifests), option=orjson.OPT_SORT_KEYS)
    if len(text) > LARGEST_BUNDLE:
        raise BundleTooLarge(f"{key} has {len(text):,} bytes, and {LARGEST_BUNDLE:,} is the most.")
    digest = hashlib.sha256(text).hexdigest()
    # The cluster first, always: two that want the same key at once then wait for each other and never lock crosswise
    Cluster.objects.select_for_update(no_key=True).get(pk=cluster_id)
    bundle = Bundle.objects.filter(cluster_id=cluster_id, key=key).first() or Bundle(
        cluster_id=cluster_id, key=key, tenant_id=tenant_id
    )
    if bundle.digest == digest and bundle.removed_at is None:
        return bundle
    bundle.manifests = text.decode()
    bundle.objects_named = [_named(each) for each in manifests]
    bundle.digest, bundle.removed_at = digest, None
    _set_wanted(bundle)
    return bundle


@transaction.atomic
def remove_bundle(*, cluster_id: str, key: str) -> Bundle | None:
    """Want nothing of it any more. None: nothing of it is left."""
    Cluster.objects.select_for_update(no_key=True).get(pk=cluster_id)
    bundle = Bundle.objects.filter(cluster_id=cluster_id, key=key).first()
    if bundle is None or bundle.removed_at is not None:
        return bundle
    bundle.removed_at = now()
    _set_wanted(bundle)
    return bundle


def tell_owners(keys: Iterable[str]) -> None:
    """Before the bundles are written: by the order of locks, what their owners have comes first."""
    by_owner: dict[str, list[str]] = defaultdict(list)
    for key in sorted(keys):
        by_owner[key.partition("/")[0]].append(key)
    for prefix, theirs in by_owner.items():
        if hear := _hearers.get(prefix):
            hear(theirs)


def _set_wanted(bundle: Bundle) -> None:
    with connection.cursor() as cursor:
        cursor.execute(NEXT_REVISION, [bundle.cluster_id])
        bundle.revision = cursor.fetchone()[0]
    bundle.wanted_at, bundle.phase, bundle.message, bundle.statuses = now(), Bundle.Phase.PENDING, "", []
    bundle.ready_ms = None
    bundle.save()
    notify(CHANNEL, bundle.cluster_id)
    publish("fleet", "wanted", bundle.cluster_id, tenant_id="")


def _named(manifest: Manifest) -> dict[str, Any]:
    return {name: manifest.get(name, "") for name in ("api_version", "kind", "namespace", "name")}
