from django.db.models import QuerySet

from apps.core.web.lists import Column, ListPage
from tests.sample import selectors
from tests.sample.filters import NoteFilter
from tests.sample.models import Note


class NoteList(ListPage):
    template_name = "sample/notes.html"
    filterset_class = NoteFilter
    order = "-created_at"
    export_name = "notes"
    columns = (
        Column("id", "Id"),
        Column("title", "Title", sort="title"),
        Column("rank", "Rank", sort="rank"),
        Column("created_at", "Written", sort="created_at"),
    )

    def get_queryset(self) -> "QuerySet[Note]":
        return selectors.list_notes(actor=self.request.user)
