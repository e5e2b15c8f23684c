import secrets
from typing import Any

from django.db import transaction

from apps.audit.changes import changes, fields_of
from apps.audit.services import record
from apps.core import clock
from apps.core.errors import Conflict, InvalidInput, NotAllowed, NotFound
from apps.core.versions import delete_version, save_version
from tests.sample.models import Note
from tests.sample.selectors import list_notes

WRITABLE = ("title", "text", "colour", "rank")


@transaction.atomic
def create_note(*, actor: Any, title: str, text: str = "", colour: str = "yellow", rank: int | None = None) -> Note:
    note = Note(owner=actor, title=title, text=text, colour=colour, rank=rank, link_key=secrets.token_urlsafe(12))
    _check(note)
    note.save(force_insert=True)
    record(actor=actor, verb="note.created", target=note, after=fields_of(note, WRITABLE))
    return note


@transaction.atomic
def update_note(*, actor: Any, note: Note, **values: Any) -> Note:
    _require_owner(actor, note)
    before = fields_of(note, WRITABLE)
    for name, value in values.items():
        setattr(note, name, value)
    _check(note)
    save_version(note, *values)
    old, new = changes(before, fields_of(note, WRITABLE))
    record(actor=actor, verb="note.changed", target=note, before=old, after=new)
    return note


@transaction.atomic
def archive_note(*, actor: Any, note: Note) -> Note:
    _require_owner(actor, note)
    if note.archived_at:
        raise Conflict("The note is archived already.")
    note.archived_at = clock.now()
    save_version(note, "archived_at")
    record(actor=actor, verb="note.archived", target=note)
    return note


@transaction.atomic
def delete_note(*, actor: Any, note: Note) -> None:
    _require_owner(actor, note)
    record(actor=actor, verb="note.deleted", target=note, before=fields_of(note, WRITABLE))
    delete_version(note)


def _require_owner(actor: Any, note: Note) -> None:
    if note.owner_id == actor.pk:
        return
    if not list_notes(actor=actor).filter(pk=note.pk).exists():
        raise NotFound
    raise NotAllowed("Only the owner of a note may do this.", role="owner")


def _check(note: Note) -> None:
    if note.title.strip().lower() == "untitled":
        raise InvalidInput(fields={"title": ["Give it a title that says something."]})
