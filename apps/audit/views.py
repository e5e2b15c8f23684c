"""The log as pages. Whose log it is, and who reads it, is said by whoever knows people and tenants."""

from collections.abc import Sequence
from typing import Any, ClassVar

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _

from apps.audit.differences import difference_of
from apps.audit.exports import COLUMNS, NAME
from apps.audit.filters import AuditPageFilter, Choice
from apps.audit.models import AuditEvent
from apps.core.errors import NotFound, Text
from apps.core.web import htmx
from apps.core.web.lists import Listing, ListPage


class AuditList(ListPage):
    template_name = "audit/list.html"
    filterset_class = AuditPageFilter
    shown_filters: Sequence[str] = ("actor", "verb", "within", "since", "until")
    order = "-at"
    export_name = NAME
    columns = COLUMNS
    # The names of the list's page and of an entry's
    list_page: ClassVar[str] = "audit:list"
    entry_page: ClassVar[str] = "audit:detail"
    title: ClassVar[Text] = _("Audit log")
    # Whose log this is
    lead: ClassVar[Text]

    def get_people(self) -> list[Choice]:
        """Who may be chosen in the filter, beside the system."""
        return []

    def get_filterset(self, query: QueryDict) -> Any:
        return self.filterset_class(query, people=self.get_people(), queryset=self.get_queryset(), request=self.request)

    def get_context(self, listing: Listing) -> dict[str, Any]:
        return {
            **super().get_context(listing),
            "title": self.title,
            "lead": self.lead,
            "list_page": self.list_page,
            "entry_page": self.entry_page,
        }


def show_entry(
    request: HttpRequest, events: "QuerySet[AuditEvent]", event_id: str, *, list_page: str, entry_page: str
) -> HttpResponse:
    """One entry: the body of its row, or a page of its own."""
    event = events.filter(pk=event_id).first()
    if event is None:
        raise NotFound
    context = {
        "event": event,
        "difference": difference_of(event),
        "list_page": list_page,
        "entry_page": entry_page,
    }
    template = "audit/detail.html#entry" if htmx.is_partial(request) else "audit/detail.html"
    return htmx.vary(render(request, template, context))
