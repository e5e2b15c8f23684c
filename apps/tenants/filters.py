"""One set of filters for the pages, their exports and the API."""

from typing import Any

import django_filters
from allauth.mfa.models import Authenticator
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from apps.tenants.member import Member
from apps.tenants.models import Invitation, InvitationQuerySet, Membership, Tenant
from apps.tenants.requests import member_at_hand
from apps.tenants.roles import ROLES_OF, Kind, Role

SECOND_FACTOR = Exists(
    Authenticator.objects.filter(user_id=OuterRef("person_id"), type=Authenticator.Type.TOTP).values("pk")
)


def member_behind(request: Any) -> Member | None:
    """Who asks: a page's request knows it, an endpoint's view does. Nobody where the API is described."""
    view = getattr(request, "parser_context", {}).get("view")
    actor = getattr(view, "actor", None)
    return actor if isinstance(actor, Member) else member_at_hand(request)


class _OfOneKind(django_filters.FilterSet):
    """On a page, the roles that this kind of workspace has."""

    role = django_filters.ChoiceFilter(choices=Role.choices, label=_("Role"), empty_label=_("Any role"))

    def __init__(self, *arguments: object, **options: object) -> None:
        super().__init__(*arguments, **options)
        member = member_behind(self.request)
        if member is not None:
            self.filters["role"].extra["choices"] = [(role, role.label) for role in ROLES_OF[member.tenant.kind]]


class TenantFilter(django_filters.FilterSet):
    q = django_filters.CharFilter(method="search", label=_("Name or address"))
    kind = django_filters.ChoiceFilter(choices=Kind.choices, label=_("Kind"))
    suspended = django_filters.BooleanFilter(
        field_name="suspended_at", lookup_expr="isnull", exclude=True, label=_("Suspended")
    )

    class Meta:
        model = Tenant
        fields: list[str] = []

    def search(self, queryset: "QuerySet[Tenant]", name: str, value: str) -> "QuerySet[Tenant]":
        words = value.strip()
        return queryset.filter(Q(name__icontains=words) | Q(slug__icontains=words))


class MemberFilter(_OfOneKind):
    q = django_filters.CharFilter(method="search", label=_("Find a person"))
    second_factor = django_filters.ChoiceFilter(
        method="filter_second_factor",
        choices=[("on", _("With a second factor")), ("off", _("Without a second factor"))],
        label=_("Second factor"),
        empty_label=_("Any sign-in"),
    )

    class Meta:
        model = Membership
        fields: list[str] = []

    def search(self, queryset: "QuerySet[Membership]", name: str, value: str) -> "QuerySet[Membership]":
        words = value.strip()
        return queryset.filter(Q(person__name__icontains=words) | Q(person__email__icontains=words))

    def filter_second_factor(self, queryset: "QuerySet[Membership]", name: str, value: str) -> "QuerySet[Membership]":
        """Somebody whose role comes with SSO has theirs at the provider, so they're neither.

        Whose sign-in is weak is for those to know who can do something about it.
        """
        member = member_behind(self.request)
        if member is not None:
            member.require("members.manage")
        by_us = queryset.exclude(given_by=Membership.GivenBy.SSO)
        return queryset.filter(SECOND_FACTOR) if value == "on" else by_us.filter(~SECOND_FACTOR)


class InvitationFilter(_OfOneKind):
    q = django_filters.CharFilter(field_name="email", lookup_expr="icontains", label=_("Find an address"))
    phase = django_filters.ChoiceFilter(
        method="filter_phase",
        choices=[(Invitation.Phase.WAITING, _("Can be accepted")), (Invitation.Phase.ENDED, _("Ended"))],
        label=_("Phase"),
        empty_label=_("Any phase"),
    )

    class Meta:
        model = Invitation
        fields: list[str] = []

    def filter_phase(self, queryset: InvitationQuerySet, name: str, value: str) -> InvitationQuerySet:
        return queryset.in_phase(value)
