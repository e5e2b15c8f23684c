"""Functions of the demo's gateways: they run, and call nobody outside."""

from dataclasses import dataclass
from pathlib import Path

from apps.audit.models import AuditEvent
from apps.core.errors import Problem
from apps.functions.models import Function
from apps.functions.services import copy_function, create_function
from apps.gateways.lifecycle.table import State
from apps.gateways.models import FunctionGateway
from apps.tenants.member import Member
from apps.tenants.models import Membership

SOURCES = Path(__file__).parent / "sources"


@dataclass(frozen=True)
class DemoFunction:
    gateway: str
    name: str
    # Its folder below the gateway's
    source: str
    methods: tuple[str, ...]
    description: str
    tags: tuple[str, ...] = ()
    # Where it is besides dev
    stages: tuple[str, ...] = ()

    @property
    def files(self) -> dict[str, str]:
        folder = SOURCES / self.gateway / self.source
        found = (path for path in sorted(folder.rglob("*")) if path.is_file())
        return {path.relative_to(folder).as_posix(): path.read_text() for path in found}


FUNCTIONS = [
    DemoFunction(
        "parcel-tracking",
        "shipments/estimate",
        "estimate",
        ("GET",),
        "When a parcel arrives, by postcode and weight",
        ("public",),
        ("staging", "prod"),
    ),
    DemoFunction("parcel-tracking", "shipments/:id", "shipment", ("GET", "PUT"), "Where a parcel is", ("public",)),
    DemoFunction("parcel-tracking", "hooks/carrier", "carrier-hook", ("POST",), "What carriers say of deliveries"),
    DemoFunction("billing-hooks", "invoices/paid", "paid", ("POST",), "Notes each invoice that was paid, once"),
    DemoFunction("address-check", "addresses/check", "check", ("GET",), "우편번호를 확인합니다", ("public",)),
]


def load() -> str:
    """Make those of gateways that never had any."""
    names = {each.gateway for each in FUNCTIONS}
    gateways = FunctionGateway.objects.filter(name__in=names).exclude(state=State.DELETED)
    made = sum(_fill(gateway) for gateway in gateways.select_related("tenant", "cluster") if not _had_any(gateway))
    return f"{made} function{'s' * (made > 1)} made." if made else ""


def _had_any(gateway: FunctionGateway) -> bool:
    """Also such as were deleted since, even for good."""
    if Function.objects.filter(gateway=gateway).exists():
        return True
    return AuditEvent.objects.filter(verb="function.created", after__gateway=gateway.pk).exists()


def _fill(gateway: FunctionGateway) -> int:
    membership = Membership.objects.filter(tenant=gateway.tenant, person_id=gateway.owner_id).first()
    if membership is None:
        return 0
    actor = Member.of(membership)
    return sum(_make(actor, gateway, each) for each in FUNCTIONS if each.gateway == gateway.name)


def _make(actor: Member, gateway: FunctionGateway, demo: DemoFunction) -> int:
    try:
        function = create_function(
            actor=actor,
            gateway=gateway,
            name=demo.name,
            files=demo.files,
            methods=demo.methods,
            description=demo.description,
            tags=demo.tags,
        )
        for stage in demo.stages:
            copy_function(actor=actor, function=function, name=f"{stage}/{demo.name}")
    except Problem:
        # Somebody has changed the world of the demo: no reason for not starting all else
        return 0
    return 1 + len(demo.stages)
