from collections.abc import Sequence
from typing import Any

from django.db.models import QuerySet
from django.urls import reverse

from apps.core.errors import NotFound
from apps.core.mail.addresses import public_url
from apps.fleet.models import Bundle
from apps.gateways import databases
from apps.gateways.lifecycle.table import Phase
from apps.gateways.models import CustomDomain, FunctionGateway, GatewayDatabase, Stage, Variable
from apps.gateways.rendering.names import PARTS, bundle_key, gateway_in, namespace_of
from apps.gateways.rendering.spec import GatewaySpec, ProcessSpec, StageSpec
from apps.gateways.sizes import PROCESSES, SIZES, StageName
from apps.tenants.member import Member
from apps.tenants.models import Membership
from apps.tenants.operators import is_allowed


def list_gateways(*, actor: Member) -> "QuerySet[FunctionGateway]":
    """Those that are there, also while they're being deleted."""
    actor.require("gateways.read")
    return FunctionGateway.objects.of(actor.tenant).exclude(phase=Phase.DELETED)


def get_gateway(*, actor: Member, gateway_id: str) -> FunctionGateway:
    found = list_gateways(actor=actor).select_related("cluster", "owner", "tenant").filter(pk=gateway_id).first()
    if found is None:
        raise NotFound
    return found


def list_variables(*, actor: Member, gateway: FunctionGateway) -> "QuerySet[Variable]":
    """By name. What a secret holds is shown to nobody."""
    actor.require("gateways.read", row=gateway)
    return Variable.objects.of(actor.tenant).filter(gateway=gateway).order_by("name").defer("secret")


def spec_of(gateway: FunctionGateway) -> GatewaySpec:
    """All that is rendered of a gateway, secrets too."""
    size = SIZES[gateway.size]
    variables = list(gateway.variables.order_by("name"))
    database, domain = getattr(gateway, "database", None), getattr(gateway, "domain", None)
    return GatewaySpec(
        id=gateway.pk,
        name=gateway.name,
        title=gateway.title,
        namespace=namespace_of(gateway.name, gateway.pk),
        milli_cpu=size.milli_cpu,
        memory_mb=size.memory_mb,
        restarts=gateway.restarts,
        stages=_stages(gateway),
        processes=processes_of(gateway.layout),
        routed=processes_of((domain.layout if domain else "") or gateway.layout),
        database_url=databases.url_of(database.name, database.password.reveal()) if database else "",
        variables={each.name: each.value for each in variables if not each.is_secret},
        secrets={each.name: each.secret.reveal() for each in variables if each.is_secret},
        runtime_url=_runtime_url(database),
        run_key=database.run_key.reveal() if database and database.run_key else "",
        egress_mode=gateway.egress_mode,
        egress_hosts=tuple(gateway.egress_hosts),
        problem_types=public_url(reverse("errors:index")),
    )


def _runtime_url(database: GatewayDatabase | None) -> str:
    if database is None or not database.runtime_password:
        return ""
    role = databases.runtime_role_of(database.name)
    return databases.url_of(database.name, database.runtime_password.reveal(), role=role)


def hosts_of(gateway: FunctionGateway, stage: str) -> tuple[str, ...]:
    """Where a stage answers: `parcel-tracking.dev.localhost` on this machine."""
    return (f"{gateway.name}.{stage}.{gateway.cluster.domain}",)


def custom_domain_of(stage: Stage) -> CustomDomain | None:
    found: CustomDomain | None = getattr(stage, "custom_domain", None)
    return found


def all_hosts_of(gateway: FunctionGateway, stage: Stage) -> tuple[str, ...]:
    """With its own one, once that is proven."""
    custom = custom_domain_of(stage)
    return (*hosts_of(gateway, stage.name), *((custom.host,) if custom and custom.proven_at else ()))


def address_of(gateway: FunctionGateway, host: str) -> str:
    """At the port that the cluster's agent says it listens on."""
    port = gateway.cluster.facts.get("gateway_port")
    return f"http://{host}:{port}/" if port else f"http://{host}/"


def stages_where(actor: Member, permission: str) -> list[str]:
    """Those in which somebody may do it."""
    return [stage.value for stage in StageName if actor.may(permission, stage=stage)]


def names_of_bundles(keys: Sequence[str]) -> dict[str, str]:
    """As people know them: `parcel-tracking/routes`. One query for all."""
    parts = {key: gateway_in(key) for key in keys}
    ids = {gateway_id for gateway_id, _ in parts.values()}
    names = dict(FunctionGateway.objects.filter(pk__in=ids).values_list("pk", "name"))
    return {key: f"{names[pk]}/{part}" for key, (pk, part) in parts.items() if pk in names}


def with_parts(gateways: Sequence[FunctionGateway]) -> None:
    """Puts on each what its cluster says of its parts, as `bundles`: a dictionary by part. One query for all."""
    keys = {bundle_key(gateway.pk, part): (gateway, part) for gateway in gateways for part in PARTS}
    for gateway in gateways:
        gateway.bundles = {}  # type: ignore[attr-defined]
    for bundle in Bundle.objects.filter(key__in=keys).defer("manifests"):
        gateway, part = keys[bundle.key]
        gateway.bundles[part] = bundle  # type: ignore[attr-defined]


def processes_of(layout: str) -> tuple[ProcessSpec, ...]:
    return tuple(ProcessSpec(each.name, each.stages) for each in PROCESSES[layout])


def _stages(gateway: FunctionGateway) -> tuple[StageSpec, ...]:
    order = list(StageName)
    found = gateway.stages.select_related("custom_domain")
    rows = sorted(found, key=lambda stage: order.index(StageName(stage.name)))
    return tuple(
        StageSpec(row.name, all_hosts_of(gateway, row), row.inactive_because, row.state == Stage.State.ACTIVE)
        for row in rows
    )


def can_listen(person: Any, ref: str) -> bool:
    """The topic `gateway:<id>` tells those who may see it what happens to it, and those who may mend it."""
    if not (person.is_authenticated and ref):
        return False
    if is_allowed(person, "gateways.mend"):
        return True
    tenant_id = FunctionGateway.objects.filter(pk=ref).values_list("tenant_id", flat=True).first()
    membership = Membership.objects.filter(person=person, tenant_id=tenant_id).select_related("tenant").first()
    return membership is not None and Member.of(membership).may("gateways.read")
