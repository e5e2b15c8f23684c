import django_filters
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from apps.access.models import AccessToken
from apps.core import clock


class TokenFilter(django_filters.FilterSet):
    q = django_filters.CharFilter(field_name="name", lookup_expr="icontains", label=_("Name holds"))
    state = django_filters.ChoiceFilter(choices=AccessToken.State.choices, method="in_state", label=_("State"))
    tenant = django_filters.CharFilter(field_name="tenant_id", label=_("Workspace's id"))

    class Meta:
        model = AccessToken
        fields: list[str] = []

    def in_state(self, tokens: "QuerySet[AccessToken]", name: str, value: str) -> "QuerySet[AccessToken]":
        is_over = Q(expires_at__lte=clock.now())
        match value:
            case AccessToken.State.REVOKED:
                return tokens.exclude(revoked_at=None)
            case AccessToken.State.ENDED:
                return tokens.filter(is_over, revoked_at=None)
            case _:
                return tokens.filter(~is_over, revoked_at=None)
