from typing import Any
from urllib.parse import quote

from django.db.models import QuerySet
from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request

from apps.core.afterwards import afterwards
from apps.core.api.conditional import etag_of, require_current
from apps.core.api.views import answer, no_content
from apps.core.api.viewsets import ApiViewSet, Created, Destroyed, Listed, Retrieved, Updated, verb
from apps.core.errors import NotFound
from apps.functions import services
from apps.functions.api.addresses import FUNCTION, PATH_PARAMETERS
from apps.functions.api.answers import (
    DeletedSerializer,
    DraftInput,
    DraftSerializer,
    FunctionChanges,
    FunctionInput,
    FunctionSerializer,
    NameInput,
    RestoreInput,
    SourceSerializer,
    shown_live,
)
from apps.functions.calling.api import RunsFunctions
from apps.functions.filters import DeletedFilter, FunctionFilter
from apps.functions.models import Function
from apps.functions.publishing import await_live, standing_of
from apps.functions.publishing.live import ANSWERED_WITHIN
from apps.functions.selectors import get_draft, head_of, list_deleted, list_functions
from apps.gateways.api.below import OfGateway


def named(rows: "QuerySet[Function]", asked: str) -> "QuerySet[Function]":
    """By `dev/user/me`, or by its id."""
    stage, slash, base = asked.partition("/")
    return rows.filter(stage=stage, base_name=base) if slash else rows.filter(pk=asked)


class SavesFunctions(OfGateway, ApiViewSet):
    """Answers with a function, and once it's committed with how it went live."""

    path_parameters = PATH_PARAMETERS

    @property
    def functions(self) -> "QuerySet[Function]":
        """With all that is shown of each."""
        rows = list_functions(actor=self.actor, gateway=self.gateway)
        return rows.select_related("head", "gateway", "gateway__cluster").defer("head__files")

    def answered(self, row: Function, *, status: int = 200, headers: dict[str, str] | None = None) -> HttpResponse:
        """What is kept for a repetition says how it was before it was live."""
        row.gateway = self.gateway
        shown = self.represent(row, FunctionSerializer)
        response = answer(shown, status=status, headers={"ETag": self.etag_of(row, shown), **(headers or {})})
        return afterwards(response, lambda: self._once_live(row, shown, response))

    def _once_live(self, row: Function, shown: dict[str, Any], response: HttpResponse) -> HttpResponse:
        """Only after the commit there's anything to wait for, and nothing else has changed by then."""
        live = await_live(row, within=ANSWERED_WITHIN)
        plain = {**shown, "live": shown_live(standing_of(row), row)}
        headers = {"Location": response["Location"]} if "Location" in response else {}
        # As of whoever reads it later, who isn't told how long it took
        headers["ETag"] = etag_of(row, plain, lives=True)
        return answer({**plain, "live": shown_live(live, row)}, status=response.status_code, headers=headers)


class FunctionViewSet(SavesFunctions, RunsFunctions, Listed, Retrieved, Created, Updated, Destroyed):
    tag, singular, plural = "functions", "a function", "functions"
    queryset = Function.objects.none()
    serializer_class = FunctionSerializer
    create_serializer_class = FunctionInput
    update_serializer_class = FunctionChanges
    filterset_class = FunctionFilter
    sorts = ("base_name", "created_at")
    from_columns = False
    lives = True
    lookup_value_regex = FUNCTION

    def get_queryset(self) -> "QuerySet[Function]":
        return self.functions

    def get_object(self) -> Function:
        return self._found(named(self.get_queryset(), self.kwargs["pk"]))

    def perform_create(self, **fields: Any) -> Function:
        return services.create_function(actor=self.actor, gateway=self.gateway, **fields)

    def create(self, request: Request, **named: str) -> HttpResponse:
        return self._created(self.perform_create(**self.read_body(FunctionInput)))

    def retrieve(self, request: Request, gateway_id: str, pk: str) -> HttpResponse:  # type: ignore[override]
        return super().retrieve(request, pk)

    def partial_update(self, request: Request, gateway_id: str, pk: str) -> HttpResponse:  # type: ignore[override]
        """With `base_version`, a refusal says what changed since; with If-Match alone, only that something did."""
        # With its sources, and its gateway isn't read again
        rows = list_functions(actor=self.actor, gateway=self.gateway).select_related("head")
        row = self._found(named(rows, self.kwargs["pk"]))
        row.gateway = self.gateway
        fields = self.read_body(FunctionChanges, partial=True)
        if "base_version" not in fields:
            require_current(request, self.etag_of(row, self.represent(row)))
        return self.answered(self.perform_update(row, **fields))

    def perform_update(self, row: Function, **fields: Any) -> Function:
        return services.save_function(actor=self.actor, function=row, **{"base_version": row.version, **fields})

    def destroy(self, request: Request, gateway_id: str, pk: str) -> HttpResponse:  # type: ignore[override]
        return super().destroy(request, pk)

    def perform_destroy(self, row: Function) -> None:
        services.delete_function(actor=self.actor, function=row, version=row.version)

    @extend_schema(responses=SourceSerializer)
    @action(detail=True, methods=["get"], url_path="source")
    def source(self, request: Request, gateway_id: str, pk: str) -> HttpResponse:
        """Read the files of a function.

        Their text, as of the version that is wanted live. The ETag is the function's.
        """
        row = self.get_object()
        return answer(SourceSerializer(head_of(row)).data, headers={"ETag": row.etag})

    @verb(body=NameInput)
    def rename(self, request: Request, gateway_id: str, pk: str) -> HttpResponse:
        """Rename a function.

        In its stage: it answers at the new path, and at the old one no more.
        """
        body = self.read_body(NameInput)
        return self.answered(services.rename_function(actor=self.actor, function=self.get_object(), **body))

    @extend_schema(responses={201: FunctionSerializer})
    @verb(body=NameInput)
    def copy(self, request: Request, gateway_id: str, pk: str) -> HttpResponse:
        """Copy a function.

        Under another name, also into another stage: what it was compiled to goes along and isn't compiled again.
        """
        body = self.read_body(NameInput)
        return self._created(services.copy_function(actor=self.actor, function=self.get_object(), **body))

    @verb(body=RestoreInput)
    def restore(self, request: Request, gateway_id: str, pk: str) -> HttpResponse:
        """Restore a deleted function.

        Out of the recycle bin. By its name, it's the one of that name which was deleted last. Where the name is taken
        by now, give another one.
        """
        rows = list_deleted(actor=self.actor, gateway=self.gateway).select_related("gateway")
        row = self._found(named(rows, pk).order_by("-deleted_at", "-pk"))
        return self.answered(services.restore_function(actor=self.actor, function=row, **self.read_body(RestoreInput)))

    @extend_schema(responses=DraftSerializer)
    @action(detail=True, methods=["get"], url_path="draft")
    def draft(self, request: Request, gateway_id: str, pk: str) -> HttpResponse:
        """Read your draft of a function.

        What you changed and haven't saved. Nobody else sees it.
        """
        found = get_draft(actor=self.actor, function=self.get_object())
        if found is None:
            raise NotFound
        return self.show(found, DraftSerializer)

    @extend_schema(request=DraftInput, responses=DraftSerializer)
    @draft.mapping.put
    def save_draft(self, request: Request, gateway_id: str, pk: str) -> HttpResponse:
        """Save your draft of a function.

        Nothing goes live with it. Saving the function ends it.
        """
        body = self.read_body(DraftInput)
        return self.show(services.save_draft(actor=self.actor, function=self.get_object(), **body), DraftSerializer)

    @extend_schema(responses={204: None})
    @draft.mapping.delete
    def discard_draft(self, request: Request, gateway_id: str, pk: str) -> HttpResponse:
        """Discard your draft of a function."""
        services.discard_draft(actor=self.actor, function=self.get_object())
        return no_content()

    def _created(self, row: Function) -> HttpResponse:
        where = f"{self.request.path.partition('/functions')[0]}/functions/{quote(row.name, safe=':*')}"
        return self.answered(row, status=201, headers={"Location": where})

    def _found(self, rows: "QuerySet[Function]") -> Function:
        found = rows.first()
        if found is None:
            raise NotFound
        return found


class DeletedFunctionViewSet(OfGateway, Listed):
    """The recycle bin. What lies in it for too long is gone for good."""

    tag, singular, plural = "deleted-functions", "a deleted function", "deleted functions"
    queryset = Function.objects.none()
    serializer_class = DeletedSerializer
    filterset_class = DeletedFilter
    sorts = ("deleted_at", "base_name")
    default_sort = ("-deleted_at",)
    from_columns = False

    def get_queryset(self) -> "QuerySet[Function]":
        return list_deleted(actor=self.actor, gateway=self.gateway)
