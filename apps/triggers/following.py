"""What becomes of triggers when their function is deleted, gets another name, or goes with its gateway."""

from django.utils.translation import gettext_noop

from apps.audit.services import record
from apps.core.versions import save_version
from apps.functions.models import Function
from apps.functions.names import path_of
from apps.gateways.models import FunctionGateway
from apps.tenants.member import Member
from apps.triggers.models import Trigger
from apps.triggers.services.changing import rest
from apps.triggers.services.checking import matches
from apps.triggers.services.locking import tell

DELETED = gettext_noop("Its function was deleted.")
RENAMED = gettext_noop("Its function was renamed, and doesn't answer the trigger's path any more.")


def pause_of_deleted(function: Function, actor: Member) -> None:
    """They stay paused when it's restored, until somebody wants them on."""
    for trigger in _locked(function, function.base_name):
        _pause(trigger, actor, DELETED)


def follow_renamed(function: Function, before: str, actor: Member) -> None:
    """They go on under the new name, with its path where theirs was the old name's."""
    for trigger in _locked(function, before):
        old = {"base_name": trigger.base_name, "path": trigger.path}
        trigger.base_name = function.base_name
        if trigger.path == path_of(before):
            trigger.path = path_of(function.base_name)
        save_version(trigger, "base_name", "path")
        after = {"base_name": trigger.base_name, "path": trigger.path}
        record(actor=actor, verb="trigger.changed", target=trigger, before=old, after=after)
        tell(trigger)
        if trigger.is_enabled and not matches(trigger.base_name, trigger.path):
            _pause(trigger, actor, RENAMED)


def remove_triggers(gateway: FunctionGateway) -> None:
    """With the gateway that they're in."""
    Trigger.objects.filter(gateway=gateway).delete()


def _locked(function: Function, base_name: str) -> list[Trigger]:
    rows = Trigger.objects.filter(gateway=function.gateway_id, stage=function.stage, base_name=base_name)
    return list(rows.select_for_update(of=("self",)).order_by("pk"))


def _pause(trigger: Trigger, actor: Member, because: str) -> None:
    if trigger.is_enabled:
        rest(trigger, because)
        record(actor=actor, verb="trigger.paused", target=trigger, after={"because": because})
    tell(trigger)
