"""How long something takes, in words."""

from datetime import timedelta

import pytest
from django.utils import translation

from apps.core.durations import exactly, roughly


@pytest.mark.parametrize(
    ("length", "rough", "exact"),
    [
        (timedelta(seconds=-1), "", "0.0 s"),
        (timedelta(seconds=3.12), "", "3.1 s"),
        (timedelta(seconds=59.9), "59 s", "60 s"),
        (timedelta(seconds=125), "2 min", "2 min 5 s"),
        (timedelta(hours=3, minutes=7), "3 h", "3 h 7 min"),
        (timedelta(days=1, hours=1), "1 day", "25 h 0 min"),
        (timedelta(days=2, hours=3), "2 days", "2 days 3 h"),
    ],
)
def test_the_largest_unit_or_two(length: timedelta, rough: str, exact: str) -> None:
    assert (roughly(length), exactly(length)) == (rough, exact)


def test_they_are_said_in_the_readers_language() -> None:
    with translation.override("ko"):
        assert roughly(timedelta(minutes=2)) == "2분"
        assert exactly(timedelta(minutes=2, seconds=5)) == "2분 5초"
        assert exactly(timedelta(seconds=3.12)) == "3.1초"
