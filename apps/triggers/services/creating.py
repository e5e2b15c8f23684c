from typing import Any

from django.conf import settings as conf
from django.db import transaction
from django.utils.translation import gettext as _

from apps.audit.changes import fields_of
from apps.audit.services import record
from apps.core import clock
from apps.core.errors import InvalidInput
from apps.functions.models import Function
from apps.functions.names import read_name
from apps.gateways.models import LONGEST_ACTOR, FunctionGateway
from apps.gateways.services.wishing import lock_to_fill
from apps.tenants.member import Member
from apps.triggers.models import Trigger
from apps.triggers.problems import TooManyTriggers
from apps.triggers.selectors import count_triggers, schedule_of
from apps.triggers.services.checking import check_trigger
from apps.triggers.services.locking import CHANGE, SHOWN, tell


@transaction.atomic
def create_trigger(
    *,
    actor: Member,
    gateway: FunctionGateway,
    function_name: str,
    expression: str,
    zone: str = "UTC",
    method: str = "POST",
    path: str = "",
    query: str = "",
    payload: Any = None,
    overlap: str = Trigger.Overlap.SKIP,
    missed: str = Trigger.Missed.SKIP,
    note: str = "",
    is_enabled: bool = True,
) -> Trigger:
    """Of a function of that gateway, `dev/sweep`. It's due from now on, not at once."""
    name = read_name(function_name)
    actor, gateway = lock_to_fill(actor, gateway, CHANGE, stage=name.stage)
    function = _function(gateway, name.stage, name.base)
    trigger = Trigger(
        tenant=actor.tenant,
        gateway=gateway,
        stage=name.stage,
        base_name=name.base,
        expression=expression,
        zone=zone,
        method=method,
        path=path,
        query=query,
        payload=payload,
        overlap=overlap,
        missed=missed,
        note=note,
        is_enabled=is_enabled,
        created_by=str(actor)[:LONGEST_ACTOR],
    )
    check_trigger(trigger, function)
    if count_triggers(gateway) >= conf.MOST_TRIGGERS:
        words = {"gateway": gateway, "most": conf.MOST_TRIGGERS}
        raise TooManyTriggers(_("%(gateway)s has %(most)d of them.") % words)
    if is_enabled:
        trigger.next_at = schedule_of(trigger).next_after(clock.now())
    trigger.save(force_insert=True)
    record(actor=actor, verb="trigger.created", target=trigger, after=fields_of(trigger, SHOWN))
    tell(trigger)
    return trigger


def _function(gateway: FunctionGateway, stage: str, base_name: str) -> Function:
    rows = Function.objects.filter(gateway=gateway, stage=stage, base_name=base_name, deleted_at=None)
    found: Function | None = rows.first()
    if found is None:
        raise InvalidInput(fields={"function": [_("There is no function of this name. Choose one of the gateway's.")]})
    return found
