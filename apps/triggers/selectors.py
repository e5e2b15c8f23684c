from datetime import datetime

from django.db.models import OuterRef, QuerySet, Subquery

from apps.core.errors import NotFound
from apps.functions.models import Function
from apps.gateways.lifecycle.table import Phase, State
from apps.gateways.models import FunctionGateway, Stage
from apps.tenants.member import Member
from apps.triggers.cron import Schedule
from apps.triggers.models import Trigger, TriggerRun

# So many of the next runs are told
UPCOMING = 5
WITH = ("gateway", "gateway__cluster", "gateway__tenant")


def list_triggers(*, actor: Member, gateway: FunctionGateway | None = None) -> "QuerySet[Trigger]":
    """Of one gateway, or of all in the workspace."""
    actor.require("functions.read", row=gateway)
    rows = Trigger.objects.of(actor.tenant).exclude(gateway__phase=Phase.DELETED)
    rows = rows.select_related("gateway").prefetch_related("gateway__stages")
    return rows if gateway is None else rows.filter(gateway=gateway)


def get_trigger(*, actor: Member, trigger_id: str) -> Trigger:
    found = list_triggers(actor=actor).select_related(*WITH).filter(pk=trigger_id).first()
    if found is None:
        raise NotFound
    return found


def list_runs(*, actor: Member, trigger: Trigger) -> "QuerySet[TriggerRun]":
    """Those that are kept, the newest first."""
    actor.require("functions.read", row=trigger)
    return TriggerRun.objects.of(actor.tenant).filter(trigger=trigger).order_by("-due_at", "-id")


def count_triggers(gateway: FunctionGateway) -> int:
    """For the tab of its pages."""
    return Trigger.objects.filter(gateway=gateway).count()


def with_last_runs(rows: "QuerySet[Trigger]") -> "QuerySet[Trigger]":
    """Says on each what came of its newest run, and when that was due."""
    newest = TriggerRun.objects.filter(trigger=OuterRef("pk")).order_by("-due_at", "-id")
    return rows.annotate(
        last_outcome=Subquery(newest.values("outcome")[:1]), last_due_at=Subquery(newest.values("due_at")[:1])
    )


def function_of(trigger: Trigger) -> Function | None:
    """Null once it's deleted."""
    rows = Function.objects.filter(gateway=trigger.gateway_id, stage=trigger.stage, base_name=trigger.base_name)
    found: Function | None = rows.filter(deleted_at=None).first()
    return found


def waits(trigger: Trigger) -> bool:
    """Nothing calls it until its gateway, and its stage there, are on again."""
    gateway = trigger.gateway
    if trigger.held_at is not None or gateway.wanted not in (State.RUNNING, State.RESTARTING):
        return True
    return any(each.name == trigger.stage and each.state == Stage.State.INACTIVE for each in gateway.stages.all())


def upcoming_of(trigger: Trigger, now: datetime) -> list[datetime]:
    """When it's due next; none while it's paused or waits."""
    return schedule_of(trigger).upcoming(now, UPCOMING) if trigger.is_enabled and not waits(trigger) else []


def schedule_of(trigger: Trigger) -> Schedule:
    return Schedule.of(trigger.expression, trigger.zone)
