"""What the rows say that a gateway's database should hold, and what it holds."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from django.db.models import OuterRef, Q, Subquery
from psycopg import sql

from apps.functions.models import Artifact, Function, Lock
from apps.gateways.store import Connection

PRESENT = """
SELECT name, function_id, revision, version, artifact, vendor, methods, timeout_ms, is_deleted FROM imp.functions
WHERE expires_at IS NULL AND (%(is_all)s OR function_id = ANY(%(ids)s) OR name = ANY(%(names)s))
"""


@dataclass(frozen=True)
class Content:
    """What a runtime is told under one name."""

    function_id: str
    version: int
    artifact: str
    vendor: str
    methods: tuple[str, ...]
    timeout_ms: int


@dataclass(frozen=True)
class Row:
    """A function as it is wanted."""

    pk: str
    # Of the row: deleting it counts too
    version: int
    name: str
    # None: it's deleted
    content: Content | None
    published_version: int
    published_revision: int
    is_due: bool
    # The highest revision that was ever told of its gateway
    floor: int


@dataclass(frozen=True)
class Present:
    name: str
    revision: int
    # None: a tombstone
    content: Content | None
    function_id: str


def wanted_rows(gateway_id: str, which: Q) -> list[Row]:
    """As they're committed now. A function that isn't finished yet is none."""
    rows = Function.objects.filter(which, gateway_id=gateway_id, head__isnull=False)
    latest = Function.objects.filter(gateway_id=OuterRef("gateway_id")).order_by("-published_revision")
    found = rows.annotate(floor=Subquery(latest.values("published_revision")[:1])).values_list(
        "pk", "version", "stage", "base_name", "deleted_at", "head__number", "head__artifact__digest",
        "head__artifact__vendor", "methods", "timeout_ms", "published_version", "published_revision",
        "publish_due_at", "floor",
    )  # fmt: skip
    return [_row(*each) for each in found]


def _row(
    pk: str, version: int, stage: str, base_name: str, deleted_at: Any, number: int, artifact: str, vendor: str,
    methods: list[str], timeout_ms: int, published_version: int, published_revision: int, due_at: Any, floor: int,
) -> Row:  # fmt: skip
    content = Content(pk, number, artifact, vendor, tuple(methods), timeout_ms)
    return Row(
        pk,
        version,
        f"{stage}/{base_name}",
        None if deleted_at else content,
        published_version,
        published_revision,
        due_at is not None,
        floor,
    )


def present_rows(
    there: Connection, ids: Collection[str], names: Collection[str], *, is_all: bool
) -> dict[str, Present]:
    found = there.execute(PRESENT, {"is_all": is_all, "ids": list(ids), "names": list(names)}).fetchall()
    return {each[0]: _present(*each) for each in found}


def _present(
    name: str, function_id: str, revision: int, version: int, artifact: str, vendor: str, methods: list[str],
    timeout_ms: int, is_deleted: bool,
) -> Present:  # fmt: skip
    content = Content(function_id, version, artifact, vendor, tuple(methods), timeout_ms)
    return Present(name, revision, None if is_deleted else content, function_id)


def put_artifacts(there: Connection, gateway_id: str, digests: Collection[str]) -> None:
    """Those that it hasn't yet: their code is sent once."""
    missing = _missing(there, "artifacts", digests)
    if not missing:
        return
    kept = Artifact.objects.filter(gateway_id=gateway_id, digest__in=missing)
    for digest, code, source_map in kept.values_list("digest", "code", "source_map"):
        put_artifact(there, digest, code, source_map)


def put_artifact(there: Connection, digest: str, code: str, source_map: str) -> None:
    there.execute(
        "INSERT INTO imp.artifacts (digest, code, source_map) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
        [digest, code, source_map],
    )


def put_vendors(there: Connection, gateway_id: str, digests: Collection[str]) -> None:
    missing = _missing(there, "vendors", [digest for digest in digests if digest])
    if not missing:
        return
    for lock in Lock.objects.filter(gateway_id=gateway_id, digest__in=missing).only("digest", "bundle", "packages"):
        names = sorted(each["name"] for each in lock.packages if each.get("is_direct"))
        there.execute(
            "INSERT INTO imp.vendors (digest, code, packages) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
            [lock.digest, lock.bundle, names],
        )


def _missing(there: Connection, table: str, digests: Collection[str]) -> list[str]:
    if not digests:
        return []
    query = sql.SQL("SELECT given FROM unnest(%s::text[]) AS given WHERE given NOT IN (SELECT digest FROM imp.{})")
    return [digest for (digest,) in there.execute(query.format(sql.Identifier(table)), [sorted(digests)]).fetchall()]
