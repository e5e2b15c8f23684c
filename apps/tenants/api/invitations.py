from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request

from apps.core.api.serializers import Input
from apps.core.api.views import no_content
from apps.core.api.viewsets import Created, Listed, Retrieved, Updated, verb
from apps.core.mail.models import OutgoingMail
from apps.tenants import selectors, services
from apps.tenants.api_base import TenantApi
from apps.tenants.filters import InvitationFilter
from apps.tenants.models import Invitation
from apps.tenants.roles import Role
from apps.tenants.services.invitations import LONGEST_NOTE


class InvitationSerializer(serializers.ModelSerializer[Invitation]):
    tenant = serializers.CharField(source="tenant_id", read_only=True, help_text="The workspace's id.")
    invited_by = serializers.CharField(
        source="invited_by_id", read_only=True, allow_null=True, help_text="A person's id."
    )
    delivery = serializers.ChoiceField(
        choices=OutgoingMail.State.choices,
        read_only=True,
        allow_null=True,
        help_text="How far the newest mail is. Null: it's long ago.",
    )
    delivery_reason = serializers.CharField(
        read_only=True, allow_null=True, help_text="What the mail server said, where it didn't take it."
    )

    class Meta:
        model = Invitation
        fields = [
            "id",
            "tenant",
            "email",
            "role",
            "invited_by",
            "sent_at",
            "expires_at",
            "delivery",
            "delivery_reason",
            "created_at",
            "updated_at",
            "version",
        ]
        read_only_fields = fields


class InvitationInput(Input):
    email = serializers.EmailField()
    role = serializers.ChoiceField(choices=Role.choices, help_text="Any but owner, which is given to members only.")
    note = serializers.CharField(
        max_length=LONGEST_NOTE, default="", allow_blank=True, help_text="A few words for the mail."
    )


class AddressInput(Input):
    email = serializers.EmailField()


class InvitationViewSet(TenantApi, Listed, Retrieved, Created, Updated):
    """Those that nobody has accepted yet, also the ones whose week is over."""

    tag, singular, plural = "invitations", "an invitation", "invitations"
    # For the reference, which asks for the kind of row while nobody is there
    queryset = Invitation.objects.none()
    serializer_class = InvitationSerializer
    create_serializer_class = InvitationInput
    update_serializer_class = AddressInput
    filterset_class = InvitationFilter
    sorts = ("sent_at", "expires_at", "email")

    def get_queryset(self) -> "QuerySet[Invitation]":
        return selectors.with_delivery(selectors.list_invitations(actor=self.actor).select_related("tenant"))

    def perform_create(self, **fields: Any) -> Invitation:
        return self._again(services.invite_person(actor=self.actor, **fields))

    def perform_update(self, row: Invitation, **fields: Any) -> Invitation:
        if fields:
            services.change_invitation_address(actor=self.actor, invitation=row, **fields)
        return self._again(row)

    @verb()
    def resend(self, request: Request, pk: str) -> HttpResponse:
        """Send an invitation again.

        With a new link that works for another week; the one before ends.
        """
        return self.show(self._again(services.resend_invitation(actor=self.actor, invitation=self.get_object())))

    @extend_schema(responses={204: None})
    @verb()
    def revoke(self, request: Request, pk: str) -> HttpResponse:
        """Revoke an invitation.

        Its link ends at once.
        """
        services.revoke_invitation(actor=self.actor, invitation=self.get_object())
        return no_content()

    def _again(self, invitation: Invitation) -> Invitation:
        """With how far its mail is."""
        return self.get_queryset().get(pk=invitation.pk)
