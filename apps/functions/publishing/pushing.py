"""Makes a gateway's database say what the rows want, name by name.

Whoever does it holds the row of the counter there and reads here after that. So of any number at once, each reads
what was committed here last, and the one that commits there last has read nothing older than any other: a version is
never published over a newer one, and revisions are in the order of commits. What is there already isn't told again,
so it may be repeated after every crash, and finds by itself what a database that was brought back has lost.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

import structlog
from django.conf import settings
from django.db.models import Q

from apps.core.events import publish
from apps.functions.models import Function
from apps.functions.publishing.relaxed import found_again
from apps.functions.publishing.timing import note_stored
from apps.functions.publishing.wanted import (
    Content,
    Present,
    Row,
    present_rows,
    put_artifacts,
    put_vendors,
    wanted_rows,
)
from apps.gateways.store import Connection, connect

log = structlog.get_logger(__name__)

# Above what runtimes have read: after a restore from a backup the counter itself may be behind
LOCK = """
SELECT greatest(revision, (SELECT max(revision) FROM imp.instances)), set_config('synchronous_commit', %s, true)
FROM imp.counter FOR UPDATE OF counter
"""
PUT = """
INSERT INTO imp.functions (name, function_id, revision, version, artifact, vendor, methods, timeout_ms)
VALUES (%(name)s, %(function_id)s, %(revision)s, %(version)s, %(artifact)s, %(vendor)s, %(methods)s, %(timeout_ms)s)
ON CONFLICT (name) DO UPDATE SET function_id = excluded.function_id, revision = excluded.revision,
    version = excluded.version, artifact = excluded.artifact, vendor = excluded.vendor, methods = excluded.methods,
    timeout_ms = excluded.timeout_ms, is_deleted = false, expires_at = NULL, published_at = clock_timestamp()
"""
BURY = """
UPDATE imp.functions SET revision = %(revision)s, is_deleted = true, artifact = '', vendor = '',
    published_at = clock_timestamp()
WHERE name = %(name)s
"""
COUNT = "UPDATE imp.counter SET revision = %s"


@dataclass(frozen=True)
class Told:
    """A function, and the revision under which the gateway's database has what is wanted of it."""

    row: Row
    revision: int

    @property
    def is_news(self) -> bool:
        row = self.row
        return row.is_due or (row.published_version, row.published_revision) != (row.version, self.revision)


def push(gateway_id: str, function_ids: Collection[str] | None = None) -> int:
    """Without ids, all of them, and whatever else is there goes. Returns how much had to be told.

    Away: nothing was changed, here or there.
    """
    with connect(gateway_id) as there:
        told, changes = _make_equal(there, gateway_id, function_ids)
    _write_down(gateway_id, [each for each in told if each.is_news])
    return changes


def take_counter(there: Connection) -> int:
    """The highest revision so far. From now on until the end of the transaction nobody else takes one."""
    row = there.execute(LOCK, [_commits()]).fetchone()
    assert row is not None
    return int(row[0])


def _commits() -> str:
    """Nobody waits for the disk where the outbox is on the same server: whatever a crash takes from here, it takes
    from there too, and it's told again. It isn't told to be live before that: runtimes answer by a commit that waits
    for the disk, and so for all before it.
    """
    return "on" if settings.GATEWAYS_DATABASE_URL else "off"


def _make_equal(there: Connection, gateway_id: str, ids: Collection[str] | None) -> tuple[list[Told], int]:
    revision = take_counter(there)
    rows = wanted_rows(gateway_id, Q() if ids is None else Q(pk__in=ids))
    present = present_rows(there, [row.pk for row in rows], [row.name for row in rows], is_all=ids is None)
    if ids is not None:
        rows += _heirs(gateway_id, rows, present)
    wanted = {row.name: row.content for row in rows if row.content}
    put_artifacts(there, gateway_id, {each.artifact for each in wanted.values()})
    put_vendors(there, gateway_id, {each.vendor for each in wanted.values()})
    revisions = {name: each.revision for name, each in present.items()}
    first = revision = max([revision, *(row.floor for row in rows)])
    for name, each in present.items():
        if each.content is not None and name not in wanted:
            revisions[name] = revision = revision + 1
            there.execute(BURY, {"name": name, "revision": revision})
    least = {row.name: row.published_revision for row in rows if row.content}
    for name, content in wanted.items():
        # A lower revision than was told already: runtimes that have read further wouldn't look at it
        if name not in present or present[name].content != content or revisions[name] < least[name]:
            revisions[name] = revision = revision + 1
            there.execute(PUT, _values(name, revision, content))
    if revision > first:
        there.execute(COUNT, [revision])
    return [Told(row, _revision_of(row, revisions, present)) for row in rows], revision - first


def _heirs(gateway_id: str, rows: Iterable[Row], present: dict[str, Present]) -> list[Row]:
    """Of names that one of these had and has no more: another may have them by now."""
    known = {row.pk for row in rows}
    left = present.keys() - {row.name for row in rows if row.content}
    asked = Q(pk__in=[])
    for name in left:
        stage, _, base_name = name.partition("/")
        asked |= Q(stage=stage, base_name=base_name, deleted_at=None)
    return [row for row in wanted_rows(gateway_id, asked) if row.pk not in known] if left else []


def _revision_of(row: Row, revisions: dict[str, int], present: dict[str, Present]) -> int:
    """Of one that is deleted, that of the last name that it had."""
    if row.content:
        return revisions[row.name]
    own = [revisions[name] for name, each in present.items() if each.function_id == row.pk]
    return max(own, default=row.published_revision)


def _values(name: str, revision: int, content: Content) -> dict[str, object]:
    return {**vars(content), "name": name, "revision": revision, "methods": list(content.methods)}


def _write_down(gateway_id: str, told: list[Told]) -> None:
    """What has changed since stays due."""
    if not told:
        return
    # Without it, it's due and told again, which changes nothing there
    with found_again():
        for each in sorted(told, key=lambda each: each.row.pk):
            row = each.row
            note_stored(row.pk, row.version, each.revision)
            still = Function.objects.filter(pk=row.pk, version=row.version, published_revision__lte=each.revision)
            still.update(
                published_version=row.version,
                published_revision=each.revision,
                publish_due_at=None,
                publish_attempts=0,
                publish_error="",
            )
            publish(f"gateway:{gateway_id}", "functions", row.pk)
