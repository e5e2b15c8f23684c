"""One set of filters for the page, its exports and the API."""

import django_filters
from django.db.models import Q, QuerySet
from django.forms import DateTimeInput
from django.utils.translation import gettext_lazy as _

from apps.audit.models import AuditEvent
from apps.audit.verbs import VERBS


def _verb_choices() -> list[tuple[str, str]]:
    return sorted((verb, verb) for verb in VERBS)


class AuditEventFilter(django_filters.FilterSet):
    q = django_filters.CharFilter(method="search", label=_("Object, person, request id, address"))
    actor = django_filters.CharFilter(field_name="actor_id", label=_("Who (id)"))
    verb = django_filters.MultipleChoiceFilter(choices=_verb_choices, label=_("What"))
    target_type = django_filters.CharFilter(label=_("Object's kind"))
    target = django_filters.CharFilter(field_name="target_id", label=_("Object (id)"))
    request = django_filters.CharFilter(field_name="request_id", label=_("Request id"))
    since = django_filters.IsoDateTimeFilter(
        field_name="at", lookup_expr="gte", label=_("From"), widget=DateTimeInput(attrs={"type": "datetime-local"})
    )
    until = django_filters.IsoDateTimeFilter(
        field_name="at", lookup_expr="lt", label=_("To"), widget=DateTimeInput(attrs={"type": "datetime-local"})
    )

    class Meta:
        model = AuditEvent
        fields: list[str] = []

    def search(self, queryset: "QuerySet[AuditEvent]", name: str, value: str) -> "QuerySet[AuditEvent]":
        """Ids and addresses are looked up whole, names by any part of them."""
        words = value.strip()
        if not words:
            return queryset
        found = Q(target_label__icontains=words) | Q(actor_label__icontains=words)
        return queryset.filter(
            found | Q(request_id=words) | Q(address=words) | Q(target_id=words) | Q(actor_id=words) | Q(id=words)
        )
