"""How far a gateway is, for people: the steps of what it's doing now, and the lines of its timeline."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from apps.core.clock import now
from apps.core.errors import Text
from apps.core.lifecycle.models import LifecycleEvent, Living
from apps.core.lifecycle.timeline import Kind, parts_of, told, told_to_operators
from apps.fleet.models import Reach
from apps.gateways.lifecycle.steps import STEPS, next_step
from apps.gateways.lifecycle.table import Do, Phase, follows
from apps.gateways.models import FunctionGateway, RuntimeDomain

# A name means the same in each phase
LABELS: Mapping[str, Text] = MappingProxyType({step.name: step.label for steps in STEPS.values() for step in steps})
# Of these a gateway waits for its domain, which knows better why
DOMAIN_STEPS = frozenset({"routes", "domain"})
# More than any phase has lines that end a step or a phase
LINES_LOOKED_AT = 60
# What a phase usually takes, in seconds, by how the cluster is reached
USUAL: Mapping[str, Mapping[Phase, float]] = MappingProxyType(
    {
        Reach.LOCAL: {Phase.CREATING: 1, Phase.STARTING: 2, Phase.STOPPING: 1, Phase.DELETING: 2},
        Reach.AGENT: {Phase.CREATING: 8, Phase.STARTING: 22, Phase.STOPPING: 15, Phase.DELETING: 30},
    }
)


class Standing(StrEnum):
    DONE = "done"
    DOING = "doing"
    WAITING = "waiting"


@dataclass(frozen=True)
class StepProgress:
    """`seconds`: what it took, or has taken so far. The rest is of the step that is being done."""

    name: str
    label: Text
    phase: Phase
    standing: Standing
    seconds: float | None = None
    attempts: int = 0
    because: str = ""
    next_at: datetime | None = None


@dataclass(frozen=True)
class Progress:
    """Of what a gateway is doing. `because` and `next_at` are those of the step that is being done."""

    phase: Phase
    began_at: datetime
    usual_seconds: float
    steps: tuple[StepProgress, ...]
    # It has given up, and tries again once somebody asks for it
    has_stopped: bool
    because: str
    next_at: datetime | None

    @property
    def done(self) -> int:
        return sum(step.standing is Standing.DONE for step in self.steps)

    @property
    def doing(self) -> StepProgress | None:
        return next((step for step in self.steps if step.standing is Standing.DOING), None)

    @property
    def seconds(self) -> float:
        return max(0.0, (now() - self.began_at).total_seconds())


@dataclass(frozen=True)
class Line:
    """Of a timeline, told in the reader's language."""

    id: str
    # `gateway` or `domain`
    of: str
    kind: str
    phase: str
    step: str
    text: str
    seconds: float | None
    attempt: int
    # How often the same was met, from `at` to `last_at`
    count: int
    actor: str
    worker: str
    next_at: datetime | None
    at: datetime
    last_at: datetime


def progress_of(gateway: FunctionGateway) -> Progress | None:
    """The steps of what it's doing now, creating and first start as one; None where it's at rest."""
    found = follows(gateway.wanted, gateway.phase, is_changed=gateway.is_changed)
    if found is Do.REST:
        return None
    if isinstance(found, Phase):
        return _about_to(gateway, found)
    phase = Phase(gateway.phase)
    lines = _milestones(gateway)
    phases, began_at = _chain(gateway, phase, lines)
    took = {(line.phase, line.step): line.ms for line in lines if line.kind == Kind.DONE and line.at >= began_at}
    doing = next_step(phase, gateway.checkpoint)
    steps: list[StepProgress] = []
    for each in phases:
        standing = Standing.DONE if phases.index(each) < phases.index(phase) else Standing.WAITING
        waiting = [StepProgress(step.name, step.label, each, standing) for step in STEPS[each]]
        steps += _stand(waiting, doing.name if doing else "") if each == phase else waiting
    shown = tuple(_timed(gateway, step, took.get((step.phase, step.name))) for step in steps)
    current = next((step for step in shown if step.standing is Standing.DOING), None)
    return Progress(
        phases[0],
        began_at,
        _usual(gateway, phases),
        shown,
        gateway.has_stopped,
        current.because if current else "",
        current.next_at if current else None,
    )


def timeline_of(gateway: FunctionGateway) -> "QuerySet[LifecycleEvent]":
    """Of the gateway and of its domain, the newest first."""
    subjects = [gateway.pk, *RuntimeDomain.objects.filter(gateway=gateway).values_list("pk", flat=True)]
    return LifecycleEvent.objects.filter(tenant_id=gateway.tenant_id, subject_id__in=subjects).order_by("-id")


def tell(line: LifecycleEvent, *, to_operators: bool = False) -> Line:
    """What was raised, and on which machine, is told to operators alone."""
    seconds = None if line.ms is None else line.ms / 1000
    return Line(
        id=line.pk,
        of=line.machine,
        kind=line.kind,
        phase=line.phase,
        step=line.step,
        text=_text(line, seconds, told_to_operators if to_operators else told),
        seconds=seconds,
        attempt=line.attempt,
        count=line.count,
        actor=line.actor_label,
        worker=line.worker if to_operators or not line.worker else _("a worker"),
        next_at=line.next_at,
        at=line.at,
        last_at=line.last_at,
    )


def why(gateway: FunctionGateway, domain: RuntimeDomain | None = None) -> str:
    """Why it doesn't come further, in the reader's language. Where it waits for its domain, that one's reason."""
    return _reason(gateway, domain)[0]


def label_of(phase: str, step: str) -> Text:
    """The name of a step for people, of a gateway's or its domain's; that of a phase where it has none."""
    if step:
        return LABELS.get(step, step)
    return Phase(phase).label if phase in Phase.values else phase


def _about_to(gateway: FunctionGateway, phase: Phase) -> Progress:
    """Nobody has looked at it yet since somebody wanted something else."""
    steps = tuple(StepProgress(step.name, step.label, phase, Standing.WAITING) for step in STEPS.get(phase, ()))
    return Progress(phase, gateway.phase_at, _usual(gateway, [phase]), steps, gateway.has_stopped, why(gateway), None)


def _chain(gateway: FunctionGateway, phase: Phase, lines: Iterable[LifecycleEvent]) -> tuple[list[Phase], datetime]:
    """The phases that people know as one, and when the first of them began."""
    if phase == Phase.CREATING:
        return [Phase.CREATING, Phase.STARTING], gateway.created_at
    entered = [line.phase for line in lines if line.kind == Kind.MOVED]
    if phase == Phase.STARTING and entered[:2] == [Phase.STARTING, Phase.CREATED]:
        return [Phase.CREATING, Phase.STARTING], gateway.created_at
    return [phase], gateway.phase_at


def _milestones(gateway: FunctionGateway) -> list[LifecycleEvent]:
    """What was done and which phases were entered, the newest first."""
    lines = LifecycleEvent.objects.filter(subject_id=gateway.pk, kind__in=[Kind.DONE, Kind.MOVED])
    return list(lines.order_by("-id")[:LINES_LOOKED_AT])


def _stand(steps: list[StepProgress], doing: str) -> list[StepProgress]:
    """Before the one that is being done they're done, after it they wait; without one, all are done."""
    at = next((place for place, step in enumerate(steps) if step.name == doing), len(steps))
    return [
        replace(step, standing=Standing.DONE if place < at else Standing.DOING if place == at else Standing.WAITING)
        for place, step in enumerate(steps)
    ]


def _timed(gateway: FunctionGateway, step: StepProgress, ms: int | None) -> StepProgress:
    if step.standing is Standing.DONE:
        return replace(step, seconds=None if ms is None else ms / 1000)
    if step.standing is Standing.WAITING:
        return step
    because, next_at = _reason(gateway, step=step.name)
    seconds = max(0.0, (now() - gateway.checkpoint_at).total_seconds())
    return replace(step, seconds=seconds, attempts=gateway.attempts, because=because, next_at=next_at)


def _reason(
    gateway: FunctionGateway, domain: RuntimeDomain | None = None, *, step: str = ""
) -> tuple[str, datetime | None]:
    if gateway.because and (not step or step in DOMAIN_STEPS):
        domain = domain or RuntimeDomain.objects.filter(gateway=gateway).first()
        if domain is not None and domain.because and (step or _waits_for_domain(gateway)):
            return told(domain.because, domain.because_of), _next(domain)
    return told(gateway.because, gateway.because_of), _next(gateway)


def _waits_for_domain(gateway: FunctionGateway) -> bool:
    step = next_step(gateway.phase, gateway.checkpoint) if gateway.phase in STEPS else None
    return step is not None and step.name in DOMAIN_STEPS


def _next(row: Living) -> datetime | None:
    return row.due_at if row.due_at and row.because and row.due_at > now() else None


def _usual(gateway: FunctionGateway, phases: list[Phase]) -> float:
    of_cluster = USUAL[gateway.cluster.reach]
    return sum(of_cluster.get(phase, 0) for phase in phases)


def _text(line: LifecycleEvent, seconds: float | None, tell_reason: Callable[[str, Mapping[str, Any]], str]) -> str:
    if line.kind == Kind.MOVED:
        return _("Phase %(phase)s") % {"phase": label_of(line.phase, "")}
    if line.kind == Kind.DONE:
        step = label_of(line.phase, line.step)
        if seconds is None:
            return _("%(step)s: done") % {"step": step}
        return _("%(step)s: done in %(seconds).1f s") % {"step": step, "seconds": seconds}
    return tell_reason(line.because, parts_of(line))
