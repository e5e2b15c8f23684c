from collections.abc import Sequence
from typing import Any

from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request

from apps.audit.exports import COLUMNS, NAME
from apps.audit.models import AuditEvent
from apps.audit.selectors import ORDER
from apps.core.api.filtering import filter_names, filtered
from apps.core.api.viewsets import Listed, Retrieved
from apps.core.errors import InvalidInput
from apps.core.listing import read_sort
from apps.core.web.exports import FORMATS, stream


class AuditEventSerializer(serializers.ModelSerializer[AuditEvent]):
    class Meta:
        model = AuditEvent
        fields = [
            "id",
            "at",
            "actor_id",
            "actor_label",
            "verb",
            "target_type",
            "target_id",
            "target_label",
            "before",
            "after",
            "request_id",
            "task_id",
            "address",
            "token_id",
            "token_label",
            "tenant_id",
        ]


class AuditEvents(Listed, Retrieved):
    """Somebody's log. Whose it is, and who may read it, is said by whoever knows people and tenants."""

    serializer_class = AuditEventSerializer
    sorts = ("at",)
    default_sort = ORDER

    def query_parameters(self) -> frozenset[str]:
        if self.action != "export":
            return super().query_parameters()
        return frozenset({"format", "sort"}) | filter_names(self.filterset_class)

    @extend_schema(
        filters=True,
        parameters=[
            OpenApiParameter("format", str, required=True, enum=list(FORMATS)),
            OpenApiParameter("sort", str, enum=["at", "-at"], description="Without it the newest come first."),
        ],
        responses={(200, kind.partition(";")[0]): OpenApiTypes.STR for kind in FORMATS.values()},
    )
    @action(detail=False, methods=["get"])
    def export(self, request: Request) -> HttpResponseBase:
        """Export audit events.

        All that fit the filters, as CSV or as a JSON object in each line, sent as the database gives them.
        """
        kind = request.query_params.get("format", "")
        if kind not in FORMATS:
            raise InvalidInput(fields={"?format": [_("Write %(formats)s.") % {"formats": " or ".join(FORMATS)}]})
        order = read_sort(request.query_params.get("sort"), allowed=self.sorts, default=self.default_sort)
        rows: Any = filtered(self.get_queryset(), self.filterset_class, request).order_by(*_with_key(order))
        return stream(rows, COLUMNS, kind=kind, name=NAME, head=request.method == "HEAD")


def _with_key(order: Sequence[str]) -> list[str]:
    """Entries of the same moment stay in the order in which they were made."""
    return [*order] if len(order) > 1 else [*order, "-id" if order[0].startswith("-") else "id"]
