import django_filters

from tests.sample.models import Note


class NoteFilter(django_filters.FilterSet):
    q = django_filters.CharFilter(field_name="title", lookup_expr="icontains", label="Title holds")
    colour = django_filters.ChoiceFilter(choices=Note.Colour.choices, label="Colour")
    archived = django_filters.BooleanFilter(field_name="archived_at", lookup_expr="isnull", exclude=True)
    created = django_filters.IsoDateTimeFromToRangeFilter(field_name="created_at", label="Written")

    class Meta:
        model = Note
        fields: list[str] = []
