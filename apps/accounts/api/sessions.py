from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request

from apps.accounts import services
from apps.accounts.models import Session
from apps.accounts.selectors import list_sessions
from apps.accounts.sessions.confirmation import require_confirmation_of_session
from apps.accounts.sessions.store import store_of
from apps.core.api.views import answer, no_content
from apps.core.api.viewsets import Listed, Retrieved, verb


class SessionSerializer(serializers.ModelSerializer[Session]):
    browser = serializers.CharField(help_text="As the browser names itself.")
    is_current = serializers.SerializerMethodField(help_text="Whether this request comes with it.")
    is_unfamiliar = serializers.BooleanField(help_text="Nobody had signed in to your account from that network before.")

    class Meta:
        model = Session
        fields = [
            "id", "browser", "address", "signed_in_at", "last_seen_at", "expires_at", "is_current", "is_unfamiliar",
        ]  # fmt: skip
        read_only_fields = fields

    expires_at = serializers.DateTimeField(source="expire_date", help_text="When it ends if nobody uses it.")

    def get_is_current(self, session: Session) -> bool:
        current = _current(self.context["request"])
        return current is not None and current.pk == session.pk


class EndedSerializer(serializers.Serializer[Any]):
    ended = serializers.IntegerField(help_text="How many sessions.")


class SessionViewSet(Listed, Retrieved):
    """Where you are signed in."""

    tag, singular, plural = "sessions", "a session", "sessions"
    scope = "account"
    serializer_class = SessionSerializer
    from_columns = False
    sorts = ("last_seen_at", "signed_in_at")
    default_sort = ("-last_seen_at",)

    def get_queryset(self) -> QuerySet[Session]:
        return list_sessions(actor=self.actor)

    @extend_schema(responses={204: None})
    @verb()
    def revoke(self, request: Request, pk: str) -> HttpResponse:
        """Revoke a session.

        Whoever uses it is asked to sign in.
        """
        services.revoke_session(actor=self.actor, session=self.get_object())
        return no_content()

    @extend_schema(request=None, responses=EndedSerializer)
    @action(detail=False, methods=["post"], url_path="revoke-others", url_name="revoke-others")
    def revoke_others(self, request: Request) -> HttpResponse:
        """Revoke all other sessions.

        The one that this request comes with stays, and has to be confirmed first at `/account/confirm`. A token comes
        with none, so with a token all of them end.
        """
        require_confirmation_of_session(request)
        return answer({"ended": services.revoke_other_sessions(actor=self.actor, keep=_current(request))})


def _current(request: Request) -> Session | None:
    return store_of(request._request).row if request.auth is None else None
