"""What operators do about a gateway that doesn't move. Each remedy is what `lifecycle/remedies.py` says it is."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from apps.audit.services import SYSTEM, record
from apps.core import clock
from apps.core.errors import Conflict, InvalidInput, NotFound
from apps.core.lifecycle import mending, timeline, wake
from apps.core.lifecycle.machine import Machine
from apps.core.lifecycle.timeline import Kind
from apps.core.names import require_choice, require_short, tidy_name
from apps.core.versions import save_version
from apps.gateways.lifecycle.diagnosis import Cure, Sight
from apps.gateways.lifecycle.machines import DOMAIN, GATEWAY
from apps.gateways.lifecycle.remedies import phase_to_finish, remedies_for
from apps.gateways.lifecycle.rules import holders
from apps.gateways.lifecycle.sight import sight_of
from apps.gateways.lifecycle.table import Phase, State
from apps.gateways.models import LONGEST_ACTOR, LONGEST_NAME, LONGEST_REASON, FunctionGateway, RuntimeDomain
from apps.tenants.member import Member
from apps.tenants.operators import require_operator

STARTED_AGAIN = gettext_noop("Wanted running again, by an operator.")
TRIED_AGAIN = gettext_noop("Tried again by hand.")
LEFT_BEHIND = gettext_noop("Something of it was still there, so it's deleted once more.")
# At rest there a domain is looked at again from the phase that leads there
LEADS_FROM = MappingProxyType({Phase.STARTED: Phase.STARTING, Phase.STOPPED: Phase.STOPPING})


@transaction.atomic
def mend_gateway(*, actor: Any, gateway: FunctionGateway, cure: str, reason: str = "") -> FunctionGateway:
    """One of the remedies that need no reason. One that would do nothing now is refused, and says why."""
    _require(actor, "gateways.mend")
    require_choice(cure, _MEND, field="cure")
    reason = tidy_name(reason)
    require_short(reason, LONGEST_REASON, field="reason")
    sight = _lock(gateway)
    remedy = next(each for each in remedies_for(sight) if each.cure == cure)
    if remedy.cant_because:
        raise Conflict(str(remedy.cant_because))
    before = _standing(sight)
    mend, verb = _MEND[Cure(cure)]
    mend(sight, actor)
    sight.gateway.refresh_from_db()
    after = _standing(sight)
    if reason:
        after["reason"] = reason
        timeline.note(
            GATEWAY.name, sight.gateway, Kind.NOTED, because="%(reason)s", because_of={"reason": reason}, actor=actor
        )
    record(actor=actor, verb=verb, target=sight.gateway, before=before, after=after)
    return sight.gateway


@transaction.atomic
def force_phase(
    *, actor: Any, gateway: FunctionGateway, phase: str, reason: str, of_domain: bool = False
) -> FunctionGateway:
    """Where everything else fails: say where the gateway, or its domain, stands. Its steps go on from there."""
    _require(actor, "gateways.force_phase")
    reason = tidy_name(reason)
    if not reason:
        raise InvalidInput(fields={"reason": [_("Say why. The audit log and the timeline keep it.")]})
    require_short(reason, LONGEST_REASON, field="reason")
    require_choice(phase, Phase.values, field="phase")
    sight = _lock(gateway)
    machine: Machine[Any] = DOMAIN if of_domain else GATEWAY
    row = sight.domain if of_domain else sight.gateway
    if row is None:
        raise Conflict(_("The gateway has no domain."))
    if not of_domain:
        _require_name(sight.gateway, phase)
    before = {"phase": row.phase}
    mending.force_phase(machine, row.pk, phase, actor=actor, reason=reason)
    sight.gateway.refresh_from_db()
    after = {"phase": phase, "reason": reason, "of": machine.name}
    record(actor=actor, verb="gateway.phase_forced", target=sight.gateway, before=before, after=after)
    return sight.gateway


@transaction.atomic
def finish_deletion(*, gateway: FunctionGateway) -> bool:
    """Of one that was wanted deleted, counts as such, and has left something. False: it's another one by now."""
    sight = _lock(gateway)
    if (sight.gateway.state, sight.gateway.phase) != (State.DELETED, Phase.DELETED):
        return False
    before = _standing(sight)
    _want_gone(sight.gateway)
    mending.begin_phase(GATEWAY, gateway.pk, Phase.DELETING, actor=SYSTEM, because=LEFT_BEHIND)
    sight.gateway.refresh_from_db()
    record(actor=SYSTEM, verb="gateway.finished", target=sight.gateway, before=before, after=_standing(sight))
    return True


def _finish(sight: Sight, actor: Any) -> None:
    gateway, phase = sight.gateway, phase_to_finish(sight)
    if gateway.phase == Phase.DELETED:
        _want_gone(gateway)
    domain = sight.domain
    if domain is not None and domain.phase in LEADS_FROM:
        mending.begin_phase(DOMAIN, domain.pk, LEADS_FROM[Phase(domain.phase)], actor=actor)
    elif domain is not None and domain.phase != Phase.DELETED:
        wake(DOMAIN, domain.pk)
    mending.begin_phase(GATEWAY, gateway.pk, phase, actor=actor)


def _want_gone(gateway: FunctionGateway) -> None:
    """A deleted one that comes back to be deleted wholly: another may have its name by now."""
    gateway.state = State.DELETED
    if _is_name_given_away(gateway):
        mark = f"-{gateway.pk[-6:]}"
        gateway.name = gateway.name[: LONGEST_NAME - len(mark)] + mark
    save_version(gateway, "state", "name")


def _start(sight: Sight, actor: Any) -> None:
    gateway = sight.gateway
    gateway.state, gateway.state_at, gateway.state_by = State.RUNNING, clock.now(), str(actor)[:LONGEST_ACTOR]
    save_version(gateway, "state", "state_at", "state_by")
    timeline.note(GATEWAY.name, gateway, Kind.WISHED, because=STARTED_AGAIN, actor=actor)
    _finish(sight, actor)


def _retry(sight: Sight, actor: Any) -> None:
    domain = sight.domain
    if domain is not None and (domain.has_stopped or domain.due_at is not None):
        wake(DOMAIN, domain.pk)
    timeline.note(GATEWAY.name, sight.gateway, Kind.NOTED, because=TRIED_AGAIN, actor=actor)
    wake(GATEWAY, sight.gateway.pk)
    GATEWAY.changed(sight.gateway)


def _release(sight: Sight, actor: Any) -> None:
    # Children before parents, as the kernel does
    for row in reversed(holders(sight)):
        machine: Machine[Any] = GATEWAY if row is sight.gateway else DOMAIN
        mending.release_lease(machine, row.pk, actor=actor)


Mend = Callable[[Sight, Any], None]
_MEND: Mapping[Cure, tuple[Mend, str]] = MappingProxyType(
    {
        Cure.FINISH: (_finish, "gateway.finished"),
        Cure.START: (_start, "gateway.started_again"),
        Cure.RETRY: (_retry, "gateway.retried"),
        Cure.RELEASE: (_release, "gateway.lease_released"),
    }
)


def _require(actor: Any, permission: str) -> None:
    """A member of a workspace acts here as the person that they are: the workspace's roles don't count."""
    require_operator(actor.person if isinstance(actor, Member) else actor, permission)


def _lock(gateway: FunctionGateway) -> Sight:
    list(RuntimeDomain.objects.select_for_update().filter(gateway=gateway))
    rows = FunctionGateway.objects.select_for_update(of=("self",)).select_related("cluster", "tenant", "owner")
    row = rows.filter(pk=gateway.pk).first()
    if row is None:
        raise NotFound
    return sight_of(row)


def _require_name(gateway: FunctionGateway, phase: str) -> None:
    comes_back = gateway.phase == Phase.DELETED and phase != Phase.DELETED
    if comes_back and _is_name_given_away(gateway):
        raise Conflict(_("Another gateway in this cluster has its name by now."))


def _is_name_given_away(gateway: FunctionGateway) -> bool:
    """Once one is deleted, another may be called as it was."""
    others = FunctionGateway.objects.filter(cluster_id=gateway.cluster_id, name=gateway.name).exclude(pk=gateway.pk)
    return others.exclude(phase=Phase.DELETED).exists()


def _standing(sight: Sight) -> dict[str, Any]:
    gateway = sight.gateway
    return {"state": gateway.state, "phase": gateway.phase, "attempts": gateway.attempts}
