"""One trigger: when it's due, what it calls, and what came of its runs."""

from collections.abc import Sequence
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.core import clock
from apps.core.errors import NotFound
from apps.core.web.addresses import address
from apps.core.web.forms import Touch
from apps.core.web.lists import Column, Listing, ListPage
from apps.functions.selectors import get_function_named
from apps.functions.views.about import edit_url
from apps.triggers.cron import BadExpression
from apps.triggers.filters import RunFilter
from apps.triggers.models import Trigger, TriggerRun
from apps.triggers.selectors import list_runs, upcoming_of
from apps.triggers.telling import detail_of, words_of
from apps.triggers.views.about import AboutTrigger
from apps.triggers.views.shown import Moment, moment_in, offers_for, outcome_of, standing_of, took


class Detail(AboutTrigger, ListPage):
    template_name = "triggers/detail.html"
    filterset_class = RunFilter
    shown_filters: Sequence[str] = ("outcome",)
    order = "-due_at"
    page_size = 25
    export_name = "runs"
    columns: Sequence[Column] = (
        Column("id", gettext_lazy("Id"), on_page=False),
        Column("due_at", gettext_lazy("Due"), sort="due_at"),
        Column("kind", gettext_lazy("Kind"), on_page=False),
        Column("outcome", gettext_lazy("Outcome")),
        Column("status", gettext_lazy("Status"), classes="num"),
        Column("took", gettext_lazy("Took"), value=lambda row: took(row), classes="num"),
        Column("error", gettext_lazy("Error"), on_page=False),
        Column("request_id", gettext_lazy("Request")),
        Column("by", gettext_lazy("By"), on_page=False),
    )

    def get_queryset(self) -> "QuerySet[TriggerRun]":
        return list_runs(actor=self.actor, trigger=self.trigger)

    def get_context(self, listing: Listing) -> dict[str, Any]:
        trigger = self.trigger
        for row in listing.rows:
            row.shown, row.took, row.detail = outcome_of(row.outcome), took(row), detail_of(row)
            row.due = moment_in(trigger.zone, row.due_at)
        return {
            **super().get_context(listing),
            "trigger": trigger,
            "gateway": trigger.gateway,
            "member": self.actor,
            "words": words_of(trigger),
            "standing": standing_of(trigger),
            "offers": offers_for(trigger, self.actor),
            "upcoming": _upcoming(trigger),
            "facts": _facts(trigger),
            "function_url": self._function_url(),
            "logs_url": _logs_url(trigger),
        }

    def _function_url(self) -> str:
        try:
            found = get_function_named(actor=self.actor, gateway=self.trigger.gateway, name=self.trigger.function_name)
        except NotFound:
            return ""
        return edit_url(found)


def _upcoming(trigger: Trigger) -> list[Moment]:
    try:
        return [moment_in(trigger.zone, at) for at in upcoming_of(trigger, clock.now())]
    except BadExpression:
        return []


def _logs_url(trigger: Trigger) -> str:
    return address("logs:log", gateway_id=trigger.gateway_id)


def _facts(trigger: Trigger) -> list[Touch]:
    return [
        Touch(
            _("Calls"), f"{trigger.method} {trigger.path}{f'?{trigger.query}' if trigger.query else ''}", is_code=True
        ),
        Touch(_("While a run goes on"), trigger.get_overlap_display()),
        Touch(_("Missed runs"), trigger.get_missed_display()),
        *([Touch(_("Made by"), trigger.created_by)] if trigger.created_by else []),
    ]
