"""What operators may do to a row that doesn't move."""

from datetime import timedelta

import pytest

from apps.accounts.models import User
from apps.core.clock import now
from apps.core.leases import LeaseLost
from apps.core.lifecycle import Stop, mending
from apps.core.lifecycle.holding import require_held
from apps.core.lifecycle.kernel import advance
from tests.lifecycle.world import MACHINE, MAKING, Thing, acts, effects, hints, lines, told, write

pytestmark = pytest.mark.usefixtures("things")


def test_whoever_holds_a_released_lease_is_cut_off(thing: Thing, operator: User) -> None:
    def act(row: Thing) -> None:
        if effects(row).count("join") == 1:
            mending.release_lease(MACHINE, row.pk, actor=operator)
            advance(MACHINE, row.pk)
            with pytest.raises(LeaseLost):
                require_held(row)

    acts["join"] = act
    advance(MACHINE, thing.pk)
    thing.refresh_from_db()
    assert (thing.phase, thing.leased_until) == ("made", None)
    assert [line.step for line in lines(thing, kind="done")] == list(MAKING)
    (line,) = lines(thing, kind="released")
    assert line.actor_label == str(operator)
    assert line.phase == "making"


def test_a_phase_begins_again_and_each_step_looks_again(thing: Thing, operator: User) -> None:
    advance(MACHINE, thing.pk)
    mending.begin_phase(MACHINE, thing.pk, "making", actor=operator)
    assert hints() >= 1
    advance(MACHINE, thing.pk)
    thing.refresh_from_db()
    assert (thing.phase, thing.due_at) == ("made", None)
    assert effects(thing) == [*MAKING, *MAKING]
    assert lines(thing, kind="noted")


def test_a_forced_phase_counts_whatever_is_true(thing: Thing, operator: User) -> None:
    acts["join"] = lambda row: (_ for _ in ()).throw(Stop("There is no glue."))
    advance(MACHINE, thing.pk)
    began_at = Thing.objects.get(pk=thing.pk).phase_at
    told.clear()
    mending.force_phase(MACHINE, thing.pk, "made", actor=operator, reason="It was glued by hand.")
    advance(MACHINE, thing.pk)
    thing.refresh_from_db()
    assert (thing.phase, thing.checkpoint, thing.because, thing.has_stopped) == ("made", "", "", False)
    assert (thing.due_at, thing.leased_until) == (None, None)
    assert thing.phase_at > began_at
    assert ("moved", "made") in told
    (line,) = lines(thing, kind="forced")
    assert line.because_of == {"reason": "It was glued by hand."}


def test_forcing_cuts_off_whoever_is_at_it(thing: Thing, operator: User) -> None:
    def act(row: Thing) -> None:
        mending.force_phase(MACHINE, row.pk, "made", actor=operator, reason="It was glued by hand.")

    acts["cut"] = act
    advance(MACHINE, thing.pk)
    thing.refresh_from_db()
    assert (thing.phase, thing.checkpoint) == ("made", "")
    assert not lines(thing, kind="done")


def test_waits_begin_with_short_ones_again(thing: Thing, operator: User) -> None:
    write(thing, phase="making", checkpoint_at=now() - timedelta(hours=1), due_at=now() + timedelta(seconds=30))
    mending.begin_phase(MACHINE, thing.pk, "making", actor=operator)
    thing.refresh_from_db()
    assert thing.due_at <= now()
    assert now() - thing.checkpoint_at < timedelta(minutes=1)
