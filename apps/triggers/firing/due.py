"""From a due time to a run: decided under the trigger's lock, so that one process decides it, and once.

The due time stands in the trigger's row. Whoever takes the row writes the run and the next due time in one
transaction; a crash before its end leaves the row due, one after it leaves a run that waits.
"""

from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import connection, transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils.translation import gettext_noop

from apps.functions.models import Function
from apps.gateways.lifecycle.table import Phase, State
from apps.gateways.models import FunctionGateway, Stage
from apps.triggers.cron import BadExpression
from apps.triggers.following import DELETED
from apps.triggers.models import Trigger, TriggerRun
from apps.triggers.selectors import schedule_of
from apps.triggers.services.changing import rest
from apps.triggers.services.locking import tell_pages_of

log = structlog.get_logger(__name__)

BATCH = 50
# What is this late was missed; before, it's run late
LATE_AFTER = timedelta(seconds=60)
# Of one trigger
MOST_WAITING, MOST_BESIDE = 10, 10
# One that can't be decided is looked at again after that, and stands in nobody's way meanwhile
POISONED_FOR = timedelta(minutes=5)

STILL_RUNS = gettext_noop("The run before it was still under way.")
TOO_MANY_WAIT = gettext_noop("Too many runs before it were still waiting.")
TOO_MANY_BESIDE = gettext_noop("Too many runs before it were still under way.")
WAS_STOPPED = gettext_noop("The gateway or its stage was switched off.")
WAS_DOWN = gettext_noop("The platform itself was down.")
UNREADABLE = gettext_noop("Its schedule can't be read. Change it.")


def database_now() -> datetime:
    """One clock for all processes."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        found: datetime = cursor.fetchone()[0]
    return found


def decide_due(now: datetime) -> int:
    """How many triggers were due."""
    with transaction.atomic():
        rows = _locked(Trigger.objects.filter(next_at__lte=now).order_by("next_at"))
        for trigger in rows:
            assert trigger.next_at is not None
            _carefully(trigger, now, trigger.next_at, WAS_DOWN)
        tell_pages_of(rows)
    return len(rows)


def release_held(now: datetime) -> int:
    """Those whose gateway can be called again: what was missed is made up for as they wish, and they're due anew."""
    serves = Stage.objects.filter(gateway=OuterRef("gateway"), name=OuterRef("stage"), state=Stage.State.ACTIVE)
    held = Trigger.objects.filter(
        Exists(serves),
        held_at__isnull=False,
        gateway__state__in=(State.RUNNING, State.RESTARTING),
        gateway__held_at=None,
        gateway__domain__phase=Phase.STARTED,
    )
    with transaction.atomic():
        rows = _locked(held)
        for trigger in rows:
            assert trigger.held_at is not None
            _carefully(trigger, now, trigger.held_at, WAS_STOPPED)
        tell_pages_of(rows)
    return len(rows)


def seconds_to_next(looked_at: datetime) -> float | None:
    """Runs that waited already at the last look wait for more than their time: the end of another, or a free place."""
    with connection.cursor() as cursor:
        cursor.execute(SECONDS_TO_NEXT, {"looked_at": looked_at})
        found: float | None = cursor.fetchone()[0]
    return found


SECONDS_TO_NEXT = """
SELECT extract(epoch FROM least(
    (SELECT min(next_at) FROM triggers_trigger WHERE next_at IS NOT NULL),
    (SELECT min(not_before) FROM triggers_triggerrun WHERE outcome = 'waiting' AND not_before > %(looked_at)s)
) - clock_timestamp())::float
"""


def _locked(rows: "QuerySet[Trigger]") -> list[Any]:
    """Those that nobody else is just at, each with what its decision takes."""
    of_it = {"gateway": OuterRef("gateway"), "stage": OuterRef("stage"), "base_name": OuterRef("base_name")}
    known = rows.annotate(
        has_function=Exists(Function.objects.filter(**of_it, deleted_at=None)),
        is_stage_on=Exists(
            Stage.objects.filter(gateway=OuterRef("gateway"), name=OuterRef("stage"), state=Stage.State.ACTIVE)
        ),
    )
    locked = known.select_for_update(of=("self",), skip_locked=True)
    return list(locked.select_related("gateway", "gateway__domain")[:BATCH])


def _carefully(trigger: Any, now: datetime, due_at: datetime, because: str) -> None:
    try:
        with transaction.atomic():
            _decide(trigger, now, due_at, because)
    # Whatever one trigger fails over, the others are due
    except Exception:
        log.exception("trigger", trigger=trigger.pk)
        Trigger.objects.filter(pk=trigger.pk).update(next_at=now + POISONED_FOR, held_at=None)


def _decide(trigger: Any, now: datetime, due_at: datetime, because: str) -> None:
    if not trigger.has_function:
        rest(trigger, DELETED)
    elif not can_be_called(trigger):
        trigger.held_at, trigger.next_at = due_at, None
        _save(trigger)
    else:
        try:
            _write_runs(trigger, now, due_at, because)
        except BadExpression:
            # Written by a version that could read it
            rest(trigger, UNREADABLE)


def _write_runs(trigger: Trigger, now: datetime, due_at: datetime, because: str) -> None:
    schedule = schedule_of(trigger)
    if now - due_at <= LATE_AFTER:
        _add(trigger, due_at, *_overlap(trigger))
        last = due_at
    else:
        count, last = schedule.due_between(due_at, now)
        if trigger.missed == Trigger.Missed.ONCE:
            outcome, error = _overlap(trigger)
            _add(trigger, last, outcome, error, kind=TriggerRun.Kind.CATCH_UP, missed_count=count - 1)
        else:
            _add(trigger, last, TriggerRun.Outcome.MISSED, because, missed_count=count)
    trigger.next_at, trigger.held_at = schedule.next_after(last), None
    _save(trigger)


def can_be_called(trigger: Any) -> bool:
    """Its gateway is wanted running and has its routes, and its stage is on."""
    gateway: FunctionGateway = trigger.gateway
    domain = getattr(gateway, "domain", None)
    if gateway.wanted not in (State.RUNNING, State.RESTARTING) or domain is None:
        return False
    # Routes that change serve meanwhile
    if domain.phase not in (Phase.STARTED, Phase.STARTING) or not domain.observed_generation:
        return False
    return bool(trigger.is_stage_on)


def _overlap(trigger: Trigger) -> tuple[str, str]:
    """What becomes of a run that is due now, and why."""
    found = TriggerRun.objects.filter(trigger=trigger, outcome__in=TriggerRun.OPEN).count()
    if trigger.overlap == Trigger.Overlap.SKIP and found:
        return TriggerRun.Outcome.SKIPPED, STILL_RUNS
    if trigger.overlap == Trigger.Overlap.QUEUE and found > MOST_WAITING:
        return TriggerRun.Outcome.SKIPPED, TOO_MANY_WAIT
    if trigger.overlap == Trigger.Overlap.PARALLEL and found >= MOST_BESIDE:
        return TriggerRun.Outcome.SKIPPED, TOO_MANY_BESIDE
    return TriggerRun.Outcome.WAITING, ""


def _add(
    trigger: Trigger,
    due_at: datetime,
    outcome: str,
    error: str,
    *,
    kind: str = TriggerRun.Kind.DUE,
    missed_count: int = 0,
) -> None:
    """Once for each due time, also where that comes again with a change of the schedule."""
    ended_at = None if outcome in TriggerRun.OPEN else database_now()
    run = TriggerRun(
        tenant_id=trigger.tenant_id,
        trigger=trigger,
        gateway_id=trigger.gateway_id,
        kind=kind,
        due_at=due_at,
        not_before=due_at,
        outcome=outcome,
        error=error,
        missed_count=missed_count,
        ended_at=ended_at,
    )
    TriggerRun.objects.bulk_create([run], ignore_conflicts=True)


def _save(trigger: Trigger) -> None:
    """What only those write who fire, which is no new version of it."""
    Trigger.objects.filter(pk=trigger.pk).update(next_at=trigger.next_at, held_at=trigger.held_at)
