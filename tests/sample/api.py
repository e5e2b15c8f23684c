from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse
from rest_framework import serializers
from rest_framework.request import Request

from apps.core.api.routing import routes
from apps.core.api.serializers import Input, ModelInput
from apps.core.api.viewsets import Created, Destroyed, Listed, Retrieved, Updated, verb
from tests.sample import selectors, services
from tests.sample.filters import NoteFilter
from tests.sample.models import Note


class NoteSerializer(serializers.ModelSerializer[Note]):
    class Meta:
        model = Note
        fields = ["id", "owner", "title", "text", "colour", "rank", "archived_at", "created_at", "version"]


class NewNoteSerializer(NoteSerializer):
    link_key = serializers.CharField(source="link_key.reveal", help_text="Shown this once.", read_only=True)

    class Meta(NoteSerializer.Meta):
        fields = [*NoteSerializer.Meta.fields, "link_key"]


class NoteInput(ModelInput):
    class Meta:
        model = Note
        fields = ["title", "text", "colour", "rank"]


class RenameInput(Input):
    title = serializers.CharField(max_length=120)


class NoteViewSet(Listed, Retrieved, Created, Updated, Destroyed):
    tag, singular, plural = "notes", "a note", "notes"
    serializer_class = NoteSerializer
    created_serializer_class = NewNoteSerializer
    create_serializer_class = update_serializer_class = NoteInput
    filterset_class = NoteFilter
    sorts = ("created_at", "title", "rank")

    def get_queryset(self) -> "QuerySet[Note]":
        return selectors.list_notes(actor=self.actor)

    def perform_create(self, **fields: Any) -> Note:
        return services.create_note(actor=self.actor, **fields)

    def perform_update(self, row: Note, **fields: Any) -> Note:
        return services.update_note(actor=self.actor, note=row, **fields)

    def perform_destroy(self, row: Note) -> None:
        services.delete_note(actor=self.actor, note=row)

    @verb()
    def archive(self, request: Request, pk: str) -> HttpResponse:
        """Archive a note.

        It stays readable, and can't be archived again.
        """
        return self.show(services.archive_note(actor=self.actor, note=self.get_object()))

    @verb(body=RenameInput, needs_version=True)
    def rename(self, request: Request, pk: str) -> HttpResponse:
        """Give a note another title."""
        note = self.get_for_change()
        return self.show(services.update_note(actor=self.actor, note=note, **self.read_body(RenameInput)))


urlpatterns = routes("notes", NoteViewSet, name="notes")
