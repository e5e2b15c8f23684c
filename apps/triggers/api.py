from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request

from apps.core import clock
from apps.core.api.routing import routes
from apps.core.api.serializers import Input
from apps.core.api.views import answer
from apps.core.api.viewsets import Created, Destroyed, Listed, Retrieved, Updated, verb
from apps.core.errors import NotFound
from apps.functions.models import LONGEST_METHOD
from apps.gateways.api.below import ID, OF_ONE, OfGateway
from apps.gateways.sizes import StageName
from apps.triggers import services
from apps.triggers.cron import LONGEST_EXPRESSION, BadExpression, parse
from apps.triggers.filters import RunFilter, TriggerFilter
from apps.triggers.models import (
    LONGEST_NOTE,
    LONGEST_PATH,
    LONGEST_QUERY,
    LONGEST_ZONE,
    Trigger,
    TriggerRun,
)
from apps.triggers.selectors import get_trigger, list_runs, list_triggers, upcoming_of, waits
from apps.triggers.services.checking import refusal_of_zone
from apps.triggers.telling import detail_of, words_of
from apps.triggers.zones import is_zone


class TriggerSerializer(serializers.ModelSerializer[Trigger]):
    gateway = serializers.CharField(source="gateway_id", read_only=True, help_text="Its id.")
    function = serializers.CharField(source="function_name", read_only=True, help_text="With its stage: `dev/sweep`.")
    stage = serializers.ChoiceField(choices=StageName.choices, read_only=True)
    words = serializers.SerializerMethodField(help_text="The schedule in the reader's language.")
    upcoming = serializers.SerializerMethodField(help_text="The next five times; none while it's paused or waits.")
    paused_because = serializers.CharField(read_only=True, help_text="Where nobody paused it by hand.")
    is_waiting = serializers.SerializerMethodField(help_text="Its gateway or stage is switched off.")

    class Meta:
        model = Trigger
        fields = (
            "id",
            "gateway",
            "function",
            "stage",
            "expression",
            "words",
            "zone",
            "method",
            "path",
            "query",
            "payload",
            "overlap",
            "missed",
            "note",
            "is_enabled",
            "paused_because",
            "is_waiting",
            "next_at",
            "upcoming",
            "version",
            "created_by",
            "created_at",
            "updated_at",
        )

    def get_words(self, row: Trigger) -> str:
        return words_of(row)

    def get_is_waiting(self, row: Trigger) -> bool:
        return waits(row)

    def get_upcoming(self, row: Trigger) -> list[str]:
        try:
            return [f"{at:%Y-%m-%dT%H:%M:%SZ}" for at in upcoming_of(row, clock.now())]
        except BadExpression:
            return []


class TriggerChanges(Input):
    expression = serializers.CharField(
        max_length=LONGEST_EXPRESSION,
        help_text="Five fields (minute, hour, day, month, day of the week), or six with seconds before them.",
    )
    zone = serializers.CharField(default="UTC", max_length=LONGEST_ZONE, help_text="Such as `Europe/Berlin`.")
    method = serializers.CharField(default="POST", max_length=LONGEST_METHOD)
    path = serializers.CharField(
        default="", allow_blank=True, max_length=LONGEST_PATH, help_text="Empty: the function's own."
    )
    query = serializers.CharField(default="", allow_blank=True, max_length=LONGEST_QUERY)
    payload = serializers.JSONField(default=None, allow_null=True, help_text="The body; null: none.")
    overlap = serializers.ChoiceField(
        choices=Trigger.Overlap.choices,
        default=Trigger.Overlap.SKIP.value,
        help_text="When it's due while a run goes on.",
    )
    missed = serializers.ChoiceField(
        choices=Trigger.Missed.choices,
        default=Trigger.Missed.SKIP.value,
        help_text="When it was due while its gateway was stopped or the platform down.",
    )
    note = serializers.CharField(default="", allow_blank=True, max_length=LONGEST_NOTE)

    def validate_expression(self, value: str) -> str:
        """With all else that is wrong, also where the rest can't be read."""
        try:
            return parse(value).text
        except BadExpression as error:
            raise serializers.ValidationError(str(error)) from None

    def validate_zone(self, value: str) -> str:
        if not is_zone(value):
            raise serializers.ValidationError(refusal_of_zone())
        return value


class TriggerInput(TriggerChanges):
    function = serializers.CharField(source="function_name", help_text="With its stage: `dev/sweep`.")
    is_enabled = serializers.BooleanField(default=True)


class TriggerRunSerializer(serializers.ModelSerializer[TriggerRun]):
    trigger = serializers.CharField(source="trigger_id", read_only=True)
    detail = serializers.SerializerMethodField(help_text="What there is to say, in the reader's language.")

    class Meta:
        model = TriggerRun
        fields = (
            "id",
            "trigger",
            "kind",
            "due_at",
            "started_at",
            "ended_at",
            "outcome",
            "status",
            "error",
            "detail",
            "missed_count",
            "request_id",
            "by",
        )

    def get_detail(self, row: TriggerRun) -> str:
        return detail_of(row)


class TriggerViewSet(OfGateway, Listed, Retrieved, Created, Updated, Destroyed):
    tag, singular, plural = "triggers", "a cron trigger", "cron triggers"
    queryset = Trigger.objects.none()
    serializer_class = TriggerSerializer
    create_serializer_class = TriggerInput
    update_serializer_class = TriggerChanges
    filterset_class = TriggerFilter
    sorts = ("created_at", "next_at", "base_name")
    from_columns = False
    lives = True

    def get_queryset(self) -> "QuerySet[Trigger]":
        return list_triggers(actor=self.actor, gateway=self.gateway)

    def create(self, request: Request, **named: str) -> HttpResponse:
        return super().create(request)

    def retrieve(self, request: Request, gateway_id: str, pk: str) -> HttpResponse:  # type: ignore[override]
        return super().retrieve(request, pk)

    def partial_update(self, request: Request, gateway_id: str, pk: str) -> HttpResponse:  # type: ignore[override]
        return super().partial_update(request, pk)

    def destroy(self, request: Request, gateway_id: str, pk: str) -> HttpResponse:  # type: ignore[override]
        return super().destroy(request, pk)

    def perform_create(self, **fields: Any) -> Trigger:
        return services.create_trigger(actor=self.actor, gateway=self.gateway, **fields)

    def perform_update(self, row: Trigger, **fields: Any) -> Trigger:
        return services.change_trigger(actor=self.actor, trigger=row, version=row.version, **fields)

    def perform_destroy(self, row: Trigger) -> None:
        services.delete_trigger(actor=self.actor, trigger=row, version=row.version)

    @verb()
    def pause(self, request: Request, gateway_id: str, pk: str) -> HttpResponse:
        """Pause a cron trigger.

        It isn't due any more. A run that is under way goes on to its end.
        """
        return self.show(services.pause_trigger(actor=self.actor, trigger=self.get_object()))

    @verb()
    def resume(self, request: Request, gateway_id: str, pk: str) -> HttpResponse:
        """Resume a cron trigger.

        It's due from now on. What it would have been meanwhile isn't made up for.
        """
        return self.show(services.resume_trigger(actor=self.actor, trigger=self.get_object()))

    @extend_schema(responses={201: TriggerRunSerializer})
    @verb()
    def run(self, request: Request, gateway_id: str, pk: str) -> HttpResponse:
        """Run a cron trigger now.

        Also one that is paused. The answer comes at once, and the run after it: it's among the trigger's runs.
        """
        run = services.run_trigger(actor=self.actor, trigger=self.get_object())
        where = f"{request.path.removesuffix('/run')}/runs/{run.pk}"
        return answer(TriggerRunSerializer(run).data, status=201, headers={"Location": where})


class TriggerRunViewSet(OfGateway, Listed, Retrieved):
    """What came of each due time, the newest first. The newest hundred are kept of each trigger."""

    tag, singular, plural = "trigger-runs", "a run of a cron trigger", "the runs of a cron trigger"
    path_parameters = {
        **OfGateway.path_parameters,
        "trigger_id": {"schema": {"type": "string", "pattern": f"^{ID}$"}, "description": "The trigger's id."},
    }
    queryset = TriggerRun.objects.none()
    serializer_class = TriggerRunSerializer
    filterset_class = RunFilter
    sorts = ("due_at",)
    default_sort = ("-due_at",)
    from_columns = False
    lives = True

    def get_queryset(self) -> "QuerySet[TriggerRun]":
        trigger = get_trigger(actor=self.actor, trigger_id=self.kwargs["trigger_id"])
        if trigger.gateway_id != self.kwargs["gateway_id"]:
            raise NotFound
        return list_runs(actor=self.actor, trigger=trigger)

    def retrieve(self, request: Request, gateway_id: str, trigger_id: str, pk: str) -> HttpResponse:  # type: ignore[override]
        return super().retrieve(request, pk)


urlpatterns = [
    *routes(f"{OF_ONE}/triggers/(?P<trigger_id>{ID})/runs", TriggerRunViewSet, name="trigger-runs"),
    *routes(f"{OF_ONE}/triggers", TriggerViewSet, name="triggers"),
]
