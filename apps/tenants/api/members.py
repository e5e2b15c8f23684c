from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse
from rest_framework import serializers
from rest_framework.request import Request

from apps.accounts.sessions.confirmation import require_confirmation_of_session
from apps.core.api.serializers import ModelInput
from apps.core.api.viewsets import Destroyed, Listed, Retrieved, Updated, verb
from apps.tenants import selectors, services
from apps.tenants.api_base import TenantApi
from apps.tenants.filters import MemberFilter
from apps.tenants.models import Membership


class MemberSerializer(serializers.ModelSerializer[Membership]):
    tenant = serializers.CharField(source="tenant_id", read_only=True, help_text="The workspace's id.")
    person = serializers.CharField(source="person_id", read_only=True, help_text="The person's id.")
    name = serializers.CharField(source="person.name", read_only=True)
    email = serializers.EmailField(source="person.email", read_only=True)

    class Meta:
        model = Membership
        fields = [
            "id",
            "tenant",
            "person",
            "name",
            "email",
            "role",
            "given_by",
            "last_seen_at",
            "created_at",
            "updated_at",
            "version",
        ]
        read_only_fields = fields


class RoleInput(ModelInput):
    class Meta:
        model = Membership
        fields = ["role"]


class MemberViewSet(TenantApi, Listed, Retrieved, Updated, Destroyed):
    tag, singular, plural = "members", "a member", "members"
    # For the reference, which asks for the kind of row while nobody is there
    queryset = Membership.objects.none()
    serializer_class = MemberSerializer
    update_serializer_class = RoleInput
    filterset_class = MemberFilter
    sorts = ("created_at", "last_seen_at", "role")

    def get_queryset(self) -> "QuerySet[Membership]":
        return selectors.list_members(actor=self.actor).select_related("tenant")

    def perform_update(self, row: Membership, role: str = "", **fields: Any) -> Membership:
        return services.change_role(actor=self.actor, membership=row, role=role or row.role)

    def perform_destroy(self, row: Membership) -> None:
        services.remove_member(actor=self.actor, membership=row)

    @verb()
    def hand_over(self, request: Request, pk: str) -> HttpResponse:
        """Hand over the ownership to a member.

        They become an owner, and you an admin. A session has to be confirmed first at `/account/confirm`.
        """
        membership = self.get_object()
        self.actor.require("workspace.hand_over", row=membership)
        require_confirmation_of_session(request)
        return self.show(services.hand_over_ownership(actor=self.actor, membership=membership))
