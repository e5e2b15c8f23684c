"""A board of notes: the list, a form and a dangerous action, as an app would write them."""

from typing import Any

from django import forms
from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.urls import reverse

from apps.core.web.forms import ConfirmView, Done, FormView, Touch
from apps.core.web.lists import BulkAction, Column, ListPage
from tests.sample.filters import NoteFilter
from tests.sample.models import Note
from tests.sample.selectors import list_notes
from tests.sample.services import archive_note, delete_note, update_note


class Board(ListPage):
    template_name = "sample/board.html"
    filterset_class = NoteFilter
    shown_filters = ("colour", "archived")
    order = "-created_at"
    page_size = 10
    export_name = "notes"
    columns = (
        Column("title", "Title", sort="title"),
        Column("rank", "Rank", sort="rank", classes="num"),
        Column("owner", "Owner", value="owner.email", on_page=False),
        Column("text", "Text", on_page=False),
        Column("created_at", "Written", sort="created_at"),
    )
    bulk_actions = (BulkAction("archive", "Archive", lambda *, actor, target: archive_note(actor=actor, note=target)),)

    def get_queryset(self) -> "QuerySet[Note]":
        return list_notes(actor=self.request.user).select_related("owner")


class NoteForm(forms.ModelForm):
    class Meta:
        model = Note
        fields = ("title", "text", "colour")


class Edit(FormView):
    title = "Edit the note"
    submit_label = "Save note"
    overlay = "sheet"

    def note(self) -> Note:
        note = get_object_or_404(list_notes(actor=self.request.user), pk=self.kwargs["pk"])
        note.version = int(self.request.POST.get("version", note.version))
        return note

    def get_form(self, data: Any = None, files: Any = None) -> forms.BaseForm:
        return NoteForm(data, instance=None if data else self.note())

    def save(self, form: forms.BaseForm) -> Done:
        note = update_note(actor=self.request.user, note=self.note(), **form.cleaned_data)
        return Done("Saved", note.title, events={"notes-changed": {}})

    def get_back_url(self) -> str:
        return reverse("board")


class Delete(ConfirmView):
    submit_label = "Delete the note"

    def note(self) -> Note:
        return get_object_or_404(list_notes(actor=self.request.user), pk=self.kwargs["pk"])

    def get_touches(self) -> list[Touch]:
        return [Touch("Note", self.note().title), Touch("Readers", self.note().readers.count())]

    def get_typed_name(self) -> str:
        return self.note().title

    def get_context(self) -> dict[str, Any]:
        return {**super().get_context(), "title": f"Delete {self.note().title}?"}

    def run(self) -> Done:
        delete_note(actor=self.request.user, note=self.note())
        return Done("Deleted")

    def get_back_url(self) -> str:
        return reverse("board")
