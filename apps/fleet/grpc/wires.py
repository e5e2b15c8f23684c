"""Between rows and messages."""

from collections.abc import Iterator, Mapping
from typing import Any

from agent.protocol import v1_pb2 as wire
from apps.fleet.delivery import Content, Delivery, contents_of
from apps.fleet.models import Bundle
from apps.fleet.services.identities import AgentInfo, Pair
from apps.fleet.services.statuses import MESSAGES_KEPT, Report
from apps.fleet.tokens import ACCESS_LASTS

# What is kept of what an agent says; the rest of it isn't
MOST_FACTS, MOST_OBJECTS, MOST_CONDITIONS = 40, 200, 20
LONGEST_NAME, LONGEST_TEXT = 253, 500

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
        refresh_token=pair.refresh_token,
        access_seconds=int(ACCESS_LASTS.total_seconds()),
    )


def info_of(message: Any) -> AgentInfo:
    return AgentInfo(
        version=kept_of(message.version, 40),
        instance_id=kept_of(message.instance_id, 64),
        cluster_uid=kept_of(message.cluster_uid, 64),
        facts=facts_of(message.facts),
    )


def facts_of(facts: Mapping[str, str]) -> dict[str, str]:
    return {kept_of(key, 40): kept_of(value, 200) for key, value in sorted(facts.items())[:MOST_FACTS]}


def report_of(message: Any) -> Report:
    return Report(
        key=kept_of(message.key, 120),
        digest=kept_of(message.digest, 64),
        phase=PHASES.get(message.phase, Bundle.Phase.DELIVERING),
        message=kept_of(message.message, MESSAGES_KEPT),
        statuses=[_status_of(each) for each in message.objects[:MOST_OBJECTS]],
    )


def messages_of(delivery: Delivery) -> Iterator[dict[str, Any]]:
    """Read from the database as they're asked for, so that of a large delivery only one message is held at a time."""
    contents = contents_of(delivery.pieces)
    yield from (_chunks(delivery, contents) if delivery.is_whole else _deltas(delivery, contents))


def _chunks(delivery: Delivery, contents: Iterator[Content]) -> Iterator[dict[str, Any]]:
    """At least one, the last of them marked."""
    for index, (content, is_last) in enumerate(_with_last(contents)):
        yield {
            "snapshot": wire.SnapshotChunk(
                revision=delivery.revision, index=index, last=is_last, bundles=_bundles(content)
            )
        }
    if delivery.removed:
        yield {
            "delta": wire.Delta(
                base_revision=delivery.revision, revision=delivery.revision, removed=list(delivery.removed)
            )
        }


def _deltas(delivery: Delivery, contents: Iterator[Content]) -> Iterator[dict[str, Any]]:
    """Each stands on the one before. The last names what goes, as its revision isn't older than any removal."""
    base = delivery.base
    for content, is_last in _with_last(contents):
        revision = delivery.revision if is_last else content.pieces[-1].revision
        removed = list(delivery.removed) if is_last else []
        yield {"delta": wire.Delta(base_revision=base, revision=revision, upserts=_bundles(content), removed=removed)}
        base = revision


def _bundles(content: Content) -> list[Any]:
    return [wire.Bundle(key=key, digest=digest, manifests=manifests) for key, digest, manifests in content.bundles]


def _with_last(contents: Iterator[Content]) -> Iterator[tuple[Content, bool]]:
    content = next(contents)
    for following in contents:
        yield content, False
        content = following
    yield content, True


def kept_of(text: str, longest: int) -> str:
    """PostgreSQL takes no zero byte."""
    return text[:longest].replace("\0", "\N{REPLACEMENT CHARACTER}")


def _status_of(message: Any) -> dict[str, Any]:
    return {
        "api_version": kept_of(message.api_version, LONGEST_NAME),
        "kind": kept_of(message.kind, LONGEST_NAME),
        "namespace": kept_of(message.namespace, LONGEST_NAME),
        "name": kept_of(message.name, LONGEST_NAME),
        "message": kept_of(message.message, LONGEST_TEXT),
        "conditions": [
            {
                "type": kept_of(each.type, LONGEST_NAME),
                "is_true": each.is_true,
                "message": kept_of(each.message, LONGEST_TEXT),
            }
            for each in message.conditions[:MOST_CONDITIONS]
        ],
    }
