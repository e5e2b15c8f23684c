from django.contrib import admin
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from apps.core.lifecycle.models import LifecycleEvent
from apps.core.lifecycle.timeline import Kind, parts_of, told_to_operators
from apps.core.web.admin import Labelled, ReadOnlyAdmin

TONES = {Kind.DONE: "success", Kind.FAILED: "danger", Kind.STOPPED: "danger", Kind.WAITS: "warning"}


@admin.register(LifecycleEvent)
class LifecycleEventAdmin(ReadOnlyAdmin):
    """The timelines of everything that has a life cycle, as one."""

    list_display = ["last_at", "subject_id", "shown_kind", "phase", "step", "text", "count", "actor_label", "worker"]
    list_filter = ["machine", "kind", "phase", "at"]
    search_fields = ["id", "subject_id", "tenant_id", "because", "worker", "actor_label", "request_id"]
    search_help_text = _("Reference, id of a gateway or domain, workspace's id, reason, worker or person")
    ordering = ["-id"]
    list_per_page = 50
    fields = [
        "id",
        "machine",
        "subject_id",
        "tenant_id",
        "shown_kind",
        "phase",
        "step",
        "text",
        "ms",
        "attempt",
        "count",
        "actor_label",
        "worker",
        "request_id",
        "next_at",
        "at",
        "last_at",
    ]

    @display(description=_("kind"), ordering="kind", label=TONES)
    def shown_kind(self, line: LifecycleEvent) -> Labelled:
        return Labelled(line.kind, line.kind)

    @admin.display(description=_("what"))
    def text(self, line: LifecycleEvent) -> str:
        return told_to_operators(line.because, parts_of(line)) or "–"
