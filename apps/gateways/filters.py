"""One set of filters for the pages, their exports and the API."""

from typing import Any

import django_filters
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import User
from apps.core.lifecycle.models import LifecycleEvent
from apps.core.lifecycle.timeline import Kind
from apps.fleet.models import Cluster
from apps.gateways.lifecycle.table import Phase, State
from apps.gateways.models import FunctionGateway
from apps.tenants.filters import member_behind
from apps.tenants.models import Membership


def _owners(request: Any) -> "QuerySet[User]":
    member = member_behind(request)
    if member is None:
        return User.objects.none()
    return User.objects.filter(pk__in=Membership.objects.of(member.tenant).values("person"))


class GatewayFilter(django_filters.FilterSet):
    q = django_filters.CharFilter(method="search", label=_("Find a gateway"))
    state = django_filters.ChoiceFilter(choices=State.choices, label=_("State"), empty_label=_("Any state"))
    phase = django_filters.ChoiceFilter(
        choices=[(value, label) for value, label in Phase.choices if value != Phase.DELETED],
        label=_("Phase"),
        empty_label=_("Any phase"),
    )
    cluster = django_filters.ModelChoiceFilter(
        queryset=Cluster.objects.order_by("name"), label=_("Cluster"), empty_label=_("Any cluster")
    )
    owner = django_filters.ModelChoiceFilter(queryset=_owners, label=_("Owner"), empty_label=_("Any owner"))

    class Meta:
        model = FunctionGateway
        fields: list[str] = []

    def search(self, queryset: "QuerySet[FunctionGateway]", name: str, value: str) -> "QuerySet[FunctionGateway]":
        words = value.strip()
        return queryset.filter(Q(name__icontains=words) | Q(title__icontains=words))


# What a line of the timeline is about, as people ask for it
KINDS_OF_LINES = {
    "wishes": [Kind.WISHED, Kind.FORCED, Kind.RELEASED],
    "steps": [Kind.DONE, Kind.MOVED, Kind.NOTED],
    "trouble": [Kind.WAITS, Kind.FAILED, Kind.STOPPED],
}


class TimelineFilter(django_filters.FilterSet):
    q = django_filters.CharFilter(method="search", label=_("Step, person, reason"))
    kind = django_filters.ChoiceFilter(
        method="filter_kind",
        choices=[
            ("wishes", _("What people wanted")),
            ("steps", _("What was done")),
            ("trouble", _("Waits and errors")),
        ],
        label=_("Kind"),
        empty_label=_("Everything"),
    )
    phase = django_filters.ChoiceFilter(choices=Phase.choices, label=_("Phase"), empty_label=_("Any phase"))

    class Meta:
        model = LifecycleEvent
        fields: list[str] = []

    def search(self, queryset: "QuerySet[LifecycleEvent]", name: str, value: str) -> "QuerySet[LifecycleEvent]":
        words = value.strip()
        return queryset.filter(Q(step__icontains=words) | Q(actor_label__icontains=words) | Q(because__icontains=words))

    def filter_kind(self, queryset: "QuerySet[LifecycleEvent]", name: str, value: str) -> "QuerySet[LifecycleEvent]":
        return queryset.filter(kind__in=KINDS_OF_LINES[value])
