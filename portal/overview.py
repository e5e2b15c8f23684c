"""The first page: what this is, what to do first, what just happened, and for operators how the platform is."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from allauth.mfa.utils import is_mfa_enabled
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from apps.audit.selectors import list_events
from apps.core import clock
from apps.core.errors import NotAllowed, Text
from apps.core.processes.models import ProcessHeartbeat
from apps.core.queue.selectors import get_counts, get_lag
from apps.core.web import htmx

RECENT = 8
# A process writes every 3 s; after this it counts as silent, and after a day as gone for good
SILENT_AFTER = timedelta(seconds=12)
FORGOTTEN_AFTER = timedelta(days=1)
LATE_AFTER = timedelta(seconds=10)

PROCESS_NAMES: dict[str, Text] = {
    "web": _("Pages and API"),
    "live": _("Live updates"),
    "worker": _("Worker"),
}


@dataclass(frozen=True)
class ProcessLine:
    name: Text
    process: ProcessHeartbeat
    is_well: bool


@require_safe
@login_required
def overview(request: HttpRequest) -> HttpResponse:
    """A part that refreshes itself is asked for by its id, and costs only what it shows."""
    part = htmx.target(request)
    if part == "activity":
        return _part(request, "activity", activity_context(request))
    if part == "platform":
        return _part(request, "platform", platform_context(request))
    context = {"has_second_factor": is_mfa_enabled(request.user), **activity_context(request)}
    return htmx.vary(render(request, "overview/index.html", context))


def _part(request: HttpRequest, name: str, context: dict[str, Any]) -> HttpResponse:
    response = render(request, f"overview/index.html#{name}", context)
    response["Cache-Control"] = "private, no-store"
    return htmx.vary(response)


def activity_context(request: HttpRequest) -> dict[str, Any]:
    user: Any = request.user
    return {
        "events": list(list_events(actor=user)[:RECENT]),
        "live_topic": "audit" if user.is_staff else f"audit:{user.pk}",
    }


def platform_context(request: HttpRequest) -> dict[str, Any]:
    """Which processes live and what the worker has to do. Two queries."""
    if not request.user.is_staff:
        raise NotAllowed(roles=["operator"])
    processes = [_line(process) for process in _recent_processes()]
    counts = get_counts()
    lag = get_lag() if counts.queued else timedelta()
    return {
        "processes": processes,
        "counts": counts,
        "lag": lag,
        "is_late": lag > LATE_AFTER,
        "is_well": bool(processes) and all(line.is_well for line in processes) and lag <= LATE_AFTER,
        "asked_at": clock.now(),
    }


def _recent_processes() -> list[ProcessHeartbeat]:
    return list(ProcessHeartbeat.objects.filter(seen_at__gte=clock.now() - FORGOTTEN_AFTER).order_by("kind", "host"))


def _line(process: ProcessHeartbeat) -> ProcessLine:
    name = PROCESS_NAMES.get(process.kind, process.kind)
    return ProcessLine(name, process, clock.now() - process.seen_at < SILENT_AFTER)
