"""The triggers of a gateway, and those of the whole workspace."""

from collections.abc import Sequence
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy

from apps.core.web.lists import Column, Listing, ListPage
from apps.functions.models import Function
from apps.gateways.lifecycle.table import State
from apps.gateways.views.base import InGateways
from apps.gateways.views.page import GatewayListPage
from apps.triggers.filters import TriggerFilter
from apps.triggers.models import Trigger
from apps.triggers.selectors import list_triggers, waits, with_last_runs
from apps.triggers.telling import words_of
from apps.triggers.views.about import url_of
from apps.triggers.views.shown import moment_in, offers_for, outcome_of, stages_for, standing_of

COLUMNS: tuple[Column, ...] = (
    Column("id", gettext_lazy("Id"), on_page=False),
    Column("base_name", gettext_lazy("Trigger"), value="function_name", sort="base_name"),
    Column("stage", gettext_lazy("Stage"), sort="stage"),
    Column("expression", gettext_lazy("When")),
    Column("zone", gettext_lazy("Time zone"), on_page=False),
    Column("is_enabled", gettext_lazy("State"), sort="is_enabled"),
    Column("next_at", gettext_lazy("Next run"), sort="next_at"),
    Column("last_outcome", gettext_lazy("Last run")),
    Column("note", gettext_lazy("Note"), on_page=False),
)


class ShowsTriggers(ListPage):
    filterset_class = TriggerFilter
    shown_filters: Sequence[str] = ("stage", "is_enabled")
    order = "base_name"
    export_name = "triggers"

    def get_context(self, listing: Listing) -> dict[str, Any]:
        for row in listing.rows:
            row.words, row.standing, row.url = words_of(row), standing_of(row), url_of("detail", row)
            row.offers = offers_for(row, self.actor)
            row.next = moment_in(row.zone, row.next_at) if row.next_at and not waits(row) else None
            row.last = outcome_of(row.last_outcome) if row.last_outcome else None
        return {**super().get_context(listing), "member": self.actor}


class TriggerList(ShowsTriggers, GatewayListPage):
    template_name = "triggers/list.html"
    columns: Sequence[Column] = COLUMNS
    tab, tab_label = "triggers", gettext_lazy("Triggers")

    def get_queryset(self) -> "QuerySet[Trigger]":
        return with_last_runs(list_triggers(actor=self.actor, gateway=self.gateway))

    def get_context(self, listing: Listing) -> dict[str, Any]:
        stages = stages_for(self.actor)
        functions = Function.objects.filter(gateway=self.gateway, deleted_at=None)
        return {
            **super().get_context(listing),
            "may_create": self.gateway.state != State.DELETED and bool(stages),
            "has_functions": functions.filter(stage__in=stages).exists(),
        }


class AllTriggers(InGateways, ShowsTriggers):
    template_name = "triggers/all.html"
    columns: Sequence[Column] = (
        *COLUMNS[:2],
        Column("gateway", gettext_lazy("Gateway"), value="gateway.title", sort="gateway__title"),
        *COLUMNS[2:],
    )

    def get_queryset(self) -> "QuerySet[Trigger]":
        return with_last_runs(list_triggers(actor=self.actor))
