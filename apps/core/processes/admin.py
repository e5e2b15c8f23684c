"""Processes in the operators' admin: which run, where, and how each is."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.decorators import display

from apps.core.processes.models import ProcessHeartbeat
from apps.core.processes.selectors import Health, health_of
from apps.core.web.admin import Labelled, ReadOnlyAdmin

COLOURS = {Health.ALIVE: "success", Health.LATE: "warning", Health.GONE: "danger"}


@admin.register(ProcessHeartbeat)
class ProcessAdmin(ReadOnlyAdmin):
    """Processes write these rows themselves."""

    list_display = ["kind", "health", "host", "pid", "version", "started_at", "seen_at", "told"]
    list_filter = ["kind"]
    list_per_page = 100
    search_fields = ["host"]
    fields = ["kind", "health", "host", "pid", "version", "started_at", "seen_at", "told", "detail"]
    readonly_fields = fields

    @display(description=_("Health"), label=COLOURS, ordering="seen_at")
    def health(self, row: ProcessHeartbeat) -> Labelled:
        health = health_of(row.seen_at)
        return Labelled(health, health.label)

    @display(description=_("Says"))
    def told(self, row: ProcessHeartbeat) -> str:
        """A supervisor's parts that aren't well or were restarted; of the others what they say about their work."""
        if row.kind == "up":
            return ", ".join(_part(part) for part in row.detail.get("parts", []) if _is_worth_telling(part)) or "–"
        return ", ".join(f"{name}: {value}" for name, value in row.detail.items()) or "–"

    def has_module_permission(self, request: HttpRequest) -> bool:
        return True

    def has_view_permission(self, request: HttpRequest, obj: ProcessHeartbeat | None = None) -> bool:
        """Whoever the site lets in: looking after processes is what operators are for."""
        return True


def _is_worth_telling(part: dict[str, Any]) -> bool:
    return bool(part["restarts"]) or part["state"] not in ("healthy", "done")


def _part(part: dict[str, Any]) -> str:
    restarts = part["restarts"]
    again = ngettext("%(count)d restart", "%(count)d restarts", restarts) % {"count": restarts} if restarts else ""
    return " ".join(word for word in (f"{part['name']} {part['state']}", again and f"({again})") if word)
