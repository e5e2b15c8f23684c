from django.db.models import QuerySet
from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request

from apps.core.api.views import no_content
from apps.core.api.viewsets import Listed, Retrieved, verb
from apps.tenants import selectors, services
from apps.tenants.api.members import MemberSerializer
from apps.tenants.models import Invitation


class MyInvitationSerializer(serializers.ModelSerializer[Invitation]):
    tenant = serializers.CharField(source="tenant_id", read_only=True, help_text="The workspace's id.")
    tenant_name = serializers.CharField(source="tenant.name", read_only=True)

    class Meta:
        model = Invitation
        fields = ["id", "tenant", "tenant_name", "role", "sent_at", "expires_at"]
        read_only_fields = fields


class MyInvitationViewSet(Listed, Retrieved):
    """What waits for your answer."""

    tag, singular, plural = "my-invitations", "an invitation to you", "your invitations"
    scope = "account"
    serializer_class = MyInvitationSerializer
    default_sort = ("-sent_at",)

    def get_queryset(self) -> "QuerySet[Invitation]":
        return selectors.invitations_for(self.actor)

    @extend_schema(responses=MemberSerializer)
    @verb()
    def accept(self, request: Request, pk: str) -> HttpResponse:
        """Accept an invitation."""
        membership = services.accept_invitation(actor=self.actor, invitation=self.get_object())
        return self.show(membership, MemberSerializer)

    @extend_schema(responses={204: None})
    @verb()
    def decline(self, request: Request, pk: str) -> HttpResponse:
        """Decline an invitation."""
        services.decline_invitation(actor=self.actor, invitation=self.get_object())
        return no_content()
