"""A run from its turn to its end. Whoever takes it holds it for a while; whoever loses it writes nothing more."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext_noop

from apps.core import context
from apps.core.errors import Problem
from apps.functions.calling import Answered, Asked, Line, line_to
from apps.functions.calling.invoking import MARGIN
from apps.functions.calling.problems import GatewayStopped, NotReached, Unanswered
from apps.gateways.call_problems import StageInactive
from apps.triggers.firing.due import WAS_STOPPED, database_now
from apps.triggers.following import DELETED
from apps.triggers.models import Trigger, TriggerRun
from apps.triggers.selectors import WITH, function_of
from apps.triggers.services.locking import tell_pages, tell_pages_of

# Beyond the limit of the function itself
LEASE_RESERVE = timedelta(seconds=20)
# A gateway that can't be reached is tried again, as its agent may just be starting anew
TRY_AGAIN_AFTER, TRY_FOR = timedelta(seconds=1), timedelta(seconds=60)
# What nobody answers for with these has not begun
NOT_BEGUN = ("/no-such-host", "/runtime-away", "/too-many-calls")
SWITCHED_OFF = f"/{StageInactive.slug}"
# What a runtime says to a token that it has taken already
TAKEN = "/run-used"

NOT_REACHED = gettext_noop("The gateway couldn't be reached for a minute.")
NO_ANSWER = gettext_noop("No answer came: the function or its process ended, or took too long.")
ANSWERED_ERROR = gettext_noop("The function answered with an error.")
INTERRUPTED = gettext_noop("The platform was interrupted while it ran. The function may have done its work.")
NOT_SENT = gettext_noop("It couldn't be called: %(detail)s")


@dataclass(frozen=True)
class Ready:
    """A run that is taken, with all that it takes: nobody asks the database any more until it has ended."""

    run_id: str
    attempt: int
    trigger_id: str
    gateway_id: str
    line: Line
    asked: Asked
    name: str
    within: float
    request_id: str
    # When it may have been begun, by whoever held it and is gone; in Unix time
    since: float | None


Result = Answered | Unanswered


def take_runs(now: datetime, *, most: int, without: frozenset[str] = frozenset()) -> list[Ready]:
    """Those whose turn it is, and those whose holder is gone. Gateways in `without` have as many as they may."""
    if most <= 0:
        return []
    with transaction.atomic():
        runs = _turns(now, most, without)
        taken = [ready for run in runs if (ready := _ready(run, now))]
        tell_pages_of(run.trigger for run in runs)
        return taken


def _turns(now: datetime, most: int, without: frozenset[str]) -> list[TriggerRun]:
    outcome = TriggerRun.Outcome
    earlier = TriggerRun.objects.filter(trigger=OuterRef("trigger")).filter(
        Q(outcome=outcome.RUNNING) | Q(outcome=outcome.WAITING, due_at__lt=OuterRef("due_at"))
    )
    waiting = Q(outcome=outcome.WAITING, not_before__lte=now) & (
        ~Q(trigger__overlap=Trigger.Overlap.QUEUE) | ~Exists(earlier)
    )
    left = Q(outcome=outcome.RUNNING, leased_until__lte=now)
    rows = TriggerRun.objects.filter(waiting | left).exclude(gateway_id__in=without)
    locked = rows.select_for_update(of=("self",), skip_locked=True).order_by("not_before", "due_at")
    around = (*WITH, "gateway__database")
    found = locked.select_related("trigger", *(f"trigger__{each}" for each in around))
    return list(found.prefetch_related("trigger__gateway__stages")[:most])


def _ready(run: TriggerRun, now: datetime) -> Ready | None:
    trigger = run.trigger
    if run.outcome == TriggerRun.Outcome.RUNNING:
        # Whoever held it is gone. It stays in doubt, also for the attempts after this one
        run.error = INTERRUPTED
    function = function_of(trigger)
    if function is None:
        _end_uncalled(run, TriggerRun.Outcome.FAILED, DELETED)
        return None
    try:
        line = line_to(trigger.gateway, trigger.stage)
    except (GatewayStopped, StageInactive):
        _end_uncalled(run, TriggerRun.Outcome.MISSED, WAS_STOPPED)
        return None
    except Problem:
        _put_off(run, now)
        return None
    within = function.timeout_ms / 1000 + MARGIN
    run.outcome, run.attempts = TriggerRun.Outcome.RUNNING, run.attempts + 1
    run.started_at, run.request_id = run.started_at or now, run.request_id or context.new_request_id()
    run.leased_until = now + timedelta(seconds=within) + LEASE_RESERVE
    run.save(update_fields=["outcome", "attempts", "started_at", "request_id", "leased_until", "error"])
    return Ready(
        run_id=run.pk,
        attempt=run.attempts,
        trigger_id=trigger.pk,
        gateway_id=trigger.gateway_id,
        line=line,
        asked=_asked(trigger, run),
        name=trigger.function_name,
        within=within,
        request_id=run.request_id,
        since=run.started_at.timestamp() if run.error == INTERRUPTED else None,
    )


def finish_run(ready: Ready, result: Result) -> bool:
    """False: another has taken it meanwhile, or it's gone with its trigger."""
    with transaction.atomic():
        rows = TriggerRun.objects.select_for_update(of=("self",)).select_related("trigger")
        run = rows.filter(pk=ready.run_id, attempts=ready.attempt, outcome=TriggerRun.Outcome.RUNNING).first()
        if run is None:
            return False
        _conclude(run, result)
        tell_pages(run.trigger)
        return True


def _conclude(run: TriggerRun, result: Result) -> None:
    outcome = TriggerRun.Outcome
    if isinstance(result, NotReached):
        _put_off(run, database_now())
    elif isinstance(result, Unanswered):
        _end(run, outcome.FAILED, NO_ANSWER)
    elif 200 <= result.status < 400:
        _end(run, outcome.SUCCEEDED, status=result.status)
    else:
        kind = _kind_of_problem(result)
        if not result.is_of_runtime and kind.endswith(NOT_BEGUN):
            _put_off(run, database_now())
        elif not result.is_of_runtime and kind.endswith(SWITCHED_OFF):
            _end_uncalled(run, outcome.MISSED, WAS_STOPPED)
        elif kind.endswith(TAKEN) and run.attempts > 1:
            _end(run, outcome.LOST, INTERRUPTED)
        else:
            _end(run, outcome.FAILED, ANSWERED_ERROR, status=result.status)


def _put_off(run: TriggerRun, now: datetime) -> None:
    """Nothing was called. It's tried again under the same nonce, for a minute."""
    since = run.due_at if run.kind != TriggerRun.Kind.CATCH_UP else run.started_at or now
    if now - since > TRY_FOR:
        _end_uncalled(run, TriggerRun.Outcome.FAILED, NOT_REACHED)
        return
    run.outcome, run.not_before, run.leased_until = TriggerRun.Outcome.WAITING, now + TRY_AGAIN_AFTER, None
    run.save(update_fields=["outcome", "not_before", "leased_until", "error"])


def _end_uncalled(run: TriggerRun, outcome: str, error: str) -> None:
    """By this attempt; of one before it, nobody may know."""
    in_doubt = run.error == INTERRUPTED
    _end(run, TriggerRun.Outcome.LOST if in_doubt else outcome, INTERRUPTED if in_doubt else error)


def _end(run: TriggerRun, outcome: str, error: str = "", *, status: int | None = None) -> None:
    run.outcome, run.error, run.status = outcome, error, status
    run.ended_at, run.leased_until = database_now(), None
    run.save(update_fields=["outcome", "error", "status", "ended_at", "leased_until"])


def _asked(trigger: Trigger, run: TriggerRun) -> Asked:
    body = b"" if trigger.payload is None else json.dumps(trigger.payload, ensure_ascii=False).encode()
    headers = (
        ("accept", "*/*"),
        ("imp-trigger", trigger.pk),
        ("imp-due-at", run.due_at.strftime("%Y-%m-%dT%H:%M:%SZ")),
        *((("content-type", "application/json"),) if body else ()),
    )
    return Asked(trigger.method, trigger.path, trigger.query, headers, body)


def _kind_of_problem(answered: Answered) -> str:
    if not answered.header("content-type").startswith("application/problem+json"):
        return ""
    try:
        found = json.loads(answered.body)
    except (ValueError, RecursionError):
        return ""
    return str(found.get("type", "")) if isinstance(found, dict) else ""
