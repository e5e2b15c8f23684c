"""What functions of a gateway have kept. Each of these asks a runtime of it, so each can find it away."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from django.utils.dateparse import parse_datetime

from apps.core.errors import NotFound
from apps.documents.asking import ask
from apps.gateways.models import FunctionGateway
from apps.tenants.member import Member

MOST_SHOWN, SHOWN = 200, 20
# What of a query is written as JSON
ASKED = ("filter", "sort", "projection")
Keys = tuple[tuple[str, int], ...]
Named = TypeVar("Named", "Collection", "Index")


@dataclass(frozen=True)
class Collection:
    name: str
    documents: int
    # Counted, rather than estimated
    is_exact: bool
    bytes: int
    index_bytes: int


@dataclass(frozen=True)
class Index:
    name: str
    keys: Keys
    is_unique: bool
    # None: of the one that is always there
    bytes: int | None
    uses: int | None


@dataclass(frozen=True)
class Page:
    documents: tuple[dict[str, Any], ...]
    # Where the next one begins
    after: tuple[str, ...] | None
    # The collection, which may have no documents
    is_there: bool = True


@dataclass(frozen=True)
class Document:
    """`version` changes with it."""

    content: dict[str, Any]
    version: str

    @property
    def id(self) -> str:
        return str(self.content["_id"])


@dataclass(frozen=True)
class SlowOperation:
    """Of one shape: with a question mark for each value."""

    collection: str
    op: str
    shape: str
    times: int
    mean_ms: float
    most_ms: float
    last_at: Any
    # The index that would help; None: there is one, or none would
    suggests: Keys | None


def list_collections(*, actor: Member, gateway: FunctionGateway) -> list[Collection]:
    actor.require("data.read", row=gateway)
    rows = ask(gateway, "listCollections")
    return [
        Collection(row["name"], int(row["documents"]), row["is_exact"], int(row["bytes"]), int(row["index_bytes"]))
        for row in rows
    ]


def get_collection(*, actor: Member, gateway: FunctionGateway, collection: str) -> Collection:
    return _named(list_collections(actor=actor, gateway=gateway), collection)


def list_documents(
    *,
    actor: Member,
    gateway: FunctionGateway,
    collection: str,
    filter: Mapping[str, Any],
    sort: Mapping[str, Any],
    projection: Mapping[str, Any] | None = None,
    limit: int = SHOWN,
    after: tuple[str, ...] | None = None,
) -> Page:
    """`projection`: the fields to take or to leave out; all of them without one."""
    actor.require("data.read", row=gateway)
    # Pairs, as the order of an object's fields is none's to rely on
    options = {"filter": filter, "sort": [list(pair) for pair in sort.items()], "projection": projection or None}
    found = ask(gateway, "browse", collection, {**options, "limit": limit, "after": after}, field="filter")
    return Page(tuple(found["documents"]), tuple(found["after"]) if found["after"] else None, found["is_there"])


def get_document(*, actor: Member, gateway: FunctionGateway, collection: str, id: str) -> Document:
    actor.require("data.read", row=gateway)
    found = ask(gateway, "getDocument", collection, id)
    return Document(found["document"], found["version"])


def list_indexes(*, actor: Member, gateway: FunctionGateway, collection: str) -> list[Index]:
    actor.require("data.read", row=gateway)
    rows = ask(gateway, "listIndexes", collection)
    return [Index(row["name"], _keys(row["keys"]), row["unique"], row["bytes"], row["uses"]) for row in rows]


def get_index(*, actor: Member, gateway: FunctionGateway, collection: str, name: str) -> Index:
    return _named(list_indexes(actor=actor, gateway=gateway, collection=collection), name)


def list_slow(*, actor: Member, gateway: FunctionGateway, collection: str = "") -> list[SlowOperation]:
    """Those that took longest in all come first."""
    actor.require("data.read", row=gateway)
    rows = ask(gateway, "slowQueries", collection)
    return [
        SlowOperation(
            row["collection"],
            row["op"],
            row["shape"],
            row["times"],
            row["mean_ms"],
            row["most_ms"],
            parse_datetime(row["last_at"]),
            _keys(row["suggests"]) if row["suggests"] else None,
        )
        for row in rows
    ]


def _named(rows: Iterable[Named], name: str) -> Named:
    """There are few of them, so the runtime gives them all."""
    for row in rows:
        if row.name == name:
            return row
    raise NotFound


def _keys(pairs: list[list[Any]]) -> Keys:
    return tuple((str(name), int(direction)) for name, direction in pairs)
