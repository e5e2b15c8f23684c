from typing import Any, Final

from django.db import transaction
from django.utils.translation import gettext_noop

from apps.audit.changes import changes, fields_of
from apps.audit.services import record
from apps.core import clock
from apps.core.versions import save_version
from apps.tenants.member import Member
from apps.triggers.models import Trigger, TriggerRun
from apps.triggers.problems import FunctionGone
from apps.triggers.selectors import function_of, schedule_of
from apps.triggers.services.checking import check_trigger
from apps.triggers.services.locking import SHOWN, lock_trigger, tell

PAUSED = gettext_noop("The trigger was paused before its turn came.")
OF_SCHEDULE = frozenset({"expression", "zone"})


class Keep:
    """Nothing is said of it: it stays as it is."""


KEEP: Final = Keep()


@transaction.atomic
def change_trigger(
    *,
    actor: Member,
    trigger: Trigger,
    expression: str | None = None,
    zone: str | None = None,
    method: str | None = None,
    path: str | None = None,
    query: str | None = None,
    payload: Any = KEEP,
    overlap: str | None = None,
    missed: str | None = None,
    note: str | None = None,
    version: int | None = None,
) -> Trigger:
    """Of which function it is, stays. With another schedule it's due from now on."""
    actor, trigger = lock_trigger(actor, trigger, version=version)
    function = function_of(trigger)
    if function is None:
        raise FunctionGone
    given = {
        "expression": expression,
        "zone": zone,
        "method": method,
        "path": path,
        "query": query,
        "overlap": overlap,
        "missed": missed,
        "note": note,
    }
    before = {**fields_of(trigger, SHOWN), "payload": trigger.payload}
    for name, value in given.items():
        if value is not None:
            setattr(trigger, name, value)
    if not isinstance(payload, Keep):
        trigger.payload = payload
    check_trigger(trigger, function)
    was, now = changes(before, {**fields_of(trigger, SHOWN), "payload": trigger.payload})
    if not now:
        return trigger
    changed = list(now)
    if OF_SCHEDULE & set(now) and trigger.is_enabled:
        changed += _due_from_now(trigger)
    save_version(trigger, *changed)
    record(actor=actor, verb="trigger.changed", target=trigger, before=_told(was), after=_told(now))
    tell(trigger)
    return trigger


@transaction.atomic
def pause_trigger(*, actor: Member, trigger: Trigger, version: int | None = None) -> Trigger:
    """It isn't due any more, and what waits for its turn isn't run. A run that is under way goes on."""
    actor, trigger = lock_trigger(actor, trigger, version=version)
    if not trigger.is_enabled:
        return trigger
    rest(trigger)
    record(actor=actor, verb="trigger.paused", target=trigger)
    tell(trigger)
    return trigger


@transaction.atomic
def resume_trigger(*, actor: Member, trigger: Trigger, version: int | None = None) -> Trigger:
    """It's due from now on; what it would have been meanwhile isn't made up for."""
    actor, trigger = lock_trigger(actor, trigger, version=version)
    if trigger.is_enabled:
        return trigger
    if function_of(trigger) is None:
        raise FunctionGone
    trigger.is_enabled, trigger.paused_because = True, ""
    save_version(trigger, "is_enabled", "paused_because", *_due_from_now(trigger))
    record(actor=actor, verb="trigger.resumed", target=trigger)
    tell(trigger)
    return trigger


def rest(trigger: Trigger, because: str = "") -> None:
    """Of a locked row. `because` is for gettext."""
    trigger.is_enabled, trigger.paused_because = False, because
    trigger.next_at = trigger.held_at = None
    save_version(trigger, "is_enabled", "paused_because", "next_at", "held_at")
    waiting = TriggerRun.objects.filter(trigger=trigger, outcome=TriggerRun.Outcome.WAITING)
    waiting.update(outcome=TriggerRun.Outcome.SKIPPED, ended_at=clock.now(), error=because or PAUSED)


def _due_from_now(trigger: Trigger) -> list[str]:
    trigger.next_at, trigger.held_at = schedule_of(trigger).next_after(clock.now()), None
    return ["next_at", "held_at"]


def _told(values: dict[str, Any]) -> dict[str, Any]:
    """For the audit log: what a payload holds is the function's business."""
    return {name: "…" if name == "payload" and value is not None else value for name, value in values.items()}
