"""One set of filters for the page, its exports and the API."""

import django_filters
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from apps.functions.models import Function, FunctionVersion
from apps.functions.services.wishes import METHODS
from apps.gateways.sizes import StageName


class FunctionFilter(django_filters.FilterSet):
    q = django_filters.CharFilter(method="search", label=_("Find a function"))
    stage = django_filters.ChoiceFilter(choices=StageName.choices, label=_("Stage"), empty_label=_("Any stage"))
    method = django_filters.ChoiceFilter(
        method="filter_method",
        choices=[(method, method) for method in METHODS],
        label=_("Method"),
        empty_label=_("Any method"),
    )
    tag = django_filters.CharFilter(method="filter_tag", label=_("Tag"))
    name = django_filters.CharFilter(field_name="base_name", label=_("Base name"))

    class Meta:
        model = Function
        fields: list[str] = []

    def search(self, queryset: "QuerySet[Function]", name: str, value: str) -> "QuerySet[Function]":
        words = value.strip()
        return queryset.filter(
            Q(base_name__icontains=words) | Q(description__icontains=words) | Q(tags__contains=[words])
        )

    def filter_method(self, queryset: "QuerySet[Function]", name: str, value: str) -> "QuerySet[Function]":
        """Also those that answer all of them."""
        return queryset.filter(Q(methods__contains=[value]) | Q(methods=[]))

    def filter_tag(self, queryset: "QuerySet[Function]", name: str, value: str) -> "QuerySet[Function]":
        return queryset.filter(tags__contains=[value.strip()])


class DeletedFilter(django_filters.FilterSet):
    q = django_filters.CharFilter(field_name="base_name", lookup_expr="icontains", label=_("Find a deleted function"))
    stage = django_filters.ChoiceFilter(choices=StageName.choices, label=_("Stage"), empty_label=_("Any stage"))

    class Meta:
        model = Function
        fields: list[str] = []


class VersionFilter(django_filters.FilterSet):
    kind = django_filters.ChoiceFilter(choices=FunctionVersion.Kind.choices, label=_("Kind"), empty_label=_("Any kind"))
    q = django_filters.CharFilter(field_name="note", lookup_expr="icontains", label=_("Find a version by its note"))

    class Meta:
        model = FunctionVersion
        fields: list[str] = []
