from typing import Any

from django.contrib.auth.decorators import login_required
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from apps.accounts.rights import insist_on_second_factor
from apps.audit.filters import Choice
from apps.audit.models import AuditEvent
from apps.audit.selectors import may_read_all
from apps.audit.views import AuditList, show_entry
from apps.core.errors import NotFound
from apps.tenants.history.filters import ALL_OPERATORS, EventPageFilter, PlatformEventFilter
from apps.tenants.history.selectors import (
    list_all_events,
    list_personal_events,
    list_tenant_events,
    people_of,
)
from apps.tenants.requests import member_of, memberships_at_hand

OPERATORS: Choice = (ALL_OPERATORS, _("Platform operators"))
TIMES = ("within", "since", "until")


class TenantLog(AuditList):
    """`/t/{workspace}/audit`."""

    filterset_class = EventPageFilter
    list_page, entry_page = "history:list", "history:detail"
    lead = _("Who did what to which object of this workspace, when and from where.")

    def get_queryset(self) -> "QuerySet[AuditEvent]":
        return list_tenant_events(actor=member_of(self.request))

    def get_people(self) -> list[Choice]:
        return [(_("Members"), people_of(member_of(self.request).tenant)), OPERATORS]


class PersonalLog(AuditList):
    """`/audit`, of everybody's own."""

    filterset_class = EventPageFilter
    shown_filters = ("verb", *TIMES)
    title = _("Your audit log")
    lead = _("What you did and what was done to your account, when and from where.")

    def get_queryset(self) -> "QuerySet[AuditEvent]":
        return _events_at_hand(self.request)


class PlatformLog(AuditList):
    """`/audit`, as operators see it: of everybody, in all workspaces."""

    filterset_class = PlatformEventFilter
    shown_filters = ("actor", "workspace", "verb", *TIMES)
    title = _("Whole audit log")
    lead = _("Who did what to which object on the whole platform, when and from where.")

    def get_queryset(self) -> "QuerySet[AuditEvent]":
        return _events_at_hand(self.request)

    def get_people(self) -> list[Choice]:
        return [OPERATORS]


@login_required
def log(request: HttpRequest) -> HttpResponseBase:
    """`/audit`."""
    view = PlatformLog if may_read_all(request.user) else PersonalLog
    return view.as_view()(request)


@require_safe
@login_required
def entry(request: HttpRequest, event_id: str) -> HttpResponse:
    """`/audit/{entry}`."""
    events = _events_at_hand(request)
    try:
        return show_entry(request, events, event_id, list_page="audit:list", entry_page="audit:detail")
    except NotFound:
        insist_on_second_factor(request.user)
        raise


@require_safe
def tenant_entry(request: HttpRequest, event_id: str) -> HttpResponse:
    """`/t/{workspace}/audit/{entry}`."""
    events = list_tenant_events(actor=member_of(request))
    return show_entry(request, events, event_id, list_page=TenantLog.list_page, entry_page=TenantLog.entry_page)


def _events_at_hand(request: HttpRequest) -> "QuerySet[AuditEvent]":
    person: Any = request.user
    if may_read_all(person):
        return list_all_events(actor=person)
    return list_personal_events(person=person, memberships=memberships_at_hand(request))
