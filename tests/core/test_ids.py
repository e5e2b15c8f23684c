import multiprocessing
import re
import time
from multiprocessing.connection import Connection

import pytest

from apps.core import ids
from apps.core.ids import new_id

AHEAD = 1_000 * 1_000_000_000


def _tell_ids(to: Connection) -> None:
    to.send([new_id("gw") for _ in range(100)])


def test_they_name_their_kind_and_sort_as_they_were_made() -> None:
    made = [new_id("gw") for _ in range(10_000)]
    assert all(re.fullmatch(r"gw_[0-9a-hjkmnp-tv-z]{26}", each) for each in made)
    assert made == sorted(set(made))


def test_a_clock_that_goes_back_makes_none_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    before = new_id("gw")
    monkeypatch.setattr(time, "time_ns", lambda: 0)
    after = [new_id("gw") for _ in range(100)]
    assert [before, *after] == sorted({before, *after})


def test_processes_forked_from_one_whose_clock_was_ahead_make_other_ids(monkeypatch: pytest.MonkeyPatch) -> None:
    ahead = time.time_ns() + AHEAD
    with monkeypatch.context() as patch:
        patch.setattr(time, "time_ns", lambda: ahead)
        new_id("gw")
    made: list[str] = []
    try:
        for _ in range(2):
            receiving, sending = multiprocessing.Pipe(duplex=False)
            child = multiprocessing.get_context("fork").Process(target=_tell_ids, args=[sending])
            child.start()
            made += receiving.recv()
            child.join()
    finally:
        # This process's own go on from now
        monkeypatch.setattr(ids, "_last", 0)
    assert len(set(made)) == 200
