"""What can be said of a gateway that isn't where it should be: rules over what is seen of it, the gravest first."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from apps.core.errors import Text
from apps.core.lifecycle.failures import RAISED
from apps.core.lifecycle.models import Living
from apps.fleet.models import Bundle
from apps.gateways.lifecycle.diagnosis import Cure, Finding, Part, Sentence, Sight
from apps.gateways.lifecycle.table import Do, Phase, State, follows
from apps.gateways.sizes import StageName

# How long a gateway may stay at one step; then operators look at it
PATIENCE: Mapping[str, timedelta] = MappingProxyType(
    {phase.value: timedelta(seconds=120 if phase == Phase.DELETING else 60) for phase in Phase}
)
# By then a worker takes what is due, and a sweep finds what a dead one held
OVERDUE_AFTER = timedelta(seconds=30)
SERVING = (Phase.STARTING, Phase.STARTED)
GOING = (Phase.DELETING, Phase.DELETED)


@dataclass(frozen=True)
class Rule:
    """`because` and `explanation` are for gettext; `_words` gives their parts. `waits`: stuck only once it's long."""

    name: str
    holds: Callable[[Sight], bool]
    because: str
    explanation: str
    advised: Cure
    since: Callable[[Sight], datetime | None] = lambda sight: None
    waits: bool = False


def is_at_rest(sight: Sight) -> bool:
    gateway = sight.gateway
    return follows(gateway.wanted, gateway.phase, is_changed=gateway.is_changed) is Do.REST


def stays(sight: Sight) -> bool:
    """It's there, or is to be there, and made."""
    return sight.gateway.wanted != State.DELETED and sight.gateway.phase not in (Phase.CREATING, *GOING)


def is_left(sight: Sight) -> bool:
    return bool(sight.domain or sight.stages or sight.database or sight.bundles)


def loses_domain(sight: Sight) -> bool:
    domain = sight.domain
    return domain is not None and (domain.state == State.DELETED or domain.phase in GOING)


def misses_parts(sight: Sight) -> bool:
    return (
        sight.domain is None
        or sight.stages < len(StageName)
        or sight.database is None
        or not is_there(sight.bundles.get("namespace"))
    )


def is_there(bundle: Bundle | None) -> bool:
    return bundle is not None and bundle.removed_at is None


def serves(sight: Sight) -> bool:
    """Calls reach its processes, as far as is known here."""
    needed = [sight.bundles.get(part) for part in ("runtime", "routes")]
    return all(bundle is not None and bundle.removed_at is None and bundle.reported_at is not None for bundle in needed)


def holders(sight: Sight) -> list[Living]:
    """Of a lease that counts, or was left."""
    rows: list[Living | None] = [sight.gateway, sight.domain]
    return [row for row in rows if row is not None and row.leased_until is not None]


def _is_elsewhere(sight: Sight) -> bool:
    """At rest, with routes that are open and shouldn't be, or the other way round."""
    domain, phase = sight.domain, sight.gateway.phase
    if domain is None or domain.due_at is not None or not is_at_rest(sight):
        return False
    return (phase == Phase.STARTED) != (domain.phase in SERVING) and phase in (Phase.STARTED, Phase.STOPPED)


def _left_lease(sight: Sight) -> datetime | None:
    left = [row.leased_until for row in holders(sight) if row.leased_until]
    return min((until for until in left if until <= sight.at - OVERDUE_AFTER), default=None)


def _overdue(sight: Sight) -> datetime | None:
    rows: list[Living | None] = [sight.gateway, sight.domain]
    free = [row.due_at for row in rows if row is not None and row.leased_until is None and row.due_at]
    return min((due for due in free if due <= sight.at - OVERDUE_AFTER), default=None)


def _waiting(sight: Sight) -> list[Bundle]:
    """What its cluster hasn't brought about yet."""
    return [each for each in sight.bundles.values() if each.removed_at or not each.says(Bundle.Phase.READY)]


def _refused(sight: Sight) -> Bundle | None:
    return next((each for each in _waiting(sight) if each.says(Bundle.Phase.FAILED)), None)


def _is_unheard(sight: Sight) -> bool:
    gateway = sight.gateway
    return gateway.due_at is None and not gateway.has_stopped and not is_at_rest(sight)


def _domain_is_slow(sight: Sight) -> bool:
    domain = sight.domain
    return domain is not None and domain.due_at is not None and _is_long(sight, domain)


def _is_slow(sight: Sight) -> bool:
    return sight.gateway.due_at is not None and not is_at_rest(sight) and _is_long(sight, sight.gateway)


def _stands(sight: Sight) -> bool:
    """Or its steps may just be making up for it."""
    return is_at_rest(sight) or _is_slow(sight)


def _is_long(sight: Sight, row: Living) -> bool:
    return row.checkpoint_at <= sight.at - PATIENCE[row.phase]


def _last_seen(sight: Sight) -> datetime | None:
    return max((agent.seen_at for agent in sight.agents if agent.seen_at), default=None)


RULES: tuple[Rule, ...] = (
    Rule(
        "undeleted",
        lambda sight: sight.gateway.phase == Phase.DELETED and sight.gateway.wanted != State.DELETED,
        gettext_noop("it's deleted, though it's wanted %(wanted)s"),
        gettext_noop("What was deleted can't come back: its data is gone. No step moves that pair."),
        Cure.FINISH,
    ),
    Rule(
        "left_behind",
        lambda sight: sight.gateway.phase == Phase.DELETED and is_left(sight),
        gettext_noop("it counts as deleted, and parts of it were left behind"),
        gettext_noop("What is deleted is looked at no more, so nobody would ever remove what is listed below."),
        Cure.FINISH,
    ),
    Rule(
        "domain_deleted",
        lambda sight: stays(sight) and loses_domain(sight) and _stands(sight),
        gettext_noop("its domain was deleted while the gateway stays"),
        gettext_noop(
            "The domain is %(domain_phase)s and was wanted %(domain_wanted)s, but the gateway is wanted %(wanted)s."
            " Its stages and its database are still there, and without a domain nobody can call them."
        ),
        Cure.FINISH,
        since=lambda sight: sight.domain.phase_at if sight.domain else None,
    ),
    Rule(
        "parts_missing",
        lambda sight: stays(sight) and misses_parts(sight) and _stands(sight),
        gettext_noop("parts of it are missing"),
        gettext_noop("It's %(phase)s, and no step of that phase makes what is marked below."),
        Cure.FINISH,
    ),
    Rule(
        "stopped_trying",
        lambda sight: sight.gateway.has_stopped,
        gettext_noop("a step of it can't be done: %(reason)s"),
        gettext_noop("It isn't tried again by itself. See to the reason first, then let it be tried."),
        Cure.RETRY,
    ),
    Rule(
        "domain_stopped_trying",
        lambda sight: sight.domain is not None and sight.domain.has_stopped,
        gettext_noop("its domain can't be brought about: %(domain_reason)s"),
        gettext_noop("It isn't tried again by itself. See to the reason first, then let it be tried."),
        Cure.RETRY,
        since=lambda sight: sight.domain.checkpoint_at if sight.domain else None,
    ),
    Rule(
        "lease_left",
        lambda sight: _left_lease(sight) is not None,
        gettext_noop("a worker holds it that is no more"),
        gettext_noop(
            "The lease ended and no other worker has taken the gateway since. See whether workers run; then release it."
        ),
        Cure.RELEASE,
        since=_left_lease,
    ),
    Rule(
        "unheard",
        _is_unheard,
        gettext_noop("no worker was told that it's wanted %(wanted)s"),
        gettext_noop("It's %(phase)s and at rest, though there is something to do."),
        Cure.RETRY,
    ),
    Rule(
        "overdue",
        lambda sight: _overdue(sight) is not None,
        gettext_noop("it's due, and no worker takes it"),
        gettext_noop("Workers are down, or the queue is long. It goes on by itself once one of them has time."),
        Cure.RETRY,
        since=_overdue,
    ),
    Rule(
        "other_domain",
        _is_elsewhere,
        gettext_noop("its domain is %(domain_phase)s while the gateway is %(phase)s"),
        gettext_noop("Both are at rest, so neither will follow the other by itself."),
        Cure.FINISH,
        since=lambda sight: sight.domain.phase_at if sight.domain else None,
    ),
    Rule(
        "in_maintenance",
        lambda sight: sight.gateway.cluster.is_in_maintenance and not is_at_rest(sight) and bool(_waiting(sight)),
        gettext_noop("%(cluster)s is in maintenance: %(maintenance)s"),
        gettext_noop("Nothing new is delivered there. It goes on by itself when the maintenance ends."),
        Cure.RETRY,
        since=lambda sight: sight.gateway.cluster.maintenance_at,
        waits=True,
    ),
    Rule(
        "no_agent",
        lambda sight: bool(_waiting(sight)) and not any(agent.session_id for agent in sight.agents),
        gettext_noop("no agent of %(cluster)s is connected"),
        gettext_noop("Nothing can be delivered there. It goes on by itself once an agent connects."),
        Cure.RETRY,
        since=_last_seen,
        waits=True,
    ),
    Rule(
        "refused",
        lambda sight: _refused(sight) is not None,
        gettext_noop("%(cluster)s can't do it: %(refusal)s"),
        gettext_noop("Its agent tries again by itself. What it says tells what has to change."),
        Cure.RETRY,
        waits=True,
    ),
    Rule(
        "domain_slow",
        _domain_is_slow,
        gettext_noop("its domain has been %(domain_phase)s for longer than that takes: %(domain_reason)s"),
        gettext_noop("It's tried again, with waits of up to 30 s. The timeline says what was met."),
        Cure.RETRY,
        since=lambda sight: sight.domain.checkpoint_at if sight.domain else None,
    ),
    Rule(
        "slow",
        _is_slow,
        gettext_noop("it has been %(phase)s for longer than that takes: %(reason)s"),
        gettext_noop("It's tried again, with waits of up to 30 s. The timeline says what was met."),
        Cure.RETRY,
    ),
)

NO_REASON = gettext_noop("no step has said why")
BUNDLE_LABELS = MappingProxyType(
    {"namespace": _("Namespace"), "configuration": _("Configuration"), "runtime": _("Processes"), "routes": _("Routes")}
)


def findings_of(sight: Sight) -> tuple[Finding, ...]:
    words = _words(sight)
    return tuple(
        Finding(
            rule=rule.name,
            because=Sentence(rule.because, words),
            explanation=Sentence(rule.explanation, words),
            since=rule.since(sight) or sight.gateway.checkpoint_at,
            is_stuck=not rule.waits or _is_slow(sight) or _domain_is_slow(sight),
            advised=rule.advised,
        )
        for rule in RULES
        if rule.holds(sight)
    )


def parts_of(sight: Sight) -> tuple[Part, ...]:
    """What it's made of, each with what is wanted of it."""
    gateway, domain, database = sight.gateway, sight.domain, sight.database
    stays_here = gateway.wanted != State.DELETED and gateway.phase != Phase.DELETED
    kept, none, missing = _("kept"), _("none"), _("missing")
    wanted = kept if stays_here else none
    has_domain = domain is not None and not loses_domain(sight)
    return (
        Part("gateway", _("Gateway"), gateway.wanted.label, Phase(gateway.phase).label, is_at_rest(sight)),
        Part(
            "domain",
            _("Domain"),
            State(domain.state).label if domain else wanted,
            Phase(domain.phase).label if domain else missing if stays_here else none,
            has_domain if stays_here else domain is None,
        ),
        Part("stages", _("Stages"), wanted, str(sight.stages), (sight.stages == len(StageName)) == stays_here),
        Part("database", _("Database"), wanted, _("there") if database else none, (database is not None) == stays_here),
        *(_bundle_part(sight, part, label) for part, label in BUNDLE_LABELS.items()),
    )


def _bundle_part(sight: Sight, part: str, label: Text) -> Part:
    bundle = sight.bundles.get(part)
    if bundle is None:
        return Part(part, label, _("none"), _("none"), not (part == "namespace" and stays(sight)))
    wanted = _("none") if bundle.removed_at else _("ready")
    return Part(part, label, wanted, Bundle.Phase(bundle.phase).label, bundle not in _waiting(sight))


def _words(sight: Sight) -> dict[str, Any]:
    gateway, domain, cluster = sight.gateway, sight.domain, sight.gateway.cluster
    refused = _refused(sight)
    return {
        "phase": Phase(gateway.phase).label,
        "wanted": gateway.wanted.label,
        "domain_phase": Phase(domain.phase).label if domain else _("missing"),
        "domain_wanted": State(domain.state).label if domain else _("missing"),
        "reason": _reason(gateway),
        "domain_reason": _reason(domain) if domain else "",
        "cluster": cluster,
        "maintenance": cluster.maintenance_because or _("no reason given"),
        "refusal": refused.message if refused else "",
    }


def _reason(row: Living) -> Sentence | str:
    """As operators read it, whom findings are for."""
    return row.because_of.get(RAISED) or Sentence(row.because or NO_REASON, row.because_of)
