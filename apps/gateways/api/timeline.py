from typing import Any

from django.db.models import QuerySet
from rest_framework import serializers

from apps.core.api.viewsets import Listed
from apps.core.lifecycle.models import LifecycleEvent
from apps.gateways.api.below import OfGateway
from apps.gateways.progress import tell, timeline_of


class LineSerializer(serializers.Serializer[LifecycleEvent]):
    id = serializers.CharField()
    of = serializers.ChoiceField(choices=["gateway", "domain"], help_text="Whose life it's a line of.")
    kind = serializers.CharField(help_text=f"One of {', '.join(LifecycleEvent.Kind.values)}.")
    phase = serializers.CharField(help_text="In which it happened, or which began.")
    step = serializers.CharField()
    text = serializers.CharField(help_text="In the reader's language.")
    seconds = serializers.FloatField(allow_null=True, help_text="What the step took.")
    attempt = serializers.IntegerField()
    count = serializers.IntegerField(help_text="How often the same was met, from `at` to `last_at`.")
    actor = serializers.CharField(help_text="Who wanted it; empty for what happened by itself.")
    next_at = serializers.DateTimeField(allow_null=True, help_text="When it's tried again.")
    at = serializers.DateTimeField()
    last_at = serializers.DateTimeField()

    def to_representation(self, instance: LifecycleEvent) -> Any:
        return super().to_representation(tell(instance))  # type: ignore[arg-type]


class TimelineViewSet(OfGateway, Listed):
    """What was wanted of one gateway, and each step, try and reason since, the newest first."""

    tag, singular, plural = "api-gateway-timeline", "a line of a timeline", "the lines of a gateway's timeline"
    queryset = LifecycleEvent.objects.none()
    serializer_class = LineSerializer
    from_columns = False

    def get_queryset(self) -> "QuerySet[LifecycleEvent]":
        return timeline_of(self.gateway)
