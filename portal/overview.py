"""The first page: what this is, what to do first, what just happened, and for operators how the platform is."""

from datetime import timedelta
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from apps.accounts.selectors import has_second_factor
from apps.audit.selectors import list_events
from apps.audit.services import topics_for
from apps.core import clock
from apps.core.errors import Text
from apps.core.processes.selectors import Health, list_processes
from apps.core.queue.selectors import get_counts
from apps.core.web import htmx
from apps.fleet.concerns import concerns_of
from apps.fleet.health import cluster_states, fleet_state
from apps.gateways.views.stuck import count_stuck
from apps.tenants.operators import require_operator
from apps.tenants.requests import memberships_at_hand
from apps.tenants.selectors import invitations_for
from apps.tenants.views.base import home_of

RECENT = 8
LATE_AFTER = timedelta(seconds=10)

PROCESS_NAMES: dict[str, Text] = {
    "up": _("Supervisor"),
    "web": _("Pages and API"),
    "live": _("Live updates"),
    "worker": _("Worker"),
    "agents": _("Agents' server"),
}


@require_safe
@login_required
def home(request: HttpRequest) -> HttpResponse:
    """To the workspace that somebody was in last. Who is in none gets the page of the platform."""
    memberships = memberships_at_hand(request)
    if not memberships:
        return overview(request)
    open_ones = [each for each in memberships if not each.tenant.is_suspended]
    return htmx.redirect(request, home_of((open_ones or memberships)[0].tenant))


@require_safe
@login_required
def overview(request: HttpRequest) -> HttpResponse:
    """A part that refreshes itself is asked for by its id, and costs only what it shows."""
    part = htmx.target(request)
    if part == "activity":
        return htmx.fresh(request, "overview/index.html#activity", activity_context(request))
    if part == "platform":
        return htmx.fresh(request, "overview/index.html#platform", platform_context(request))
    user: Any = request.user
    context = {"has_second_factor": has_second_factor(user), **activity_context(request)}
    if not (user.is_staff or memberships_at_hand(request)):
        context["waiting"] = list(invitations_for(user))
    return htmx.vary(render(request, "overview/index.html", context))


def activity_context(request: HttpRequest) -> dict[str, Any]:
    user: Any = request.user
    return {
        "events": list(list_events(actor=user)[:RECENT]),
        "live_topics": topics_for(user),
    }


def platform_context(request: HttpRequest) -> dict[str, Any]:
    """Which processes live, what the worker has to do, and whether clusters and gateways are where they should be."""
    person: Any = request.user
    require_operator(person, "platform.see")
    processes = list_processes()
    counts = get_counts()
    is_late = counts.lag is not None and counts.lag > LATE_AFTER
    is_well = bool(processes) and all(each.health == Health.ALIVE for each in processes) and not is_late
    states = cluster_states()
    concerns, stuck = len(concerns_of(states)), count_stuck()
    return {
        "processes": [(PROCESS_NAMES.get(each.kind, each.kind), each) for each in processes],
        "counts": counts,
        "is_late": is_late,
        "is_well": is_well and not (concerns or stuck),
        "fleet": fleet_state(states),
        "concerns": concerns,
        "stuck": stuck,
        "asked_at": clock.now(),
    }
