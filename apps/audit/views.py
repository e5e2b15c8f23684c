from datetime import timedelta

import django_filters
from django.contrib.auth.decorators import login_required
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from apps.audit.differences import difference_of
from apps.audit.filters import AuditEventFilter
from apps.audit.models import AuditEvent
from apps.audit.selectors import get_event, list_events
from apps.audit.verbs import VERBS
from apps.core import clock
from apps.core.errors import NotFound
from apps.core.web import htmx
from apps.core.web.lists import Column, ListPage

SPANS = {
    "24h": (_("Last 24 h"), timedelta(hours=24)),
    "7d": (_("Last 7 days"), timedelta(days=7)),
    "30d": (_("Last 30 days"), timedelta(days=30)),
}


def _verb_choices() -> list[tuple[str, str]]:
    """By what they are done to, in the reader's language, with the object's name left open."""
    return [(verb, str(text) % {"target": "…"}) for verb, text in VERBS.items()]


class AuditPageFilter(AuditEventFilter):
    """The API's filters, and two that spare people from writing dates and verbs."""

    verb = django_filters.ChoiceFilter(choices=_verb_choices, label=_("What"), empty_label=_("Any action"))
    within = django_filters.ChoiceFilter(
        method="filter_within",
        choices=[(key, label) for key, (label, _span) in SPANS.items()],
        label=_("When"),
        empty_label=_("At any time"),
    )

    def filter_within(self, queryset: "QuerySet[AuditEvent]", name: str, value: str) -> "QuerySet[AuditEvent]":
        return queryset.filter(at__gte=clock.now() - SPANS[value][1])


class AuditList(ListPage):
    template_name = "audit/list.html"
    filterset_class = AuditPageFilter
    shown_filters = ("verb", "within")
    order = "-at"
    export_name = "audit-log"
    columns = (
        Column("id", _("Entry")),
        Column("at", _("When"), sort="at"),
        Column("actor_id", _("Who (id)")),
        Column("actor_label", _("Who")),
        Column("verb", _("What")),
        Column("target_type", _("Object's kind")),
        Column("target_id", _("Object (id)")),
        Column("target_label", _("Object")),
        Column("before", _("Before")),
        Column("after", _("After")),
        Column("request_id", _("Request")),
        Column("task_id", _("Task")),
        Column("address", _("Address")),
    )

    def get_queryset(self) -> "QuerySet[AuditEvent]":
        return list_events(actor=self.request.user)


@require_safe
@login_required
def detail(request: HttpRequest, event_id: str) -> HttpResponse:
    """One entry: the body of its row, or a page of its own."""
    try:
        event = get_event(actor=request.user, event_id=event_id)
    except AuditEvent.DoesNotExist:
        raise NotFound from None
    template = "audit/detail.html#entry" if htmx.is_partial(request) else "audit/detail.html"
    return htmx.vary(render(request, template, {"event": event, "difference": difference_of(event)}))
