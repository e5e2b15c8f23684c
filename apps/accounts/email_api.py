from typing import Any

from django.http import HttpResponse
from django.urls import path
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request

from apps.accounts.confirmation import require_confirmation
from apps.accounts.emails import ask_to_change_email, cancel_email_change, pending_change
from apps.accounts.models import MailedLink
from apps.core.api.serializers import Input
from apps.core.api.views import answer, no_content
from apps.core.api.viewsets import ApiViewSet
from apps.core.errors import NotFound


class PendingEmailSerializer(serializers.ModelSerializer[MailedLink]):
    class Meta:
        model = MailedLink
        fields = ["email", "created_at", "expires_at"]
        read_only_fields = fields


class NewEmailInput(Input):
    email = serializers.EmailField(max_length=254, help_text="A link is mailed there; it counts once that is used.")


class EmailViewSet(ApiViewSet):
    """The address that waits to be confirmed."""

    tag, singular, plural = "me", "your new address", "new addresses"
    scope = "account"
    serializer_class = PendingEmailSerializer

    def get_object(self) -> MailedLink:
        pending = pending_change(self.actor)
        if pending is None:
            raise NotFound(_("No new address is waiting to be confirmed."))
        return pending

    @extend_schema(responses=PendingEmailSerializer)
    def pending(self, request: Request) -> HttpResponse:
        """Read the address that waits to be confirmed.

        Until its link is used, `/v1/me` shows the address that counts.
        """
        return answer(self.represent(self.get_object()))

    @extend_schema(request=NewEmailInput, responses={202: PendingEmailSerializer})
    def change(self, request: Request) -> HttpResponse:
        """Change your address.

        A link is mailed to the new address; using it makes the change, and the old address is told. With a session,
        confirm first at `/account/confirm`.
        """
        if request.auth is None:
            require_confirmation(request._request)
        link = ask_to_change_email(actor=self.actor, **self.read_body(NewEmailInput))
        return answer(self.represent(link), status=202)

    @extend_schema(responses={204: None})
    def cancel(self, request: Request) -> HttpResponse:
        """Keep your address.

        The link that was mailed to the new one leads nowhere then.
        """
        cancel_email_change(actor=self.actor)
        return no_content()


_METHODS: dict[str, Any] = {"get": "pending", "post": "change", "delete": "cancel"}
urlpatterns = [path("me/email", EmailViewSet.as_view(_METHODS), name="me-email")]
