"""A trigger of the demo's gateways."""

from dataclasses import dataclass, field
from typing import Any

from apps.audit.models import AuditEvent
from apps.core.errors import Problem
from apps.functions.models import Function
from apps.tenants.member import Member
from apps.tenants.models import Membership
from apps.triggers.models import Trigger
from apps.triggers.services import create_trigger


@dataclass(frozen=True)
class DemoTrigger:
    gateway: str
    function: str
    wanted: dict[str, Any] = field(default_factory=dict)


TRIGGERS = [
    DemoTrigger(
        "parcel-tracking",
        "dev/shipments/estimate",
        {
            "expression": "*/5 * * * *",
            "zone": "America/Chicago",
            "method": "GET",
            "query": "postcode=63122&weight=2.4",
            "note": "Sees whether estimates are answered",
        },
    ),
    DemoTrigger(
        "billing-hooks",
        "dev/invoices/paid",
        {
            "expression": "0 30 9 * * mon-fri",
            "zone": "Asia/Seoul",
            "payload": {"invoice": "2026-0042", "amount": 99000},
            "missed": Trigger.Missed.ONCE,
            "note": "Tells the newest invoice again",
        },
    ),
]


def load() -> str:
    """Set those of gateways that never had any."""
    made = sum(_make(each) for each in TRIGGERS)
    return f"{made} trigger{'s' * (made > 1)} made." if made else ""


def _make(demo: DemoTrigger) -> bool:
    stage, _, base_name = demo.function.partition("/")
    rows = Function.objects.filter(gateway__name=demo.gateway, stage=stage, base_name=base_name, deleted_at=None)
    function = rows.select_related("gateway__tenant", "gateway__cluster").first()
    if function is None or _had_any(function):
        return False
    membership = Membership.objects.filter(
        tenant_id=function.tenant_id, person_id=function.gateway.owner_id
    ).select_related("tenant", "person")
    owner = membership.first()
    if owner is None:
        return False
    try:
        create_trigger(actor=Member.of(owner), gateway=function.gateway, function_name=demo.function, **demo.wanted)
    except Problem:
        # Somebody has changed the world of the demo: no reason for not starting all else
        return False
    return True


def _had_any(function: Function) -> bool:
    """Also such as were deleted since."""
    if Trigger.objects.filter(gateway=function.gateway).exists():
        return True
    mine = AuditEvent.objects.filter(verb="trigger.created", tenant_id=function.tenant_id)
    return mine.filter(after__base_name=function.base_name).exists()
