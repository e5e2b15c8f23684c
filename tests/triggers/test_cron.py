"""When an expression is due: what may be written, and what it means where clocks change."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.triggers.cron import MOST_COUNTED, BadExpression, Schedule, parse
from apps.triggers.words import in_words
from apps.triggers.zones import is_zone, zone_names


def upcoming(expression: str, zone: str, after: str, count: int) -> list[str]:
    """Local times, with their offset."""
    found = Schedule.of(expression, zone).upcoming(datetime.fromisoformat(after).astimezone(UTC), count)
    return [each.astimezone(ZoneInfo(zone)).isoformat(timespec="minutes") for each in found]


@pytest.mark.parametrize(
    ("expression", "after", "wanted"),
    [
        ("0 9 * * mon-fri", "2026-03-06T10:00Z", ["2026-03-09T09:00", "2026-03-10T09:00"]),
        ("0 9 * * MON,Wed", "2026-03-09T10:00Z", ["2026-03-11T09:00", "2026-03-16T09:00"]),
        ("0 0 L * *", "2028-02-01T00:00Z", ["2028-02-29T00:00", "2028-03-31T00:00"]),
        ("0 9 * * fri#2", "2026-03-01T00:00Z", ["2026-03-13T09:00", "2026-04-10T09:00"]),
        ("0 9 * * L5", "2026-03-01T00:00Z", ["2026-03-27T09:00", "2026-04-24T09:00"]),
        ("0 0 ? * 0", "2026-03-01T00:00Z", ["2026-03-08T00:00", "2026-03-15T00:00"]),
        ("0 0 ? * 7", "2026-03-01T00:00Z", ["2026-03-08T00:00", "2026-03-15T00:00"]),
        ("0 0 13 * 5", "2026-03-01T00:00Z", ["2026-03-06T00:00", "2026-03-13T00:00"]),
        ("0 0 29 2 *", "2026-03-01T00:00Z", ["2028-02-29T00:00", "2032-02-29T00:00"]),
        ("0 22-1 * * *", "2026-03-01T22:30Z", ["2026-03-01T23:00", "2026-03-02T00:00"]),
        ("0 0 1 jan,jul *", "2026-03-01T00:00Z", ["2026-07-01T00:00", "2027-01-01T00:00"]),
        ("@monthly", "2026-03-01T00:00Z", ["2026-04-01T00:00", "2026-05-01T00:00"]),
        ("  0   9 * *\t* ", "2026-03-01T00:00Z", ["2026-03-01T09:00", "2026-03-02T09:00"]),
    ],
)
def test_what_may_be_written(expression: str, after: str, wanted: list[str]) -> None:
    assert [each.removesuffix("+00:00") for each in upcoming(expression, "UTC", after, 2)] == wanted


def test_six_fields_begin_with_seconds() -> None:
    found = Schedule.of("*/20 30 9 * * *", "UTC").upcoming(datetime(2026, 3, 1, 9, 30, 10, tzinfo=UTC), 3)
    assert [each.time().isoformat() for each in found] == ["09:30:20", "09:30:40", "09:30:00"]


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("", "Write when"),
        ("* * *", "3 fields"),
        ("0 0 0 1 1 * 2027", "7 fields"),
        ("61 * * * *", "minutes"),
        ("* 24 * * *", "hours"),
        ("0 0 0 * *", "days of the month"),
        ("0 0 * 13 *", "months"),
        ("0 0 * * 8", "days of the week"),
        ("60 * * * * *", "seconds"),
        ("*/0 * * * *", "minutes"),
        ("*/90 * * * *", "minutes"),
        ("0/61 * * * *", "minutes"),
        ("0 9-17/25 * * *", "hours"),
        ("0 0 * */99999999999999999999 *", "months"),
        ("? * * * *", "minutes"),
        ("H * * * *", "minutes"),
        ("R * * * *", "minutes"),
        ("0 0 15W * *", "days of the month"),
        ("0 0 L-3 * *", "days of the month"),
        ("0 0 * * fri#6", "days of the week"),
        ("0 0 * foo *", "months"),
        ("0 0 30 2 *", "never due"),
        ("0 0 31 4,6 *", "never due"),
        ("@reboot", "@hourly"),
        ("1" * 121, "120 characters"),
    ],
)
def test_what_can_not_be_read_is_said(expression: str, said: str) -> None:
    with pytest.raises(BadExpression) as refusal:
        parse(expression)
    assert said in str(refusal.value)


# A missing hour: once, at the jump. A repeated one: the first time. The clocks of these places have changed so
CHANGES = [
    # Forward by an hour at 02:00
    ("30 2 * * *", "Europe/Berlin", "2026-03-28T12:00Z", ["2026-03-29T03:00+02:00", "2026-03-30T02:30+02:00"]),
    ("*/20 2 * * *", "Europe/Berlin", "2026-03-28T12:00Z", ["2026-03-29T03:00+02:00", "2026-03-30T02:00+02:00"]),
    # What is due at the end of the gap anyway isn't due twice
    ("0,30 2-3 * * *", "Europe/Berlin", "2026-03-28T12:00Z", ["2026-03-29T03:00+02:00", "2026-03-29T03:30+02:00"]),
    ("30 2 * * *", "America/New_York", "2026-03-07T12:00Z", ["2026-03-08T03:00-04:00", "2026-03-09T02:30-04:00"]),
    ("0 2 * * sun", "America/New_York", "2026-03-07T12:00Z", ["2026-03-08T03:00-04:00", "2026-03-15T02:00-04:00"]),
    # Back by an hour at 03:00 and 02:00
    ("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00Z", ["2026-10-25T02:30+02:00", "2026-10-26T02:30+01:00"]),
    ("30 1 * * *", "America/New_York", "2026-10-31T12:00Z", ["2026-11-01T01:30-04:00", "2026-11-02T01:30-05:00"]),
    ("0 3 * * *", "Europe/Berlin", "2026-10-24T12:00Z", ["2026-10-25T03:00+01:00", "2026-10-26T03:00+01:00"]),
    # By half an hour, in the other half of the world
    ("15 2 * * *", "Australia/Lord_Howe", "2026-10-03T12:00Z", ["2026-10-04T02:30+11:00", "2026-10-05T02:15+11:00"]),
    ("45 1 * * *", "Australia/Lord_Howe", "2026-04-04T12:00Z", ["2026-04-05T01:45+11:00", "2026-04-06T01:45+10:30"]),
    # At midnight
    ("0 0 * * *", "Africa/Cairo", "2026-04-23T12:00Z", ["2026-04-24T01:00+03:00", "2026-04-25T00:00+03:00"]),
    ("30 23 * * *", "Africa/Cairo", "2026-10-29T12:00Z", ["2026-10-29T23:30+03:00", "2026-10-30T23:30+02:00"]),
    # A day that wasn't
    ("0 9 * * *", "Pacific/Apia", "2011-12-29T20:00Z", ["2011-12-31T00:00+14:00", "2011-12-31T09:00+14:00"]),
    # A place whose clock doesn't change
    ("30 2 * * *", "Asia/Seoul", "2026-03-28T12:00Z", ["2026-03-29T02:30+09:00", "2026-03-30T02:30+09:00"]),
]


@pytest.mark.parametrize(("expression", "zone", "after", "wanted"), CHANGES)
def test_a_time_of_day_is_due_once_a_day_whatever_the_clock_does(
    expression: str, zone: str, after: str, wanted: list[str]
) -> None:
    assert upcoming(expression, zone, after, 2) == wanted


def test_what_is_due_in_every_hour_goes_by_the_time_that_passes() -> None:
    assert upcoming("0 * * * *", "Europe/Berlin", "2026-10-24T23:30Z", 3) == [
        "2026-10-25T02:00+02:00",
        "2026-10-25T02:00+01:00",
        "2026-10-25T03:00+01:00",
    ]
    assert upcoming("*/30 * * * *", "Europe/Berlin", "2026-03-29T00:15Z", 3) == [
        "2026-03-29T01:30+01:00",
        "2026-03-29T03:00+02:00",
        "2026-03-29T03:30+02:00",
    ]


def test_a_time_of_day_isnt_due_again_for_whoever_looks_in_the_repeated_hour() -> None:
    """Between the two half past twos of that night."""
    assert upcoming("45 2 * * *", "Europe/Berlin", "2026-10-25T01:30Z", 1) == ["2026-10-26T02:45+01:00"]


ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Africa/Casablanca"]
INSTANTS = st.datetimes(datetime(2024, 1, 1), datetime(2028, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


@given(st.sampled_from(ZONES), INSTANTS, st.sampled_from(["0 * * * *", "*/7 * * * *", "30 12 */5 * * *", "5 * 1 * *"]))
@settings(max_examples=60, deadline=None)
def test_every_minute_that_the_clock_shows_is_looked_at(zone: str, begin: datetime, expression: str) -> None:
    """Against going through all seconds, of what is due in every hour or shown once."""
    schedule = Schedule.of(expression, zone)
    begin = begin.replace(microsecond=0)
    wanted = schedule.next_after(begin)
    assert wanted is not None
    assert wanted > begin
    # None before it is due, and it is
    for step in range(1, 200):
        earlier = wanted - timedelta(seconds=step * 7)
        if earlier <= begin:
            break
        assert schedule.next_after(earlier) == wanted
    shown = wanted.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    after = schedule.expression.after(shown - timedelta(seconds=1))
    assert after == shown or not schedule.expression.is_of_every_hour


@given(st.sampled_from(ZONES), INSTANTS)
@settings(max_examples=60, deadline=None)
def test_a_daily_time_comes_once_for_each_day(zone: str, begin: datetime) -> None:
    found = Schedule.of("30 2 * * *", zone).upcoming(begin, 400)
    days = [each.astimezone(ZoneInfo(zone)).date() for each in found]
    assert all(later - earlier == timedelta(days=1) for earlier, later in pairwise(days))


def test_what_was_missed_is_counted_up_to_a_limit_and_its_last_time_known() -> None:
    first = datetime(2026, 1, 1, tzinfo=UTC)
    daily = Schedule.of("0 0 * * *", "UTC")
    assert daily.due_between(first, datetime(2026, 1, 3, 12, tzinfo=UTC)) == (3, datetime(2026, 1, 3, tzinfo=UTC))
    assert daily.due_between(first, first) == (1, first)
    seconds = Schedule.of("*/10 * * * * *", "UTC")
    until = datetime(2026, 2, 1, 0, 0, 7, tzinfo=UTC)
    assert seconds.due_between(first, until) == (MOST_COUNTED, datetime(2026, 2, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("0 9 * * mon-fri", "At 09:00, on Monday to Friday."),
        ("0 0 L * *", "At 00:00, on the last day of the month."),
        ("0 9 * * fri#2", "At 09:00, on the second Friday of the month."),
        ("0 9 * * L5", "At 09:00, on the last Friday of the month."),
        ("0 9 1 * 1", "At 09:00, on day 1 of the month or on Monday."),
        ("0 9 1,L * *", "At 09:00, on day 1 of the month and the last day of the month."),
        ("30 0 9 * * *", "At 09:00:30, every day."),
        ("0 */4 * * *", "At 00:00, 04:00, 08:00, 12:00, 16:00 and 20:00, every day."),
        ("*/10 9-17 * * 1-5", "Every 10 minutes, in the hours 09 to 17, on Monday to Friday."),
        ("0,30 * 9 * * *", "Every 30 seconds, in hour 09, every day."),
        ("* * * * *", "Every minute."),
        ("* * * * * *", "Every second."),
        ("5/15 * * * *", "At minute 5, 20, 35 and 50 of the hour."),
        ("0 9 29 2 *", "At 09:00, on day 29 of the month, in February."),
        ("15 9 * jan-mar sat,sun", "At 09:15, on Saturday and Sunday, in January to March."),
        ("0 0,12 1,15 * mon#1,wed#3", "At 00:00 and 12:00, on day 1 and 15 of the month or on the first Monday and the "
         "third Wednesday of the month."),
    ],
)  # fmt: skip
def test_an_expression_in_words(expression: str, words: str) -> None:
    assert in_words(parse(expression)) == words


def test_zones_are_places() -> None:
    assert {"UTC", "Europe/Berlin", "Asia/Seoul", "America/Argentina/Ushuaia"} <= set(zone_names())
    assert not [name for name in ("Etc/GMT+3", "posix/Europe/Berlin", "EST", "", "../etc/passwd") if is_zone(name)]
