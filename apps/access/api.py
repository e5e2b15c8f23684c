from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request

from apps.access import selectors, services
from apps.access.filters import TokenFilter
from apps.access.models import AccessToken
from apps.accounts.sessions.confirmation import require_confirmation_of_session
from apps.core.api.routing import routes
from apps.core.api.serializers import Input
from apps.core.api.viewsets import Created, Destroyed, Listed, Retrieved, verb
from apps.core.errors import InvalidInput
from apps.tenants.models import Tenant
from apps.tenants.roles import SCOPES
from apps.tenants.selectors import memberships_of

# In place of an id: the token that asks
SELF = "self"


@extend_schema_field({"type": "array", "items": {"type": "string", "enum": list(SCOPES)}})
class ScopesField(serializers.JSONField):
    """Kept as JSON, so that a list is written by PostgreSQL."""


class TokenSerializer(serializers.ModelSerializer[AccessToken]):
    tenant = serializers.CharField(
        source="tenant_id", allow_null=True, read_only=True, help_text="A workspace's id. Null: every one of yours."
    )
    scopes = ScopesField(read_only=True, help_text="What it may, as far as your role goes.")
    start = serializers.CharField(read_only=True, help_text="How it begins. The rest is known to you alone.")

    class Meta:
        model = AccessToken
        fields = [
            "id",
            "name",
            "start",
            "tenant",
            "scopes",
            "created_at",
            "expires_at",
            "last_used_at",
            "last_used_address",
            "revoked_at",
        ]
        read_only_fields = fields


class NewTokenSerializer(TokenSerializer):
    token = serializers.CharField(source="secret.reveal", read_only=True, help_text="Shown this once: store it now.")

    class Meta(TokenSerializer.Meta):
        fields = [*TokenSerializer.Meta.fields, "token"]


class TokenInput(Input):
    name = serializers.CharField(max_length=80, help_text="Where it will live.")
    scopes = serializers.ListField(
        child=serializers.ChoiceField(choices=SCOPES),
        allow_empty=False,
        help_text="What it may. To write is to read as well.",
    )
    expires_at = serializers.DateTimeField(help_text="A year from now at the latest.")
    tenant = serializers.CharField(
        allow_null=True,
        default=None,
        help_text="The id or the address of one of your workspaces. Without it, the token works in every one.",
    )


class TokenViewSet(Listed, Retrieved, Created, Destroyed):
    tag, singular, plural = "access-tokens", "an access token", "access tokens"
    scope = "account"
    serializer_class = TokenSerializer
    created_serializer_class = NewTokenSerializer
    create_serializer_class = TokenInput
    filterset_class = TokenFilter
    sorts = ("created_at", "expires_at", "name")

    def get_queryset(self) -> "QuerySet[AccessToken]":
        return selectors.list_tokens(actor=self.actor)

    @property
    def through(self) -> AccessToken | None:
        """The token that asks; None for a session."""
        asking = self.request.auth
        return asking if isinstance(asking, AccessToken) else None

    def needed_scope(self) -> str | None:
        """A token may always look at itself, and end itself."""
        return "" if self.kwargs.get("pk") == SELF else super().needed_scope()

    def get_object(self) -> AccessToken:
        if self.through and self.kwargs["pk"] == SELF:
            return self.through
        found: AccessToken = super().get_object()
        return found

    def perform_create(self, **fields: Any) -> AccessToken:
        require_confirmation_of_session(self.request)
        named = fields.pop("tenant")
        tenant = self._find_workspace(named) if named else None
        return services.create_token(actor=self.actor, tenant=tenant, through=self.through, **fields)

    def perform_destroy(self, row: AccessToken) -> None:
        services.remove_token(actor=self.actor, token=row)

    @verb()
    def revoke(self, request: Request, pk: str) -> HttpResponse:
        """Revoke an access token.

        It lets nobody in from the next request on, and can't be brought back. `self` is the token that asks, which
        needs no scope for it.
        """
        return self.show(services.revoke_token(actor=self.actor, token=self.get_object()))

    def _find_workspace(self, named: str) -> Tenant:
        for membership in memberships_of(self.actor):
            if named in (membership.tenant_id, membership.tenant.slug):
                return membership.tenant
        raise InvalidInput(fields={"tenant": [_("You are in no such workspace.")]})


urlpatterns = routes("access-tokens", TokenViewSet, name="access-tokens")
