"""The sample app keeps every contract, and so the contracts are tried."""

from typing import Any

from apps.accounts.models import User
from tests.contracts.api import ApiContract
from tests.contracts.lists import ListContract
from tests.contracts.service import ServiceContract
from tests.sample import services
from tests.sample.models import Note


def make_notes(alice: User, bob: User, count: int = 1) -> list[Note]:
    notes = [Note.objects.create(owner=alice, title=f"Note {number}", rank=number % 3) for number in range(count)]
    for note in notes:
        note.readers.add(bob)
    return notes


class TestNotesApi(ApiContract):
    url = "/v1/notes"
    model = Note
    narrowing = {"q": "Note 1"}
    creating = {"title": "Parcel 63122", "colour": "blue"}
    changing = {"title": "Parcel 63123"}
    refused_bodies = [
        ({"title": ""}, "/title"),
        ({"title": "Untitled"}, "/title"),
        ({"title": "a", "rank": "x"}, "/rank"),
    ]
    verbs = ("archive",)

    def make(self, alice: User, bob: User, count: int = 1) -> list[Note]:
        return make_notes(alice, bob, count)


class TestNotesPage(ListContract):
    url = "/notes"
    narrowing = {"q": "Note 1"}
    nonsense = {"colour": "red"}

    def make(self, alice: User, bob: User, count: int) -> list[Note]:
        return make_notes(alice, bob, count)


class TestCreateNote(ServiceContract):
    watched = (Note,)
    verb = "note.created"
    allowed = ("alice", "bob", "charlie", "operator")
    refused = {}

    def make(self, alice: User, bob: User) -> None:
        return None

    def call(self, actor: User, row: Any) -> Note:
        return services.create_note(actor=actor, title="Parcel 63122")


class TestUpdateNote(ServiceContract):
    watched = (Note,)
    verb = "note.changed"

    def make(self, alice: User, bob: User) -> Note:
        return make_notes(alice, bob)[0]

    def call(self, actor: User, row: Note) -> Note:
        return services.update_note(actor=actor, note=row, title="Parcel 63123")


class TestArchiveNote(TestUpdateNote):
    verb = "note.archived"

    def call(self, actor: User, row: Note) -> Note:
        return services.archive_note(actor=actor, note=row)


class TestDeleteNote(TestUpdateNote):
    verb = "note.deleted"

    def call(self, actor: User, row: Note) -> None:  # type: ignore[override]
        services.delete_note(actor=actor, note=row)
