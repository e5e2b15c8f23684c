"""Changes of functions' data from the console. What is written down names the document, never what is in it.

No transaction of the platform takes back what is done in a gateway's database. So that a change begins is written
down and committed before anything is asked of the gateway, and what came of it after that: nothing is ever changed
that the log doesn't tell. Call these outside of transactions; in one, both are committed only with it.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from django.utils.translation import gettext as _

from apps.audit.services import record
from apps.core.errors import InvalidInput, NotFound, Problem
from apps.core.events import publish
from apps.core.walls import walled
from apps.documents.asking import ask, check_reach
from apps.documents.problems import DataUnanswered
from apps.documents.selectors import Document, get_document
from apps.gateways.models import FunctionGateway
from apps.tenants.member import Member


def create_collection(*, actor: Member, gateway: FunctionGateway, name: str) -> str:
    """An empty one; functions make theirs by the first document."""
    with _written_down(actor, gateway, "collection_created", name):
        ask(gateway, "createCollection", name, field="name")
    return name


def drop_collection(*, actor: Member, gateway: FunctionGateway, name: str) -> None:
    """With all of its documents and indexes, for good."""
    with _written_down(actor, gateway, "collection_dropped", name):
        if not ask(gateway, "drop", name):
            raise NotFound(_("There is no collection %(name)s.") % {"name": name})


def insert_document(
    *, actor: Member, gateway: FunctionGateway, collection: str, document: Mapping[str, Any]
) -> Document:
    with _written_down(actor, gateway, "document_inserted", collection) as named:
        made = ask(gateway, "insertOne", collection, document, field="document")
        named["id"] = made["insertedId"]
    return get_document(actor=actor, gateway=gateway, collection=collection, id=named["id"])


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
    with _written_down(actor, gateway, "document_changed", collection, id=id):
        if document.get("_id", id) != id:
            raise InvalidInput(fields={"document": [_("The _id can't be changed: insert another document.")]})
        found = ask(gateway, "editDocument", collection, id, {**document, "_id": id}, version, field="document")
    return Document(found["document"], found["version"])


def delete_document(
    *,
    actor: Member,
    gateway: FunctionGateway,
    collection: str,
    id: str,
    version: str = "",
) -> None:
    """Without a version: however it is."""
    with _written_down(actor, gateway, "document_deleted", collection, id=id):
        ask(gateway, "removeDocument", collection, id, version)


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
    options = {"unique": is_unique, **({"name": name} if name else {})}
    with _written_down(actor, gateway, "index_created", collection) as named:
        made = ask(gateway, "createIndex", collection, [list(pair) for pair in keys.items()], options, field="keys")
        named["index"] = made
    return str(made)


def drop_index(*, actor: Member, gateway: FunctionGateway, collection: str, name: str) -> None:
    with _written_down(actor, gateway, "index_dropped", collection, index=name):
        ask(gateway, "dropIndex", collection, name)


@contextmanager
def _written_down(
    actor: Member, gateway: FunctionGateway, what: str, collection: str, **named: Any
) -> Iterator[dict[str, Any]]:
    """What is done within. What names its object and is known only then is added to what this gives."""
    actor.require("data.change", row=gateway, is_own=gateway.owner_id == actor.pk)
    check_reach(gateway)
    if "\0" in "".join(map(str, (collection, *named.values()))):
        # No name of anything, and nothing that could be written down
        raise NotFound

    def write(verb: str, **more: Any) -> None:
        with walled(actor.tenant.pk):
            record(actor=actor, verb=f"data.{verb}", target=gateway, after={"collection": collection, **named, **more})
            if verb == what:
                publish(f"gateway:{gateway.pk}", "data", collection)

    write("change_begun", change=what)
    try:
        yield named
    except DataUnanswered:
        # Nobody knows what came of it, and so the log says no more than that it began
        raise
    except Problem as problem:
        write("change_refused", change=what, because=problem.slug)
        raise
    write(what)
