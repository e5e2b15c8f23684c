"""One set of filters for the pages, their exports and the API; the pages' own spares people from writing dates."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import django_filters
from django.db.models import Q, QuerySet
from django.forms import DateTimeInput, Form
from django.http import QueryDict
from django.utils.dateparse import parse_datetime
from django.utils.functional import Promise
from django.utils.timezone import is_aware, localtime
from django.utils.translation import gettext_lazy as _

from apps.audit.groups import grouped_verb_choices, verb_choices, with_members
from apps.audit.models import AuditEvent
from apps.audit.services import SYSTEM
from apps.core import clock
from apps.core.errors import Text

# A value and its label, or a label and the choices below it
Choice = tuple[Any, Any]

# Who acts without an account of their own; ids have a prefix and an underscore, so no person is called that
THE_SYSTEM = "system"

SPANS: dict[str, tuple[Text, timedelta]] = {
    "24h": (_("Last 24 h"), timedelta(hours=24)),
    "7d": (_("Last 7 days"), timedelta(days=7)),
    "30d": (_("Last 30 days"), timedelta(days=30)),
}
# The choice that shows the two fields for dates
FROM_TO = "dates"


class Moment(DateTimeInput):
    """The browser's own field for date and time, which knows no time zones: it shows and takes the reader's."""

    input_type = "datetime-local"

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        # Shown by the style sheet while "from … to …" is chosen
        super().__init__({"data-dates": "", **(attrs or {})})

    def format_value(self, value: Any) -> str | None:
        moment = value if isinstance(value, datetime) else _parsed(value)
        if moment is None:
            return super().format_value(value)
        return (localtime(moment) if is_aware(moment) else moment).strftime("%Y-%m-%dT%H:%M")


def _parsed(text: Any) -> datetime | None:
    try:
        return parse_datetime(str(text or ""))
    except ValueError:
        return None


class AuditEventFilter(django_filters.FilterSet):
    """`verb` takes verbs and groups of them, `actor` ids and `system`."""

    q = django_filters.CharFilter(method="search", label=_("Object, person, request id, address"))
    actor = django_filters.CharFilter(method="filter_actor", label=_("Who"))
    verb = django_filters.MultipleChoiceFilter(choices=verb_choices, method="filter_verb", label=_("What"))
    target_type = django_filters.CharFilter(label=_("Object's kind"))
    target = django_filters.CharFilter(field_name="target_id", label=_("Object"))
    request = django_filters.CharFilter(field_name="request_id", label=_("Request"))
    since = django_filters.IsoDateTimeFilter(field_name="at", lookup_expr="gte", label=_("From"))
    until = django_filters.IsoDateTimeFilter(field_name="at", lookup_expr="lt", label=_("To"))

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

    def filter_actor(self, queryset: "QuerySet[AuditEvent]", name: str, value: str) -> "QuerySet[AuditEvent]":
        if value == THE_SYSTEM:
            return queryset.filter(actor_id="", actor_label=SYSTEM.label)
        return queryset.filter(actor_id=value)

    def filter_verb(
        self, queryset: "QuerySet[AuditEvent]", name: str, value: str | list[str]
    ) -> "QuerySet[AuditEvent]":
        chosen = [value] if isinstance(value, str) else value
        return queryset.filter(verb__in=with_members(chosen)) if chosen else queryset


class _PageForm(Form):
    def clean(self) -> dict[str, Any]:
        """Choosing dates limits nothing; the dates that are chosen do."""
        values = super().clean() or self.cleaned_data
        return {**values, "within": "" if values.get("within") == FROM_TO else values.get("within", "")}


class AuditPageFilter(AuditEventFilter):
    """What people choose from. A person or an object that a link set is shown by name, not by id."""

    actor = django_filters.ChoiceFilter(method="filter_actor", label=_("Who"), empty_label=_("Anyone"))
    verb = django_filters.ChoiceFilter(
        choices=grouped_verb_choices, method="filter_verb", label=_("What"), empty_label=_("Any action")
    )
    target = django_filters.ChoiceFilter(field_name="target_id", label=_("Object"))
    within = django_filters.ChoiceFilter(
        method="filter_within",
        choices=[*((key, label) for key, (label, _span) in SPANS.items()), (FROM_TO, _("From … to …"))],
        label=_("When"),
        empty_label=_("At any time"),
    )
    since = django_filters.IsoDateTimeFilter(field_name="at", lookup_expr="gte", label=_("From"), widget=Moment)
    until = django_filters.IsoDateTimeFilter(field_name="at", lookup_expr="lt", label=_("To"), widget=Moment)

    class Meta(AuditEventFilter.Meta):
        form = _PageForm

    def __init__(self, data: QueryDict | None = None, *, people: Sequence[Choice] = (), **options: Any) -> None:
        super().__init__(_with_one_span(data), **options)
        self._offer("actor", "actor_label", [*people, (THE_SYSTEM, _("The system"))])
        self._offer("target", "target_label", [])

    def filter_within(self, queryset: "QuerySet[AuditEvent]", name: str, value: str) -> "QuerySet[AuditEvent]":
        return queryset.filter(at__gte=clock.now() - SPANS[value][1])

    def _offer(self, name: str, label_column: str, choices: list[Choice]) -> None:
        """The choices, and what the address asks for, by what this reader's log called it last."""
        # What no column takes can't be chosen either; the form refuses it
        wanted = self.data.get(name, "").replace("\0", "")
        if wanted and wanted not in dict(_flat(choices)):
            called = self.queryset.filter(**{f"{name}_id": wanted}).values_list(label_column, flat=True).first()
            choices = [*choices, (wanted, called or wanted)]
        self.filters[name].extra["choices"] = choices


def _with_one_span(data: QueryDict | None) -> QueryDict | None:
    """Dates in the address are "from … to …"; with another span chosen, the hidden fields for dates say nothing."""
    if data is None or not (data.get("since") or data.get("until")):
        return data
    data = data.copy()
    if data.get("within") in SPANS:
        data["since"] = data["until"] = ""
    else:
        data["within"] = FROM_TO
    return data


def _flat(choices: Iterable[Choice]) -> Iterator[tuple[str, Text]]:
    for value, label in choices:
        if isinstance(label, str | Promise):
            yield value, label
        else:
            yield from label
