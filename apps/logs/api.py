from typing import Any
from urllib.parse import urlencode

from django.db.models import QuerySet
from django.http import HttpResponse
from django.urls import re_path
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request

from apps.access.models import AccessToken
from apps.core.api.serializers import Input
from apps.core.api.views import answer
from apps.core.api.viewsets import PAGING, Listed, Retrieved, Updated, link_header
from apps.core.errors import InvalidInput
from apps.core.events.urls import live_origin
from apps.core.listing import Page, read_limit
from apps.gateways.api.below import OF_ONE, OfGateway
from apps.gateways.models import FunctionGateway
from apps.gateways.sizes import StageName
from apps.logs.asking import FOLLOWED, NAMES, read_filter
from apps.logs.lines import LEVELS, SOURCES, LogLine
from apps.logs.models import LEAST_MEGABYTES, MOST_DAYS, MOST_MEGABYTES, LogRetention
from apps.logs.selectors import read_logs, retention_of
from apps.logs.services import change_retention
from apps.logs.streaming.askers import make_ticket
from apps.logs.streaming.stream import PATH

FOLLOW = "follow"


class LogEntrySerializer(serializers.Serializer[LogLine]):
    id = serializers.CharField()
    at = serializers.DateTimeField()
    stage = serializers.ChoiceField(choices=StageName.choices)
    function = serializers.CharField(help_text="Without its stage; empty where it's the runtime's own line.")
    version = serializers.IntegerField(help_text="Of the function that wrote it; 0: of a draft, or of no function.")
    request_id = serializers.CharField(help_text="Of the call; empty outside of one.")
    level = serializers.ChoiceField(choices=LEVELS)
    source = serializers.ChoiceField(choices=SOURCES)  # type: ignore[assignment]
    text = serializers.CharField()
    fields = serializers.JSONField(  # type: ignore[assignment]
        allow_null=True,
        help_text="What `imp.log` was given besides; `stack` of an error, `left_out` of lines that a limit kept out.",
    )

    def to_representation(self, instance: LogLine) -> Any:
        return instance.as_json()


def _parameter(name: str, description: str, **more: Any) -> OpenApiParameter:
    return OpenApiParameter(name, description=description, **more)


STAGES = _parameter("stage", "One or several, with commas between them.", enum=list(StageName.values), many=True)
FUNCTION = _parameter("function", "Without its stage: `user/:id`.")
OTHERS = (
    _parameter("level", "One or several, with commas between them.", enum=list(LEVELS), many=True),
    _parameter("request_id", "Everything that one call wrote."),
    _parameter("q", "In a line's text or its fields, in small or large letters."),
    _parameter("since", "Lines from this time on."),
    _parameter("until", "Lines before this time: how it was then."),
    _parameter(
        FOLLOW,
        "`1`: sends you on (307) to a stream of text/event-stream, which tells what is written from now on. The address"
        " is for the next minute; `Last-Event-ID` takes it up again where it was cut.",
        enum=["1"],
    ),
)


class LogViewSet(OfGateway, Listed):
    """What the functions of one gateway write, the newest first."""

    tag, singular, plural = "api-gateway-logs", "a line of a log", "the lines of a gateway's log"
    queryset = LogRetention.objects.none()
    serializer_class = LogEntrySerializer
    from_columns = False

    def query_parameters(self) -> frozenset[str]:
        return PAGING | NAMES | {FOLLOW}

    def get_queryset(self) -> "QuerySet[LogRetention]":
        return self.queryset

    @extend_schema(parameters=[STAGES, FUNCTION, *OTHERS])
    def list(self, request: Request, **named: str) -> HttpResponse:
        return self.list_lines(request)

    def list_lines(self, request: Request, *, stage: str = "", function: str = "") -> HttpResponse:
        asked = request.query_params
        wanted = read_filter(asked, stage=stage, function=function)
        gateway = self.gateway
        if FOLLOW in asked:
            return self._send_on(request, gateway, stage=stage, function=function)
        limit = read_limit(asked.get("limit"), default=self.default_limit)
        page = read_logs(actor=self.actor, gateway=gateway, wanted=wanted, cursor=asked.get("cursor"), limit=limit)
        items = [self.represent(line) for line in reversed(page.lines)]
        shown = {"items": items, "next_cursor": page.older, "previous_cursor": page.newer}
        return answer(shown, headers=link_header(request, Page(items, page.older, page.newer)))

    def _send_on(self, request: Request, gateway: FunctionGateway, *, stage: str, function: str) -> HttpResponse:
        asked = request.query_params
        if asked[FOLLOW] != "1":
            raise InvalidInput(fields={f"?{FOLLOW}": [_("Write 1, or leave the parameter out.")]})
        if unfit := sorted(set(asked) - FOLLOWED - {FOLLOW}):
            raise InvalidInput(fields={f"?{unfit[0]}": [_("Who follows hears what is written from now on.")]})
        self.actor.require("functions.read", row=gateway)
        query = [(name, value) for name in sorted(FOLLOWED & set(asked)) for value in asked.getlist(name)]
        query = [(name, value) for name, value in query if not (function and name in ("stage", "function"))]
        query.extend((name, value) for name, value in (("stage", stage), ("function", function)) if value)
        query.insert(0, ("gateway", gateway.pk))
        if isinstance(request.auth, AccessToken):
            # Most programs take their Authorization header to no other address
            query.append(("ticket", make_ticket(request.auth, gateway.pk)))
        where = f"{live_origin(request)}{PATH}?{urlencode(query)}"
        return HttpResponse(status=307, headers={"Location": request.build_absolute_uri(where)})


class RetentionSerializer(serializers.ModelSerializer[LogRetention]):
    class Meta:
        model = LogRetention
        fields = ["days", "megabytes"]


class RetentionChanges(Input):
    days = serializers.IntegerField(required=False, min_value=1, max_value=MOST_DAYS, help_text="In UTC, whole ones.")
    megabytes = serializers.IntegerField(
        required=False,
        min_value=LEAST_MEGABYTES,
        max_value=MOST_MEGABYTES,
        help_text="The oldest days go first where a log grows beyond it.",
    )


class RetentionViewSet(OfGateway, Retrieved, Updated):
    """How long a gateway's log is kept."""

    tag, singular, plural = "api-gateway-log-retention", "how long a gateway's log is kept", "retentions of logs"
    queryset = LogRetention.objects.none()
    serializer_class = RetentionSerializer
    update_serializer_class = RetentionChanges

    def get_object(self) -> LogRetention:
        return retention_of(actor=self.actor, gateway=self.gateway)

    def retrieve(self, request: Request, gateway_id: str) -> HttpResponse:  # type: ignore[override]
        return super().retrieve(request)

    def partial_update(self, request: Request, gateway_id: str) -> HttpResponse:  # type: ignore[override]
        return super().partial_update(request)

    def perform_update(self, row: LogRetention, **fields: Any) -> LogRetention:
        return change_retention(actor=self.actor, gateway=row.gateway, version=row.version, **fields)


urlpatterns = [
    re_path(f"^{OF_ONE}/logs$", LogViewSet.as_view({"get": "list"}), name="api-gateway-logs"),
    re_path(
        f"^{OF_ONE}/logs/retention$",
        RetentionViewSet.as_view({"get": "retrieve", "patch": "partial_update"}),
        name="api-gateway-log-retention",
    ),
]
