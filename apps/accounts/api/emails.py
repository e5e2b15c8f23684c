from typing import Any

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request

from apps.accounts.selectors import pending_change
from apps.accounts.services.emails import ask_to_change_email, cancel_email_change
from apps.accounts.sessions.confirmation import require_confirmation
from apps.core.api.serializers import Input
from apps.core.api.views import answer, no_content
from apps.core.api.viewsets import ApiViewSet


class EmailSerializer(serializers.Serializer[Any]):
    email = serializers.EmailField(help_text="The one that counts.")
    pending_email = serializers.EmailField(allow_null=True, help_text="Waits until the link that went there is used.")
    pending_until = serializers.DateTimeField(allow_null=True, help_text="When that link ends.")


class NewEmailInput(Input):
    email = serializers.EmailField(max_length=254, help_text="A link is mailed there; it counts once that is used.")


class EmailViewSet(ApiViewSet):
    """The address that counts, and the one that waits to be confirmed."""

    tag, singular, plural = "me", "your address", "addresses"
    scope = "account"
    # Whoever has the address can have a new password mailed to it: a token that leaked would be the whole account
    sessions_only = frozenset({"change_email"})
    serializer_class = EmailSerializer

    @extend_schema(responses=EmailSerializer)
    def email(self, request: Request) -> HttpResponse:
        """Read your address, and the one that waits to be confirmed."""
        return self._answer()

    @extend_schema(request=NewEmailInput, responses={202: EmailSerializer})
    def change_email(self, request: Request) -> HttpResponse:
        """Change your address.

        A link is mailed to the new address; using it makes the change, and the old address is told. Confirm first at
        `/account/confirm`.
        """
        require_confirmation(request._request)
        ask_to_change_email(actor=self.actor, **self.read_body(NewEmailInput))
        return self._answer(status=202)

    @extend_schema(responses={204: None})
    def keep_email(self, request: Request) -> HttpResponse:
        """Keep your address.

        The link that was mailed to the new one leads nowhere then.
        """
        cancel_email_change(actor=self.actor)
        return no_content()

    def _answer(self, *, status: int = 200) -> HttpResponse:
        pending = pending_change(self.actor)
        shown = {
            "email": self.actor.email,
            "pending_email": pending.email if pending else None,
            "pending_until": pending.expires_at if pending else None,
        }
        return answer(self.represent(shown), status=status)
