from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from django.db.models import Q, QuerySet
from django.http import HttpResponse
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request

from apps.core.api.views import answer
from apps.core.api.viewsets import Created, Destroyed, Listed, Retrieved, Updated, of_version, verb
from apps.core.errors import InvalidInput
from apps.core.listing import Page, paginate
from apps.fleet.models import Cluster
from apps.gateways import services
from apps.gateways.api.answers import (
    GatewayChanges,
    GatewayInput,
    GatewaySerializer,
    StageChanges,
    VariablesChanges,
    VariableSerializer,
    VariablesInput,
    VariablesSerializer,
)
from apps.gateways.filters import GatewayFilter
from apps.gateways.models import FunctionGateway
from apps.gateways.selectors import list_gateways, list_variables, with_parts
from apps.gateways.services import Setting
from apps.tenants.api_base import TenantApi


class GatewayViewSet(TenantApi, Listed, Retrieved, Created, Updated, Destroyed):
    tag, singular, plural = "api-gateways", "a function gateway", "function gateways"
    # For the reference, which asks for the kind of row while nobody is there
    queryset = FunctionGateway.objects.none()
    serializer_class = GatewaySerializer
    create_serializer_class = GatewayInput
    update_serializer_class = GatewayChanges
    filterset_class = GatewayFilter
    sorts = ("created_at", "name", "title")
    from_columns = False
    lives = True

    def get_queryset(self) -> "QuerySet[FunctionGateway]":
        rows = list_gateways(actor=self.actor).select_related("cluster", "domain", "tenant")
        return rows.prefetch_related("stages")

    def get_object(self) -> FunctionGateway:
        row: FunctionGateway = super().get_object()
        with_parts([row])
        return row

    def read_page(self, queryset: QuerySet[Any], **paging: Any) -> Page[Any]:
        page = paginate(queryset, **paging)
        with_parts(page.items)
        return replace(page, items=[self.represent(item) for item in page.items])

    def perform_create(self, **fields: Any) -> FunctionGateway:
        row = services.create_gateway(
            actor=self.actor,
            name=fields["name"],
            cluster=_cluster(fields["cluster"]),
            title=fields["title"],
            size=fields["size"],
            layout=fields["layout"],
            owner_id=fields["owner"],
            variables=_settings(fields["variables"]),
        )
        return self._again(row)

    def perform_update(self, row: FunctionGateway, **fields: Any) -> FunctionGateway:
        owner_id = fields.pop("owner", None)
        row = services.change_gateway(actor=self.actor, gateway=row, version=row.version, **fields)
        if owner_id is not None:
            services.transfer_gateway(actor=self.actor, gateway=row, owner_id=owner_id)
        return self._again(row)

    def perform_destroy(self, row: FunctionGateway) -> None:
        services.delete_gateway(actor=self.actor, gateway=row, version=row.version)

    @verb()
    def start(self, request: Request, pk: str) -> HttpResponse:
        """Start a function gateway.

        The answer comes at once, and the gateway after it: its `phase` says how far it is. One that has given up
        tries again.
        """
        return self.show(self._again(services.start_gateway(actor=self.actor, gateway=self.get_object())))

    @verb()
    def stop(self, request: Request, pk: str) -> HttpResponse:
        """Stop a function gateway.

        Calls under way are finished, and new ones aren't served. Its database and variables stay.
        """
        return self.show(self._again(services.stop_gateway(actor=self.actor, gateway=self.get_object())))

    @verb()
    def restart(self, request: Request, pk: str) -> HttpResponse:
        """Restart a function gateway.

        New processes take the place of the old ones, without a call that fails.
        """
        return self.show(self._again(services.restart_gateway(actor=self.actor, gateway=self.get_object())))

    @extend_schema(responses=VariablesSerializer)
    @action(detail=True, methods=["get"], url_path="variables")
    def variables(self, request: Request, pk: str) -> HttpResponse:
        """List the variables of a function gateway.

        Of a secret, only the name is shown. The ETag is the gateway's, as a change of them is one of it.
        """
        return self._show_variables(self.get_object())

    @extend_schema(request=VariablesInput, responses=VariablesSerializer)
    @variables.mapping.put
    @of_version
    def replace_variables(self, request: Request, pk: str) -> HttpResponse:
        """Replace the variables of a function gateway.

        With exactly these; a secret that is named without a value stays as it is. Its processes are replaced without
        a call that fails.
        """
        row = self.get_for_change()
        body = self.read_body(VariablesInput)
        return self._set(row, _settings_of(body), whole=True)

    @extend_schema(request=VariablesChanges, responses=VariablesSerializer)
    @variables.mapping.patch
    @of_version
    def change_variables(self, request: Request, pk: str) -> HttpResponse:
        """Change some variables of a function gateway.

        Those that aren't named stay. Its processes are replaced without a call that fails.
        """
        row = self.get_for_change()
        body = self.read_body(VariablesChanges)
        return self._set(row, _settings_of(body), remove=body["remove"])

    @extend_schema(request=StageChanges)
    @action(detail=True, methods=["patch"], url_path="stages/(?P<stage>[a-z]{1,16})")
    @of_version
    def change_stage(self, request: Request, pk: str, stage: str) -> HttpResponse:
        """Switch a stage of a function gateway on or off.

        An inactive stage answers 503 with the reason; its code stays.
        """
        row = self.get_for_change()
        body = self.read_body(StageChanges)
        return self.show(
            self._again(services.switch_stage(actor=self.actor, gateway=row, stage=stage, version=row.version, **body))
        )

    def _set(self, row: FunctionGateway, settings: list[Setting], **how: Any) -> HttpResponse:
        row = services.set_variables(actor=self.actor, gateway=row, settings=settings, version=row.version, **how)
        return self._show_variables(self._again(row))

    def _show_variables(self, row: FunctionGateway) -> HttpResponse:
        rows = list_variables(actor=self.actor, gateway=row)
        shown = {"items": VariableSerializer(rows, many=True).data}
        return answer(shown, headers={"ETag": self.etag_of(row, self.represent(row))})

    def _again(self, row: FunctionGateway) -> FunctionGateway:
        """With all that is shown of it."""
        found = self.get_queryset().get(pk=row.pk)
        with_parts([found])
        return found


def _cluster(reference: str) -> Cluster:
    found: Cluster | None = Cluster.objects.filter(Q(pk=reference) | Q(name=reference)).first()
    if found is None:
        raise InvalidInput(fields={"cluster": [_("There is no such cluster.")]})
    return found


def _settings_of(body: dict[str, Any]) -> list[Setting]:
    pasted = services.settings_from_env(body["env"], are_secret=body["env_is_secret"])
    return [*_settings(body["variables"]), *pasted]


def _settings(given: Sequence[dict[str, Any]]) -> list[Setting]:
    return [Setting(each["name"], each["value"], each["is_secret"]) for each in given]
