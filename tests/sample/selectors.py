from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from tests.sample.models import Note


def list_notes(*, actor: Any) -> QuerySet[Note]:
    is_reader = Exists(Note.readers.through.objects.filter(note_id=OuterRef("pk"), user_id=actor.pk))
    return Note.objects.filter(Q(owner_id=actor.pk) | is_reader)
