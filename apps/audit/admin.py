import json
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from apps.audit.models import AuditEvent
from apps.audit.selectors import list_events
from apps.core.web.admin import ReadOnlyAdmin


class VerbFilter(admin.SimpleListFilter):
    """Only the verbs that are in the log."""

    title = _("What")
    parameter_name = "verb"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        verbs = AuditEvent.objects.order_by("verb").values_list("verb", flat=True).distinct()
        return [(verb, verb) for verb in verbs]

    def queryset(self, request: HttpRequest, queryset: "QuerySet[AuditEvent]") -> "QuerySet[AuditEvent]":
        return queryset.filter(verb=self.value()) if self.value() else queryset


@admin.register(AuditEvent)
class AuditEventAdmin(ReadOnlyAdmin):
    list_display = ["at", "who", "sentence", "verb", "target_id", "tenant_id", "address"]
    list_filter = [VerbFilter, "at"]
    search_fields = ["actor_label", "target_label", "request_id", "target_id", "actor_id", "tenant_id", "address"]
    search_help_text = _("Person, object, workspace's id, request id or address")
    ordering = ["-at", "-id"]
    list_per_page = 50
    fields = [
        "at",
        "who",
        "actor_id",
        "sentence",
        "verb",
        "target_type",
        "target_id",
        "tenant_id",
        "shown_before",
        "shown_after",
        "request_id",
        "task_id",
        "address",
        "token_label",
    ]
    readonly_fields = ["who", "sentence", "shown_before", "shown_after"]

    def get_queryset(self, request: HttpRequest) -> "QuerySet[AuditEvent]":
        return list_events(actor=request.user)

    @admin.display(description=_("Who"), ordering="actor_label")
    def who(self, event: AuditEvent) -> str:
        return event.who

    @admin.display(description=_("What was done"))
    def sentence(self, event: AuditEvent) -> str:
        return event.sentence

    # unfold colours JSON with inline styles, which the policy refuses

    @admin.display(description=_("Before"))
    def shown_before(self, event: AuditEvent) -> str:
        return as_text(event.before)

    @admin.display(description=_("After"))
    def shown_after(self, event: AuditEvent) -> str:
        return as_text(event.after)


def as_text(values: Any) -> str:
    if values is None:
        return "–"
    return format_html('<pre class="whitespace-pre-wrap">{}</pre>', json.dumps(values, ensure_ascii=False, indent=2))
