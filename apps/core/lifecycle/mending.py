"""What operators may do to a row that doesn't move. Who may, and the audit log, are the caller's part."""

from typing import Any

from django.db import transaction
from django.utils.translation import gettext_noop

from apps.core.clock import now
from apps.core.lifecycle import timeline
from apps.core.lifecycle.machine import Machine, Row
from apps.core.lifecycle.timeline import Kind
from apps.core.lifecycle.waking import wake

BY_HAND = gettext_noop("The lease was released by hand.")
FROM_THE_FIRST = gettext_noop("Begun again from the first step by hand.")


@transaction.atomic
def release_lease(machine: Machine[Row], pk: str, *, actor: Any) -> None:
    """Whoever holds it is cut off: what they write from now on is refused."""
    row = _cut_off(machine, pk)
    timeline.note(machine.name, row, Kind.RELEASED, because=BY_HAND, actor=actor)
    wake(machine, pk)


@transaction.atomic
def begin_phase(machine: Machine[Row], pk: str, phase: str, *, actor: Any, because: str = FROM_THE_FIRST) -> None:
    """All steps of that phase, once more or out of turn, from the first: each finds out what of it is missing."""
    row = _put(machine, pk, phase)
    timeline.note(machine.name, row, Kind.NOTED, because=because, actor=actor)
    _tell(machine, row)


@transaction.atomic
def force_phase(machine: Machine[Row], pk: str, phase: str, *, actor: Any, reason: str) -> None:
    """Say where the row stands, whatever its steps would find; they go on from there."""
    row = _put(machine, pk, phase)
    timeline.note(machine.name, row, Kind.FORCED, because="%(reason)s", because_of={"reason": reason}, actor=actor)
    _tell(machine, row)


def _put(machine: Machine[Row], pk: str, phase: str) -> Row:
    row, moment = _cut_off(machine, pk), now()
    if row.phase != phase:
        row.phase, row.phase_at = phase, moment
    row.checkpoint, row.checkpoint_at, row.because, row.because_of = "", moment, "", {}
    row.save(update_fields=["phase", "phase_at", "checkpoint", "checkpoint_at", "because", "because_of"])
    return row


def _tell(machine: Machine[Row], row: Row) -> None:
    wake(machine, row.pk)
    machine.changed(row)
    machine.moved(row)


def _cut_off(machine: Machine[Row], pk: str) -> Row:
    row = machine.model._base_manager.select_for_update(of=("self",)).get(pk=pk)
    row.leased_until = None
    row.fence += 1
    row.save(update_fields=["leased_until", "fence"])
    return row
