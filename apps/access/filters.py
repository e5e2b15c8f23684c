import django_filters
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from apps.access.models import AccessToken
from apps.access.selectors import in_state


class TokenFilter(django_filters.FilterSet):
    q = django_filters.CharFilter(field_name="name", lookup_expr="icontains", label=_("Name holds"))
    state = django_filters.ChoiceFilter(choices=AccessToken.State.choices, method="in_state", label=_("State"))
    tenant = django_filters.CharFilter(field_name="tenant_id", label=_("Workspace's id"))

    class Meta:
        model = AccessToken
        fields: list[str] = []

    def in_state(self, tokens: "QuerySet[AccessToken]", name: str, value: str) -> "QuerySet[AccessToken]":
        return in_state(tokens, value)
