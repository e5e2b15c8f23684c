from django.db import transaction

from apps.audit.services import record
from apps.core import clock
from apps.functions.calling import line_to
from apps.gateways.models import LONGEST_ACTOR
from apps.tenants.member import Member
from apps.triggers.models import Trigger, TriggerRun
from apps.triggers.problems import FunctionGone, TooManyWaiting
from apps.triggers.selectors import function_of
from apps.triggers.services.locking import lock_trigger, tell

# Of one trigger, that were wanted by hand
MOST_BY_HAND = 5


@transaction.atomic
def run_trigger(*, actor: Member, trigger: Trigger) -> TriggerRun:
    """At once, as it would be run when it's due; also a paused one."""
    actor, trigger = lock_trigger(actor, trigger, permission="functions.call")
    if function_of(trigger) is None:
        raise FunctionGone
    line_to(trigger.gateway, trigger.stage)
    waiting = TriggerRun.objects.filter(trigger=trigger, kind=TriggerRun.Kind.MANUAL, outcome__in=TriggerRun.OPEN)
    if waiting.count() >= MOST_BY_HAND:
        raise TooManyWaiting
    now = clock.now()
    run: TriggerRun = TriggerRun.objects.create(
        tenant=actor.tenant,
        trigger=trigger,
        gateway=trigger.gateway,
        kind=TriggerRun.Kind.MANUAL,
        due_at=now,
        not_before=now,
        by=str(actor)[:LONGEST_ACTOR],
    )
    record(actor=actor, verb="trigger.run", target=trigger, after={"run": run.pk})
    tell(trigger)
    return run
