"""Changes of functions' data from the console. What is written down names the document, never what is in it."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from apps.audit.services import record
from apps.core.errors import InvalidInput
from apps.core.events import publish
from apps.documents.asking import ask
from apps.documents.selectors import Document, get_document
from apps.gateways.models import FunctionGateway
from apps.tenants.member import Member


@transaction.atomic
def create_collection(*, actor: Member, gateway: FunctionGateway, name: str) -> str:
    """An empty one; functions make theirs by the first document."""
    _require(actor, gateway)
    ask(gateway, "createCollection", name, field="name")
    _written_down(actor, gateway, "collection_created", name)
    return name


@transaction.atomic
def drop_collection(*, actor: Member, gateway: FunctionGateway, name: str) -> None:
    """With all of its documents and indexes, for good."""
    _require(actor, gateway)
    ask(gateway, "drop", name)
    _written_down(actor, gateway, "collection_dropped", name)


@transaction.atomic
def insert_document(
    *, actor: Member, gateway: FunctionGateway, collection: str, document: Mapping[str, Any]
) -> Document:
    _require(actor, gateway)
    made = ask(gateway, "insertOne", collection, document, field="document")
    found = get_document(actor=actor, gateway=gateway, collection=collection, id=made["insertedId"])
    _written_down(actor, gateway, "document_inserted", collection, id=found.id)
    return found


@transaction.atomic
def change_document(
    *,
    actor: Member,
    gateway: FunctionGateway,
    collection: str,
    id: str,
    document: Mapping[str, Any],
    version: str,
) -> Document:
    """Another content under the same id, if it's still as it was when that version of it was read."""
    _require(actor, gateway)
    if document.get("_id", id) != id:
        raise InvalidInput(fields={"document": [_("The _id can't be changed: insert another document.")]})
    found = ask(gateway, "editDocument", collection, id, {**document, "_id": id}, version, field="document")
    _written_down(actor, gateway, "document_changed", collection, id=id)
    return Document(found["document"], found["version"])


@transaction.atomic
def delete_document(
    *,
    actor: Member,
    gateway: FunctionGateway,
    collection: str,
    id: str,
    version: str = "",
) -> None:
    """Without a version: however it is."""
    _require(actor, gateway)
    ask(gateway, "removeDocument", collection, id, version)
    _written_down(actor, gateway, "document_deleted", collection, id=id)


@transaction.atomic
def create_index(
    *,
    actor: Member,
    gateway: FunctionGateway,
    collection: str,
    keys: Mapping[str, Any],
    is_unique: bool = False,
    name: str = "",
) -> str:
    """Of fields in their order, each with 1 or -1; the name is made of them where none is given."""
    _require(actor, gateway)
    options = {"unique": is_unique, **({"name": name} if name else {})}
    made = ask(gateway, "createIndex", collection, [list(pair) for pair in keys.items()], options, field="keys")
    _written_down(actor, gateway, "index_created", collection, index=made)
    return str(made)


@transaction.atomic
def drop_index(*, actor: Member, gateway: FunctionGateway, collection: str, name: str) -> None:
    _require(actor, gateway)
    ask(gateway, "dropIndex", collection, name)
    _written_down(actor, gateway, "index_dropped", collection, index=name)


def _require(actor: Member, gateway: FunctionGateway) -> None:
    actor.require("data.change", row=gateway, is_own=gateway.owner_id == actor.pk)


def _written_down(actor: Member, gateway: FunctionGateway, what: str, collection: str, **more: Any) -> None:
    record(actor=actor, verb=f"data.{what}", target=gateway, after={"collection": collection, **more})
    publish(f"gateway:{gateway.pk}", "data", collection)
