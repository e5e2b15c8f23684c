from django.db.models import QuerySet
from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request

from apps.core.api.viewsets import Listed, Retrieved
from apps.core.errors import NotFound
from apps.functions import services
from apps.functions.api.addresses import NUMBER
from apps.functions.api.answers import FunctionSerializer, PinInput, SourceSerializer, VersionSerializer
from apps.functions.api.functions import SavesFunctions, named
from apps.functions.filters import VersionFilter
from apps.functions.models import Function, FunctionVersion
from apps.functions.selectors import list_functions, list_versions


class HistoryViewSet(SavesFunctions, Listed, Retrieved):
    """Each save of one function, the newest first."""

    tag, singular, plural = "function-history", "a version of a function", "the versions of a function"
    queryset = FunctionVersion.objects.none()
    serializer_class = VersionSerializer
    filterset_class = VersionFilter
    default_sort = ("-number",)
    from_columns = False
    lookup_field = "number"
    lookup_url_kwarg = "number"
    lookup_value_regex = NUMBER

    @property
    def function(self) -> Function:
        rows = list_functions(actor=self.actor, gateway=self.gateway).select_related("gateway", "gateway__cluster")
        found = named(rows, self.kwargs["function"]).first()
        if found is None:
            raise NotFound
        return found

    def get_queryset(self) -> "QuerySet[FunctionVersion]":
        rows = list_versions(actor=self.actor, function=self.function)
        return rows.select_related("artifact").defer("files", "artifact__code", "artifact__source_map")

    def get_object(self) -> FunctionVersion:
        found = self.get_queryset().filter(number=int(self.kwargs["number"])).first()
        if found is None:
            raise NotFound
        return found

    def retrieve(self, request: Request, **named: str) -> HttpResponse:  # type: ignore[override]
        return super().retrieve(request)

    @extend_schema(responses=SourceSerializer)
    @action(detail=True, methods=["get"], url_path="source")
    def source(self, request: Request, **named: str) -> HttpResponse:
        """Read the files of a version."""
        return self.show(self.get_object(), SourceSerializer)

    @extend_schema(request=PinInput)
    @action(detail=True, methods=["post"], url_path="pin")
    def pin(self, request: Request, **named: str) -> HttpResponse:
        """Pin a version of a function, or let it go.

        Beside those that are pinned, only the newest versions are kept.
        """
        number, body = int(self.kwargs["number"]), self.read_body(PinInput)
        services.pin_version(actor=self.actor, function=self.function, number=number, **body)
        return self.show(self.get_object())

    @extend_schema(request=None, responses=FunctionSerializer)
    @action(detail=True, methods=["post"], url_path="restore")
    def restore(self, request: Request, **named: str) -> HttpResponse:
        """Go back to a version of a function.

        Its code and settings become a new version, with the very artifact that ran then. Its name stays.
        """
        row = services.restore_version(actor=self.actor, function=self.function, number=int(self.kwargs["number"]))
        return self.answered(row)
