"""What brings an agent from where it stands to what is wanted. Contents are read, and opened, page by page."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from django.db import connection

from apps.fleet.models import Bundle, Cluster

# How many bundles are read at once, and about how many bytes of them go into one message
PAGE = 100
MESSAGE_BYTES = 1024 * 1024

# As agent/state.py makes it, of what is wanted. One statement, so revision and bundles are of the same moment
DIGEST = """
SELECT cluster.revision, encode(sha256(convert_to(coalesce(state.text, ''), 'UTF8')), 'hex')
FROM fleet_cluster cluster, LATERAL (
    SELECT string_agg(line, '' ORDER BY line COLLATE "C") AS text
    FROM (
        SELECT key || ' ' || digest || E'\\n' AS line
        FROM fleet_bundle WHERE cluster_id = cluster.id AND removed_at IS NULL
    ) lines
) state
WHERE cluster.id = %s
"""


@dataclass(frozen=True)
class Wanted:
    """What is wanted of a cluster at a revision, by its digest."""

    revision: int
    digest: str


@dataclass(frozen=True)
class Piece:
    """A bundle to be delivered, without its content."""

    id: str
    revision: int
    key: str


@dataclass(frozen=True)
class Delivery:
    """Whole: all there is, so that the rest may go. Else what has changed since `base`, in the order of revisions."""

    base: int
    revision: int
    is_whole: bool
    pieces: Sequence[Piece] = ()
    # Keys of what is wanted no more
    removed: Sequence[str] = ()


@dataclass
class Content:
    """One message's worth."""

    pieces: list[Piece] = field(default_factory=list)
    bundles: list[tuple[str, str, bytes]] = field(default_factory=list)
    size: int = 0


def wanted_of(cluster_id: str) -> Wanted | None:
    """None: there's no such cluster any more."""
    with connection.cursor() as cursor:
        cursor.execute(DIGEST, [cluster_id])
        row = cursor.fetchone()
    return Wanted(*row) if row else None


def plan_delivery(cluster_id: str, *, since: int | None, names_removed: bool) -> Delivery | None:
    """From a revision on; None: from nothing. Answers None where there's nothing to deliver, or maintenance.

    `names_removed` also names what was removed before: the agent may have done it and not been heard.
    """
    # Read before the rows: whatever is newer than that is in the next delivery too. And what is forgotten after them:
    # of what went meanwhile, the rows don't tell
    cluster = Cluster.objects.filter(pk=cluster_id).first()
    if cluster is None or cluster.is_in_maintenance:
        return None
    if since is not None and since >= cluster.revision and not names_removed:
        return None
    rows = Bundle.objects.filter(cluster_id=cluster_id).order_by("revision")
    found = list(rows.values_list("pk", "revision", "key", "removed_at"))
    forgotten = Cluster.objects.filter(pk=cluster_id).values_list("forgotten_revision", flat=True).first() or 0
    is_whole = since is None or since < forgotten
    base = cluster.revision if since is None else since
    pieces = [Piece(*row[:3]) for row in found if row[3] is None and (is_whole or row[1] > base)]
    gone = [(row[2], row[1]) for row in found if row[3] is not None]
    if is_whole:
        # What went after that revision is named by the next delivery, whose revision says so
        removed = [key for key, revision in gone if revision <= cluster.revision]
        return Delivery(cluster.revision, cluster.revision, True, pieces, removed)
    removed = [key for key, revision in gone if names_removed or revision > base]
    if not pieces and not removed:
        return None
    newest = max([base, *(piece.revision for piece in pieces), *(revision for _key, revision in gone)])
    return Delivery(base, newest, False, pieces, removed)


def contents_of(pieces: Sequence[Piece]) -> Iterator[Content]:
    """In their order, by messages. What was removed meanwhile is left out: the next delivery says so."""
    content = Content()
    for start in range(0, len(pieces), PAGE):
        page = pieces[start : start + PAGE]
        rows = Bundle.objects.filter(pk__in=[piece.id for piece in page], removed_at=None).in_bulk()
        for piece in page:
            row = rows.get(piece.id)
            manifests = row.manifests.reveal().encode() if row else b""
            if content.size and content.size + len(manifests) > MESSAGE_BYTES:
                yield content
                content = Content()
            content.pieces.append(piece)
            if row:
                content.bundles.append((row.key, row.digest, manifests))
                content.size += len(manifests)
    yield content
