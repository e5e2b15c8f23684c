from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views import View

from apps.core.web import htmx
from apps.fleet.concerns import all_sources, concerns_of
from apps.fleet.health import cluster_states, fleet_state
from apps.fleet.views.base import ForOperators, show
from apps.fleet.views.events import recent_events
from apps.fleet.views.shown import LEGEND, ShownCluster, by_region, in_seconds
from apps.tenants.operators import is_allowed

PARTS = ("stats", "clusters", "look")


class Fleet(ForOperators, View):
    """`/fleet`: all clusters at a glance. A part that refreshes itself is asked for by its id."""

    def get(self, request: HttpRequest) -> HttpResponse:
        part = htmx.target(request)
        here = {"here": request.get_full_path(), "may_register": is_allowed(self.operator, "clusters.register")}
        if part == "events":
            return show(request, "fleet/index.html#events", {**here, "events": recent_events()})
        context = {**here, **fleet_context(), "as_table": request.GET.get("view") == "table"}
        if part in PARTS:
            return show(request, f"fleet/index.html#{part}", context)
        return show(request, "fleet/index.html", {**context, "events": recent_events()})


def fleet_context() -> dict[str, Any]:
    states = cluster_states()
    shown = [ShownCluster(state) for state in states]
    totals = fleet_state(states)
    sources = [(source, source.count()) for source in all_sources()]
    concerns = [*concerns_of(states), *(each for source, count in sources if count for each in source.find())]
    return {
        "clusters": shown,
        "regions": by_region(shown),
        "totals": totals,
        "p95": "" if totals.delay.p95_ms is None else in_seconds(totals.delay.p95_ms),
        "legend": LEGEND,
        "sources": sources,
        # The worst first
        "concerns": sorted(concerns, key=lambda concern: concern.tone),
    }
