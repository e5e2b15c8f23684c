"""Everything that happened in a gateway's life: each wish, step, attempt, error and next try."""

from collections.abc import Sequence
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy

from apps.core.lifecycle.models import LifecycleEvent
from apps.core.web.lists import Column, Listing
from apps.gateways.filters import TimelineFilter
from apps.gateways.progress import label_of, tell, timeline_of
from apps.gateways.views.page import GatewayListPage
from apps.gateways.views.shown import seconds_told
from apps.gateways.views.timeline import LEVELS


class History(GatewayListPage):
    template_name = "gateways/history.html"
    filterset_class = TimelineFilter
    shown_filters: Sequence[str] = ("kind", "phase")
    order = "-id"
    export_name = "gateway-timeline"
    tab, tab_label = "history", gettext_lazy("History")
    columns: Sequence[Column] = (
        Column("id", gettext_lazy("Id"), on_page=False),
        Column("at", gettext_lazy("When")),
        Column("last_at", gettext_lazy("Until"), on_page=False),
        Column("kind", gettext_lazy("Kind")),
        Column("text", gettext_lazy("What"), value=lambda row: tell(row).text),
        Column("phase", gettext_lazy("Phase")),
        Column("step", gettext_lazy("Step"), on_page=False),
        Column("ms", gettext_lazy("Took"), classes="num"),
        Column("attempt", gettext_lazy("Attempt"), on_page=False),
        Column("count", gettext_lazy("Times"), on_page=False),
        Column("who", gettext_lazy("By"), value=lambda row: tell(row).actor or tell(row).worker),
        Column("next_at", gettext_lazy("Next try"), on_page=False),
    )

    def get_queryset(self) -> "QuerySet[LifecycleEvent]":
        return timeline_of(self.gateway)

    def get_context(self, listing: Listing) -> dict[str, Any]:
        lines = [_shown(row) for row in listing.rows]
        return {**super().get_context(listing), "lines": lines}


def _shown(row: LifecycleEvent) -> dict[str, Any]:
    line = tell(row)
    tone, level = LEVELS.get(line.kind, ("idle", line.kind))
    return {
        "line": line,
        "tone": tone,
        "level": level,
        "phase": label_of(line.phase, ""),
        "step": label_of(line.phase, line.step) if line.step else "",
        "took": seconds_told(line.seconds),
    }
