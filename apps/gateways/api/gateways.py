from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from django.db.models import Prefetch, Q, QuerySet
from django.http import HttpResponse
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request

from apps.core.api.views import answer, no_content
from apps.core.api.viewsets import Created, Destroyed, Listed, Retrieved, Updated, of_version, verb
from apps.core.errors import InvalidInput, NotFound
from apps.core.listing import Page, paginate
from apps.fleet.models import Cluster
from apps.gateways import services
from apps.gateways.api.answers import (
    EgressInput,
    GatewayChanges,
    GatewayInput,
    GatewaySerializer,
    StageChanges,
    VariablesChanges,
    VariableSerializer,
    VariablesInput,
    VariablesSerializer,
)
from apps.gateways.api.domains import CustomDomainInput, CustomDomainSerializer
from apps.gateways.custom_domains import custom_standing
from apps.gateways.filters import GatewayFilter
from apps.gateways.models import FunctionGateway, Stage
from apps.gateways.selectors import custom_domain_of, list_gateways, list_variables, with_parts
from apps.gateways.services import Setting
from apps.tenants.api_base import TenantApi

STAGE = "stages/(?P<stage>[a-z]{1,16})"


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
        return rows.prefetch_related(Prefetch("stages", Stage.objects.select_related("custom_domain")))

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

    @extend_schema(request=EgressInput)
    @action(detail=True, methods=["put"], url_path="egress")
    @of_version
    def set_egress(self, request: Request, pk: str) -> HttpResponse:
        """Set where functions of a gateway may connect to.

        Addresses inside of the platform's own network are never among it. Its processes are replaced without a call
        that fails.
        """
        row = self.get_for_change()
        body = self.read_body(EgressInput)
        mode, hosts = body["egress_mode"], body.get("egress_hosts")
        return self.show(
            self._again(services.set_egress(actor=self.actor, gateway=row, mode=mode, hosts=hosts, version=row.version))
        )

    @extend_schema(request=StageChanges)
    @action(detail=True, methods=["patch"], url_path=STAGE)
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

    @extend_schema(responses=CustomDomainSerializer)
    @action(detail=True, methods=["get"], url_path=f"{STAGE}/domain")
    def custom_domain(self, request: Request, pk: str, stage: str) -> HttpResponse:
        """Retrieve the custom domain of a stage.

        With the records to make in DNS, and what is wrong with them. The ETag is the gateway's, as a change of it is
        one of the gateway.
        """
        return self._show_domain(self.get_object(), stage)

    @extend_schema(request=CustomDomainInput, responses=CustomDomainSerializer)
    @custom_domain.mapping.put
    @of_version
    def set_custom_domain(self, request: Request, pk: str, stage: str) -> HttpResponse:
        """Give a stage a domain of its own.

        It's served once its TXT record is found in DNS, which is looked for by itself. Another one that the stage
        had before isn't served any more.
        """
        row = self.get_for_change()
        body = self.read_body(CustomDomainInput)
        row = services.set_domain(actor=self.actor, gateway=row, stage=stage, version=row.version, **body)
        return self._show_domain(self._again(row), stage)

    @extend_schema(responses={204: None})
    @custom_domain.mapping.delete
    @of_version
    def remove_custom_domain(self, request: Request, pk: str, stage: str) -> HttpResponse:
        """Remove the custom domain of a stage.

        Calls to it get 404 from then on.
        """
        row = self.get_for_change()
        services.remove_domain(actor=self.actor, gateway=row, stage=stage, version=row.version)
        return no_content()

    @extend_schema(request=None, responses=CustomDomainSerializer)
    @action(detail=True, methods=["post"], url_path=f"{STAGE}/domain/check")
    def check_custom_domain(self, request: Request, pk: str, stage: str) -> HttpResponse:
        """Check the custom domain of a stage now.

        The answer comes at once, and what DNS says after it: `checked_at` tells.
        """
        row = services.check_domain(actor=self.actor, gateway=self.get_object(), stage=stage)
        return self._show_domain(self._again(row), stage)

    def _show_domain(self, row: FunctionGateway, stage: str) -> HttpResponse:
        found = next((each for each in row.stages.all() if each.name == stage), None)
        domain = custom_domain_of(found) if found else None
        if domain is None:
            raise NotFound(_("This stage has no domain of its own."))
        shown = CustomDomainSerializer(custom_standing(row, domain, stage)).data
        return answer(shown, headers={"ETag": self.etag_of(row, self.represent(row))})

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
