"""Between rows and messages."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

from agent.protocol import v1_pb2 as wire
from apps.fleet.models import Bundle
from apps.fleet.services.identities import AgentInfo, Pair
from apps.fleet.services.sessions import Delivery, Report

# A snapshot comes in pieces of about this many bytes
CHUNK_BYTES = 1024 * 1024

PHASES = {
    wire.BundleStatus.APPLYING: Bundle.Phase.DELIVERING,
    wire.BundleStatus.APPLIED: Bundle.Phase.APPLIED,
    wire.BundleStatus.READY: Bundle.Phase.READY,
    wire.BundleStatus.FAILED: Bundle.Phase.FAILED,
    wire.BundleStatus.PRUNED: Bundle.Phase.PRUNED,
}


def tokens_of(pair: Pair) -> Any:
    return wire.Tokens(
        access_token=pair.access_token,
        access_expires_at=_timestamp(pair.access_expires_at),
        refresh_token=pair.refresh_token,
        refresh_expires_at=_timestamp(pair.refresh_expires_at),
    )


def info_of(message: Any) -> AgentInfo:
    return AgentInfo(
        version=message.version[:40],
        instance_id=message.instance_id[:64],
        cluster_uid=message.cluster_uid[:64],
        facts={key[:40]: value[:200] for key, value in sorted(message.facts.items())[:40]},
    )


def report_of(message: Any) -> Report:
    return Report(
        key=message.key,
        digest=message.digest[:64],
        phase=PHASES.get(message.phase, Bundle.Phase.DELIVERING),
        message=message.message,
        statuses=[_status_of(each) for each in message.objects[:200]],
    )


def chunks_of(delivery: Delivery) -> Iterator[Any]:
    """At least one, the last of them marked."""
    chunk, size, index = wire.SnapshotChunk(revision=delivery.revision), 0, 0
    for bundle in delivery.bundles:
        each = bundle_of(bundle)
        if size and size + each.ByteSize() > CHUNK_BYTES:
            yield chunk
            index += 1
            chunk, size = wire.SnapshotChunk(revision=delivery.revision, index=index), 0
        chunk.bundles.append(each)
        size += each.ByteSize()
    chunk.last = True
    yield chunk


def delta_of(delivery: Delivery) -> Any:
    return wire.Delta(
        base_revision=delivery.base,
        revision=delivery.revision,
        upserts=[bundle_of(bundle) for bundle in delivery.bundles],
        removed=list(delivery.removed),
    )


def bundle_of(bundle: Bundle) -> Any:
    return wire.Bundle(key=bundle.key, digest=bundle.digest, manifests=bundle.manifests.reveal().encode())


def _status_of(message: Any) -> dict[str, Any]:
    conditions = [{"type": each.type, "is_true": each.is_true, "message": each.message} for each in message.conditions]
    return {
        "api_version": message.api_version,
        "kind": message.kind,
        "namespace": message.namespace,
        "name": message.name,
        "message": message.message[:500],
        "conditions": conditions,
    }


def _timestamp(moment: datetime) -> Timestamp:
    found = Timestamp()
    found.FromDatetime(moment)
    return found
