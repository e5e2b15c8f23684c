"""What is remembered of a life cycle, for people: every wish, step, attempt, error and next try."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.utils.translation import gettext

from apps.core import context
from apps.core.clock import now
from apps.core.lifecycle.failures import RAISED
from apps.core.lifecycle.models import LifecycleEvent, Living

Kind = LifecycleEvent.Kind
# Of lines that follow each other with the same reason, one is kept, with how often and until when
FOLDED = (Kind.WAITS, Kind.FAILED)
# Reasons that change at each try fill no more lines than this while a row is at one step
MOST_LINES_OF_A_STEP = 20
LONGEST_REASON = 2_000
# Parts of a reason that are words themselves
WORDS = frozenset({"phase", "state"})


def note(
    machine_name: str,
    row: Living,
    kind: str,
    *,
    step: str = "",
    because: str = "",
    because_of: Mapping[str, Any] | None = None,
    ms: int | None = None,
    attempt: int = 0,
    actor: Any = None,
    worker: str = "",
    next_at: datetime | None = None,
) -> LifecycleEvent:
    """One more line, in the caller's transaction; the last one's place is taken where that says the same."""
    line = LifecycleEvent(
        tenant_id=getattr(row, "tenant_id", ""),
        machine=machine_name,
        subject_id=row.pk,
        kind=kind,
        phase=row.phase,
        step=step,
        because=because[:LONGEST_REASON],
        because_of=dict(because_of or {}),
        ms=ms,
        attempt=attempt,
        actor_id=str(getattr(actor, "pk", "") or ""),
        actor_label=str(actor or "")[:200],
        worker=worker,
        request_id=context.current().request_id,
        next_at=next_at,
    )
    if kind not in FOLDED or not _fold_into_last(line, since=row.checkpoint_at):
        line.save(force_insert=True)
    return line


def _fold_into_last(line: LifecycleEvent, *, since: datetime) -> bool:
    lines = LifecycleEvent.objects.filter(subject_id=line.subject_id)
    last = lines.order_by("-id").first()
    if last is None or last.kind not in FOLDED or (last.phase, last.step) != (line.phase, line.step):
        return False
    if not _says_the_same(last, line):
        of_step = lines.filter(kind__in=FOLDED, phase=line.phase, step=line.step, at__gte=since)
        if of_step.count() < MOST_LINES_OF_A_STEP:
            return False
    line.pk, line.at, line.count, line.last_at = last.pk, last.at, last.count + 1, now()
    line.save(force_update=True)
    return True


def _says_the_same(one: LifecycleEvent, other: LifecycleEvent) -> bool:
    return all(getattr(one, name) == getattr(other, name) for name in ("kind", "because", "because_of"))


def told(because: str, parts: Mapping[str, Any]) -> str:
    """A reason in the reader's language."""
    if not because:
        return ""
    text, words = gettext(because), {name: str(parts[name]) for name in WORDS.intersection(parts)}
    return text % {**parts, **{name: gettext(word) for name, word in words.items()}} if parts else text


def told_to_operators(because: str, parts: Mapping[str, Any]) -> str:
    """What was raised, where something was."""
    return str(parts.get(RAISED, "")) or told(because, parts)


def parts_of(line: LifecycleEvent) -> Mapping[str, Any]:
    """Of its reason. By the id of a line that tells of a failure, operators find it."""
    return {**line.because_of, "reference": line.pk} if line.kind == Kind.FAILED else line.because_of
