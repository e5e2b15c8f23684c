"""One set of filters for the pages, their exports and the API."""

import django_filters
from django import forms
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from apps.gateways.sizes import StageName
from apps.triggers.models import Trigger, TriggerRun


class TriggerFilter(django_filters.FilterSet):
    q = django_filters.CharFilter(method="search", label=_("Find a trigger"))
    stage = django_filters.ChoiceFilter(choices=StageName.choices, label=_("Stage"), empty_label=_("Any stage"))
    is_enabled = django_filters.BooleanFilter(
        label=_("State"),
        widget=forms.Select(choices=[("", _("On and paused")), ("true", _("On")), ("false", _("Paused"))]),
    )
    function = django_filters.CharFilter(field_name="base_name", label=_("Function"))

    class Meta:
        model = Trigger
        fields: list[str] = []

    def search(self, queryset: "QuerySet[Trigger]", name: str, value: str) -> "QuerySet[Trigger]":
        words = value.strip()
        return queryset.filter(
            Q(base_name__icontains=words) | Q(note__icontains=words) | Q(expression__icontains=words)
        )


class RunFilter(django_filters.FilterSet):
    outcome = django_filters.ChoiceFilter(
        choices=TriggerRun.Outcome.choices, label=_("Outcome"), empty_label=_("Any outcome")
    )

    class Meta:
        model = TriggerRun
        fields: list[str] = []
