"""One set of filters for the pages and the API."""

import django_filters
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from apps.fleet.models import Agent, Cluster, RegistrationToken
from apps.fleet.selectors import Presence, with_presence


class ClusterFilter(django_filters.FilterSet):
    q = django_filters.CharFilter(method="search", label=_("Name or title holds"))
    region = django_filters.CharFilter(field_name="region", label=_("Region"))
    maintenance = django_filters.BooleanFilter(
        field_name="maintenance_at", lookup_expr="isnull", exclude=True, label=_("In maintenance")
    )

    class Meta:
        model = Cluster
        fields: list[str] = []

    def search(self, clusters: "QuerySet[Cluster]", name: str, value: str) -> "QuerySet[Cluster]":
        return clusters.filter(Q(name__icontains=value) | Q(title__icontains=value))


class AgentFilter(django_filters.FilterSet):
    cluster = django_filters.CharFilter(field_name="cluster_id", label=_("Cluster's id"))
    presence = django_filters.ChoiceFilter(choices=Presence.choices, method="in_presence", label=_("Presence"))

    class Meta:
        model = Agent
        fields: list[str] = []

    def in_presence(self, agents: "QuerySet[Agent]", name: str, value: str) -> "QuerySet[Agent]":
        return with_presence(agents, value)


class RegistrationTokenFilter(django_filters.FilterSet):
    cluster = django_filters.CharFilter(field_name="cluster_id", label=_("Cluster's id"))

    class Meta:
        model = RegistrationToken
        fields: list[str] = []
