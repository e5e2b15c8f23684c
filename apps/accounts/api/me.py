from typing import Any

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request

from apps.accounts import services
from apps.accounts.models import User
from apps.accounts.selectors import data_of
from apps.core.api.serializers import ModelInput
from apps.core.api.views import answer
from apps.core.api.viewsets import Retrieved, Updated


class MeSerializer(serializers.ModelSerializer[User]):
    class Meta:
        model = User
        fields = ["id", "email", "name", "is_staff", "language", "theme", "time_zone", "created_at", "updated_at"]
        read_only_fields = fields


class PreferencesInput(ModelInput):
    class Meta:
        model = User
        fields = ["name", "language", "theme", "time_zone"]


class MeViewSet(Retrieved, Updated):
    """Whoever asks."""

    tag, singular, plural = "me", "your account", "people"
    scope = "account"
    serializer_class = MeSerializer
    update_serializer_class = PreferencesInput

    def get_object(self) -> User:
        return User.objects.get(pk=self.actor.pk)

    def perform_update(self, row: User, **fields: Any) -> User:
        return services.change_preferences(actor=row, user=row, **fields)

    @extend_schema(responses=OpenApiTypes.OBJECT)
    def data(self, request: Request) -> HttpResponse:
        """Take your data along.

        What is kept of you, as one object: profile, sessions, second factor, and what each part of the platform adds.
        What you did is at `/v1/me/audit-events`. That it was taken is written there too, once for requests that repeat
        within a minute.
        """
        # HEAD learns nothing, so there is nothing to write down
        if request.method == "HEAD":
            return answer(data_of(self.actor))
        return answer(services.take_data(actor=self.actor))
