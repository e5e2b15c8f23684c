"""One row, step by step: what is written of it, whatever a step does."""

import threading
import time
from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from django.db import OperationalError, connection, connections, transaction

from apps.core.clock import now
from apps.core.leases import LeaseLost, acquire
from apps.core.lifecycle import Retry, Stop, kernel, nudge, wake
from apps.core.lifecycle.holding import require_held, while_held
from apps.core.lifecycle.kernel import advance
from apps.core.lifecycle.models import LifecycleEvent
from apps.core.lifecycle.timeline import MOST_LINES_OF_A_STEP, told_to_operators
from apps.core.lifecycle.timeline import told as told_in_words
from apps.core.lifecycle.waking import due_rows
from apps.core.queue.runner import TaskInterrupted, TaskTimedOut
from tests.at_once import at_once
from tests.lifecycle.world import MACHINE, MAKING, Thing, acts, decide, effects, forget_hints, hints, lines, told, write
from tests.machine import free_port

pytestmark = pytest.mark.usefixtures("things")


def go(thing: Thing) -> Thing:
    advance(MACHINE, thing.pk)
    thing.refresh_from_db()
    return thing


def raising(error: BaseException) -> Callable[..., None]:
    def act(*arguments: object) -> None:
        raise error

    return act


class TestSteps:
    def test_it_goes_through_all_of_them_in_order_and_rests(self, thing: Thing) -> None:
        go(thing)
        assert (thing.phase, thing.due_at, thing.leased_until, thing.attempts) == ("made", None, None, 0)
        assert effects(thing) == list(MAKING)
        assert [(line.kind, line.step or line.phase) for line in lines(thing)] == [
            ("moved", "making"), ("done", "cut"), ("done", "join"), ("done", "paint"), ("moved", "made"),
        ]  # fmt: skip
        assert all(line.worker and (line.kind == "moved" or line.ms >= 0) for line in lines(thing))

    def test_at_rest_nothing_is_done(self, thing: Thing) -> None:
        go(thing)
        before = (effects(thing), len(lines(thing)), thing.fence)
        go(thing)
        nudge(MACHINE, thing.pk)
        go(thing)
        assert before == (effects(thing), len(lines(thing)), thing.fence)

    def test_who_waits_for_it_is_told_of_what_moves_it_and_of_nothing_else(self, thing: Thing) -> None:
        acts["join"] = raising(Retry("not yet"))
        go(thing)
        assert [what for how, what in told if how == "moved"] == ["making", "cut"]
        assert [what for how, what in told if how == "changed"] == ["making"] * 3

    def test_a_row_that_goes_during_a_step_is_let_go(self, thing: Thing) -> None:
        acts["join"] = lambda row: Thing.objects.filter(pk=row.pk).delete()[0] and None
        advance(MACHINE, thing.pk)
        assert not Thing.objects.exists()
        assert [line.step for line in lines(thing, kind="done")] == ["cut"]

    def test_after_its_turn_it_lets_others_have_the_worker(self, thing: Thing, monkeypatch) -> None:
        monkeypatch.setattr("apps.core.lifecycle.kernel.TURN", timedelta(seconds=-1))
        forget_hints()
        go(thing)
        assert (thing.phase, thing.checkpoint, thing.leased_until) == ("making", "", None)
        assert thing.due_at is not None
        assert hints() == 1

    @pytest.mark.parametrize(("ago", "ms"), [(timedelta(minutes=-5), 0), (timedelta(days=40), 2**31 - 1)])
    def test_its_time_is_told_also_where_clocks_differ_or_it_took_a_month(self, thing: Thing, ago, ms) -> None:
        acts["cut"] = lambda row: write(row, checkpoint_at=now() - ago)
        go(thing)
        assert thing.phase == "made"
        assert lines(thing, step="cut")[0].ms == ms


class TestClaim:
    def test_of_many_threads_one_works_on_it(self, thing: Thing) -> None:
        acts.update(dict.fromkeys(MAKING, lambda row: time.sleep(0.05)))
        ends = at_once(*[lambda: advance(MACHINE, thing.pk)] * 8)
        assert not [end for end in ends if isinstance(end, Exception)]
        thing.refresh_from_db()
        assert thing.phase == "made"
        assert effects(thing) == list(MAKING)
        assert len(lines(thing, kind="done")) == len(MAKING)

    def test_what_isnt_due_is_left_alone(self, thing: Thing) -> None:
        write(thing, due_at=now() + timedelta(seconds=30))
        assert go(thing).fence == 0

    def test_who_was_overtaken_writes_nothing(self, thing: Thing) -> None:
        """Held up for longer than its lease; another has made the step meanwhile and all others."""
        overtaken: list[int] = []

        def slowly(row: Thing) -> None:
            if not overtaken:
                overtaken.append(row.fence)
                write(row, leased_until=now() - timedelta(seconds=1))
                advance(MACHINE, row.pk)

        acts["cut"] = slowly
        go(thing)
        assert effects(thing) == ["cut", "cut", "join", "paint"]
        assert [line.step for line in lines(thing, kind="done")] == list(MAKING)
        assert (thing.phase, thing.fence, thing.leased_until) == ("made", 2, None)

    def test_what_it_writes_besides_doesnt_happen_either(self, thing: Thing) -> None:
        lease = acquire(due_rows(MACHINE), thing.pk)
        assert lease is not None
        held = Thing.objects.get(pk=thing.pk)
        with while_held(held):
            Thing.objects.create(state="unmade")
        require_held(held)
        write(thing, leased_until=now() - timedelta(seconds=1))
        assert acquire(due_rows(MACHINE), thing.pk) is not None
        with pytest.raises(LeaseLost), while_held(held):
            Thing.objects.create(state="unmade")
        assert Thing.objects.filter(state="unmade").count() == 1
        with pytest.raises(LeaseLost):
            require_held(held)

    def test_a_step_that_learns_it_lost_the_lease_says_nothing_of_it(self, thing: Thing) -> None:
        def cut_off(row: Thing) -> None:
            write(row, fence=row.fence + 1, leased_until=None)
            require_held(row)

        acts["cut"] = cut_off
        go(thing)
        assert [line.kind for line in lines(thing)] == ["moved"]
        assert thing.because == ""

    def test_a_clock_that_is_behind_lets_no_hint_pass(self, thing: Thing) -> None:
        wake(MACHINE, thing.pk)
        with time_machine.travel(now() - timedelta(minutes=2)):
            assert go(thing).phase == "made"

    def test_a_clock_that_is_ahead_wakes_for_now(self, thing: Thing) -> None:
        go(thing)
        write(thing, state="unmade")
        with time_machine.travel(now() + timedelta(minutes=2)):
            wake(MACHINE, thing.pk)
        assert go(thing).phase == "new"


class TestWaiting:
    def test_it_waits_for_a_tenth_of_the_time_waited_and_at_most_half_a_minute(self, thing: Thing) -> None:
        acts["join"] = raising(Retry("Waits for %(what)s.", what="glue"))
        start = now() + timedelta(hours=1)
        with time_machine.travel(start, tick=False) as travel:
            write(thing, due_at=start)
            waits = []
            for _ in range(90):
                go(thing)
                waited, wait = now() - thing.checkpoint_at, thing.due_at - now()
                expected = min(max(waited / 10, timedelta(seconds=0.2)), timedelta(seconds=30))
                assert abs(wait - expected) <= timedelta(microseconds=1)
                waits.append(wait.total_seconds())
                travel.move_to(thing.due_at)
        assert waits == sorted(waits)
        assert (waits[0], waits[-1]) == (0.2, 30)
        assert thing.attempts == 90

    def test_equal_tries_are_one_line(self, thing: Thing) -> None:
        acts["join"] = raising(Retry("Waits for %(what)s.", what="glue"))
        for _ in range(5):
            write(thing, due_at=now())
            go(thing)
        (line,) = lines(thing, kind="waits")
        assert (line.step, line.count, line.attempt) == ("join", 5, 5)
        assert line.last_at > line.at
        assert line.next_at == thing.due_at
        assert told_in_words(line.because, line.because_of) == "Waits for glue."

    def test_reasons_that_change_at_each_try_dont_fill_the_timeline(self, thing: Thing) -> None:
        tries: list[int] = []

        def complain(row: Thing) -> None:
            tries.append(1)
            raise Retry("Waits for %(what)s.", what=f"pot {len(tries)} of glue") if len(tries) % 2 else OSError(tries)

        acts["join"] = complain
        for _ in range(MOST_LINES_OF_A_STEP + 20):
            write(thing, due_at=now())
            go(thing)
        told_lines = lines(thing, kind__in=["waits", "failed"])
        assert len(told_lines) == MOST_LINES_OF_A_STEP
        assert sum(line.count for line in told_lines) == len(tries)
        assert told_lines[-1].because_of["error"].count("1,") == len(tries) - 1, "the newest reason isn't told"

    def test_for_as_long_as_a_step_says(self, thing: Thing) -> None:
        acts["cut"] = raising(Retry("not yet", after=timedelta(seconds=7)))
        forget_hints()
        go(thing)
        assert timedelta(seconds=6) < thing.due_at - now() <= timedelta(seconds=7)
        assert hints() == 1

    def test_a_wish_begins_with_short_waits_again(self, thing: Thing) -> None:
        acts["cut"] = raising(Retry("not yet"))
        write(thing, phase="making", checkpoint_at=now() - timedelta(hours=1))
        go(thing)
        assert thing.due_at - now() > timedelta(seconds=25)
        wake(MACHINE, thing.pk)
        go(thing)
        assert (thing.due_at - now() < timedelta(seconds=1), thing.attempts) == (True, 1)

    def test_what_a_step_gives_as_parts_is_kept_as_text(self, thing: Thing) -> None:
        acts["cut"] = raising(Retry("Waits until %(when)s: %(count)s", when=now().date(), count=3, zero="\0"))
        go(thing)
        assert thing.because_of == {"when": str(now().date()), "count": 3, "zero": "\\0"}


class TestNoMore:
    def test_it_stops_until_somebody_asks(self, thing: Thing) -> None:
        acts["join"] = raising(Stop("There is no %(what)s.", what="glue"))
        go(thing)
        assert (thing.has_stopped, thing.due_at, thing.because_of) == (True, None, {"what": "glue"})
        nudge(MACHINE, thing.pk)
        assert go(thing).has_stopped
        assert effects(thing).count("join") == 1
        del acts["join"]
        wake(MACHINE, thing.pk)
        go(thing)
        assert (thing.phase, thing.has_stopped, thing.because) == ("made", False, "")

    def test_an_error_is_told_and_it_is_tried_again(self, thing: Thing) -> None:
        acts["join"] = raising(ValueError("no \0 glue, password=hunter22"))
        go(thing)
        assert (thing.phase, thing.checkpoint, thing.leased_until) == ("making", "cut", None)
        (line,) = lines(thing, kind="failed")
        assert told_to_operators(line.because, line.because_of).startswith("ValueError: no \\0 glue")
        assert "hunter22" not in str(line.because_of)
        del acts["join"]
        write(thing, due_at=now())
        assert go(thing).phase == "made"

    def test_a_row_that_cant_be_decided_about_says_so(self, thing: Thing) -> None:
        write(thing, state="admired")
        go(thing)
        assert thing.because_of["error"] == "ValueError: nobody knows how to be admired"
        assert (thing.leased_until, thing.due_at is None) == (None, False)

    def test_what_goes_wrong_while_it_is_written_is_told_too(self, thing: Thing, monkeypatch) -> None:
        monkeypatch.setattr("tests.lifecycle.world.told", None)
        broken = MACHINE.moved
        monkeypatch.setitem(MACHINE.__dict__, "moved", lambda row: [][0])
        monkeypatch.setitem(MACHINE.__dict__, "changed", lambda row: None)
        go(thing)
        assert thing.because_of["error"] == "IndexError: list index out of range"
        assert thing.leased_until is None
        assert broken is not MACHINE.moved


class TestMeanwhile:
    """What happens between taking the lease and giving it back."""

    @pytest.mark.parametrize(
        "end",
        [Retry("not yet", after=timedelta(minutes=1)), Stop("never"), ValueError("broken")],
        ids=["waits", "stops", "fails"],
    )
    @pytest.mark.parametrize("tell", [wake, nudge])
    def test_news_that_come_during_a_step_arent_lost(self, thing: Thing, tell, end) -> None:
        def act(row: Thing) -> None:
            if effects(row).count("join") == 1:
                tell(MACHINE, row.pk)
                assert hints() == 0, "a hint that finds it leased would be lost anyhow"
                raise end

        acts["join"] = act
        forget_hints()
        go(thing)
        assert hints() == 1
        assert go(thing).phase == "made"

    def test_another_wish_during_a_step_is_followed_at_once(self, thing: Thing) -> None:
        def act(row: Thing) -> None:
            write(row, state="unmade")
            wake(MACHINE, row.pk)

        acts["join"] = act
        go(thing)
        assert effects(thing) == ["cut", "join", "strip", "split"]
        assert (thing.phase, thing.due_at) == ("new", None)

    def test_another_wish_just_before_it_rests_is_found(self, thing: Thing, monkeypatch) -> None:
        """Written between the decision to rest and the rest."""
        asked: list[str] = []

        def decide_late(row: Thing):
            found = decide(row)
            if found is None and not asked:
                asked.append(row.state)
                Thing.objects.filter(pk=row.pk).update(state="unmade")
            return found

        monkeypatch.setitem(MACHINE.__dict__, "decide", decide_late)
        go(thing)
        assert (thing.phase, thing.leased_until) == ("made", None)
        assert thing.due_at is not None
        assert go(thing).phase == "new"

    def test_a_new_row_is_told_of_at_once(self, thing: Thing) -> None:
        forget_hints()
        wake(MACHINE, thing.pk)
        wake(MACHINE, thing.pk)
        assert hints() == 1

    def test_many_news_are_one_hint(self, thing: Thing) -> None:
        acts["cut"] = raising(Retry("not yet", after=timedelta(minutes=1)))
        go(thing)
        forget_hints()
        for _ in range(20):
            nudge(MACHINE, thing.pk)
        assert hints() == 1
        thing.refresh_from_db()
        assert thing.wakes == 20

    def test_a_hint_exists_with_its_transaction(self, thing: Thing) -> None:
        go(thing)
        forget_hints()
        with transaction.atomic():
            wake(MACHINE, thing.pk)
            transaction.set_rollback(True)
        assert hints() == 0

    def test_a_step_that_takes_too_long_says_so_and_is_tried_again(self, thing: Thing) -> None:
        acts["join"] = raising(TaskTimedOut("It ran for longer than 10 s."))
        go(thing)
        (line,) = lines(thing, kind="failed")
        assert told_in_words(line.because, line.because_of).startswith("It took longer than 10 s and was ended.")
        assert (thing.leased_until, thing.due_at is None) == (None, False)

    def test_a_worker_that_ends_leaves_the_row_to_others_at_once(self, thing: Thing) -> None:
        acts["join"] = raising(TaskInterrupted("The worker is ending."))
        with pytest.raises(TaskInterrupted):
            advance(MACHINE, thing.pk)
        del acts["join"]
        assert go(thing).phase == "made"

    def test_so_does_one_that_is_ended_between_two_steps(self, thing: Thing, monkeypatch) -> None:
        def decide_never(row: Thing):
            if row.checkpoint == "cut":
                raise TaskTimedOut("It ran for longer than 10 s.")
            return decide(row)

        with monkeypatch.context() as patched:
            patched.setitem(MACHINE.__dict__, "decide", decide_never)
            go(thing)
        assert (thing.checkpoint, thing.leased_until) == ("cut", None)
        write(thing, due_at=now())
        assert go(thing).phase == "made"

    def test_a_connection_that_breaks_during_a_step_costs_a_try_and_no_lease(self, thing: Thing) -> None:
        def cut_off(row: Thing) -> None:
            if effects(row).count("join") == 1:
                with connection.cursor() as cursor:
                    cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")

        acts["join"] = cut_off
        go(thing)
        assert (thing.checkpoint, thing.leased_until) == ("cut", None)
        assert lines(thing, kind="failed")
        write(thing, due_at=now())
        assert go(thing).phase == "made"

    def test_a_database_that_is_started_again_costs_no_step(self, thing: Thing, monkeypatch) -> None:
        """Away between what a step did and the mark of it."""
        monkeypatch.setattr(kernel, "TURN", timedelta(hours=1))
        where = {name: connection.settings_dict[name] for name in ("HOST", "PORT")}

        def take_away(row: Thing) -> None:
            connection.close()
            connection.settings_dict.update(HOST="127.0.0.1", PORT=free_port())
            threading.Timer(1, connection.settings_dict.update, kwargs=where).start()

        acts["join"] = take_away
        try:
            go(thing)
        finally:
            connection.settings_dict.update(where)
        assert thing.phase == "made"
        assert effects(thing) == list(MAKING)

    def test_where_nothing_can_be_read_the_row_is_left_to_others(self, thing: Thing, monkeypatch) -> None:
        forget_hints()
        with monkeypatch.context() as patched:
            patched.setattr(kernel, "_make_move", raising(OperationalError("the server closed the connection")))
            with pytest.raises(OperationalError):
                advance(MACHINE, thing.pk)
        assert hints() == 1
        assert go(thing).phase == "made"

    def test_who_locks_the_same_rows_the_other_way_round_costs_no_line(self, thing: Thing) -> None:
        other = Thing.objects.create()
        both = threading.Barrier(2)

        def lock(first: Thing, second: Thing, *, after: float = 0) -> None:
            with transaction.atomic():
                list(Thing.objects.select_for_update().filter(pk=first.pk))
                both.wait(10)
                time.sleep(after)
                list(Thing.objects.select_for_update().filter(pk=second.pk))

        def act(row: Thing) -> None:
            if effects(row).count("join") == 1:
                lock(row, other)

        def against() -> None:
            try:
                # Of two that wait for each other, the one that has waited longer is ended
                lock(other, thing, after=0.5)
            finally:
                connections.close_all()

        acts["join"] = act
        thread = threading.Thread(target=against)
        thread.start()
        go(thing)
        thread.join(30)
        assert (thing.checkpoint, thing.leased_until) == ("cut", None)
        assert not LifecycleEvent.objects.filter(kind="failed").exists()
        assert go(thing).phase == "made"
