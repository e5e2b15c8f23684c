"""Cron expressions: what may be written, and the instants that one is due at in a time zone.

Five fields (minute, hour, day of the month, month, day of the week), or six with seconds before them. Local times are
taken as people mean them where the clock changes:

- A missing hour: what is due in it is due once, at the moment the clock jumps.
- A repeated hour: what is due in it is due the first time only.
- What is due in every hour of the day goes by the time that passes instead: a missing hour has no run, and a repeated
  one has its runs twice.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property, lru_cache
from zoneinfo import ZoneInfo

from croniter import CroniterBadDateError, CroniterError, croniter
from django.utils.translation import gettext as _

LONGEST_EXPRESSION = 120
ALIASES = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
SECOND = timedelta(seconds=1)
DAY = timedelta(days=1)
# A local time, which has no zone: where to begin counting, for what is asked about no time
SOME_TIME = datetime(2000, 1, 1)  # noqa: DTZ001
HOURS = 24
# Beyond it, whoever counts says "more than"
MOST_COUNTED = 1_000

_MONTHS = "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec"
_DAYS = "sun|mon|tue|wed|thu|fri|sat"


def _field(value: str, *, more: str = "") -> re.Pattern[str]:
    """A list of numbers, ranges and steps; `more` is what one of them may be besides."""
    one = rf"(\*(/\d+)?|({value})(-({value}))?(/\d+)?{f'|{more}' if more else ''})"
    return re.compile(rf"{one}(,{one})*", re.IGNORECASE)


NUMBER = r"\d{1,2}"
STEP = re.compile(r"/(\d+)")
FIELDS: tuple[tuple[str, re.Pattern[str], range], ...] = (
    ("second", _field(NUMBER), range(60)),
    ("minute", _field(NUMBER), range(60)),
    ("hour", _field(NUMBER), range(24)),
    ("day", _field(NUMBER, more=r"L|\?"), range(1, 32)),
    ("month", _field(rf"{NUMBER}|{_MONTHS}"), range(1, 13)),
    ("weekday", _field(rf"{NUMBER}|{_DAYS}", more=rf"({NUMBER}|{_DAYS})#[1-5]|L({NUMBER}|{_DAYS})|\?"), range(8)),
)


class BadExpression(ValueError):
    """Says what is wrong with it, for people."""


@lru_cache(maxsize=4096)
def parse(text: str) -> "Expression":
    """Raises BadExpression."""
    text = " ".join(text.split())
    if not text:
        raise BadExpression(_("Write when it's due, such as 0 9 * * mon-fri."))
    if len(text) > LONGEST_EXPRESSION:
        raise BadExpression(_("Use %(limit)d characters or fewer.") % {"limit": LONGEST_EXPRESSION})
    if text.startswith("@"):
        if text.lower() not in ALIASES:
            words = {"text": text, "known": ", ".join(ALIASES)}
            raise BadExpression(_("There is no %(text)s. These are there: %(known)s.") % words)
        fields = ALIASES[text.lower()].split()
    else:
        fields = text.split(" ")
    if len(fields) not in (5, 6):
        words_of = {"count": len(fields)}
        raise BadExpression(
            _(
                "These are %(count)d fields. Write five: minute, hour, day of the month, month, day of the week; "
                "or six, with seconds before them."
            )
            % words_of
        )
    seconds = ["0"] if len(fields) == 5 else []
    six = [*seconds, *fields]
    for (name, pattern, values), written in zip(FIELDS, six, strict=True):
        # A step beyond its field is due at one value alone, which nobody means by */90
        if not pattern.fullmatch(written) or any(int(step) > len(values) for step in STEP.findall(written)):
            raise BadExpression(_bad_field(name, written))
    try:
        found = Expression(text, " ".join(six))
        found.first()
    except CroniterBadDateError:
        raise BadExpression(_("It's never due: no year has such a day.")) from None
    except (CroniterError, ValueError, KeyError, IndexError):
        raise BadExpression(_why(six)) from None
    return found


def _why(six: list[str]) -> str:
    """The field that can't be read, found by trying each alone."""
    for index, (name, _pattern, _values) in enumerate(FIELDS):
        alone = ["*"] * 6
        alone[index] = six[index]
        try:
            croniter(" ".join(alone), SOME_TIME, second_at_beginning=True)
        except (CroniterError, ValueError, KeyError, IndexError):
            return _bad_field(name, six[index])
    return _("It can't be read. Write it such as 0 9 * * mon-fri.")


def _bad_field(name: str, written: str) -> str:
    meant = {
        "second": _("“%(text)s” can't be the seconds: write 0 to 59, such as 0, */10 or 0,30."),
        "minute": _("“%(text)s” can't be the minutes: write 0 to 59, such as 0, */15 or 5,35."),
        "hour": _("“%(text)s” can't be the hours: write 0 to 23, such as *, 9 or 9-17."),
        "day": _("“%(text)s” can't be days of the month: write 1 to 31, L for the last one, or *."),
        "month": _("“%(text)s” can't be months: write 1 to 12 or jan to dec, or *."),
        "weekday": _(
            "“%(text)s” can't be days of the week: write 0 to 7 or sun to sat, fri#2 for the second Friday, L5 for "
            "the last one, or *."
        ),
    }
    return meant[name] % {"text": written[:40]}


@dataclass(frozen=True)
class Expression:
    """One that can be read. `six` has its seconds in any case."""

    text: str
    six: str

    def begin(self, at: datetime = SOME_TIME) -> croniter:
        return croniter(self.six, at, ret_type=datetime, second_at_beginning=True)

    def first(self) -> datetime:
        return self._after(SOME_TIME)

    def _after(self, wall: datetime) -> datetime:
        found: datetime = self.begin(wall).get_next(datetime)
        return found

    def after(self, wall: datetime) -> datetime | None:
        """The next local time, of those that a clock without changes would show."""
        try:
            return self._after(wall)
        except (CroniterBadDateError, OverflowError):
            return None

    @cached_property
    def is_of_every_hour(self) -> bool:
        """It goes by the time that passes, and not by what a clock shows."""
        hours = self.values("hour")
        return len(hours) == HOURS

    def values(self, name: str) -> list[int]:
        """Of seconds, minutes, hours and months; in order, each once."""
        names = ("minute", "hour", "day", "month", "weekday", "second")
        found = self.begin().expanded[names.index(name)]
        everything = next(values for field, _pattern, values in FIELDS if field == name)
        return list(everything) if "*" in found else sorted({int(each) for each in found})


@dataclass(frozen=True)
class Schedule:
    """An expression in a time zone."""

    expression: Expression
    zone: ZoneInfo

    @classmethod
    def of(cls, expression: str, zone: str) -> "Schedule":
        return cls(parse(expression), ZoneInfo(zone))

    def next_after(self, instant: datetime) -> datetime | None:
        """The first instant after this one that it's due at; None: there is none any more."""
        at = instant.astimezone(UTC).replace(microsecond=0)
        start = self._wall(at)
        while True:
            offset = self._offset(at)
            wall = self.expression.after(start)
            if wall is None:
                return None
            found = wall.replace(tzinfo=UTC) - offset
            change = self._change_between(at, found)
            if change is None:
                if self._is_repeated(found) and not self.expression.is_of_every_hour:
                    at, start = found, wall
                    continue
                return found
            if self._is_due_in_gap(change):
                return change
            at = change
            # The moment itself counts too
            start = self._wall(change) - SECOND

    def upcoming(self, instant: datetime, count: int) -> list[datetime]:
        found: list[datetime] = []
        while len(found) < count and (at := self.next_after(found[-1] if found else instant)):
            found.append(at)
        return found

    def due_between(self, first: datetime, until: datetime) -> tuple[int, datetime]:
        """How often it's due from `first`, which is a due time, until then, and the last time of these."""
        count, last = 0, first
        for each in self._from(first, until):
            count, last = count + 1, each
            if count >= MOST_COUNTED:
                # Near the end, as only the last one matters beyond the number
                last = self._last_before(until) or last
                break
        return count, last

    def _from(self, first: datetime, until: datetime) -> Iterator[datetime]:
        at: datetime | None = first
        while at is not None and at <= until:
            yield at
            at = self.next_after(at)

    def _last_before(self, until: datetime) -> datetime | None:
        back = SECOND
        while back < 400 * DAY:
            found = list(self._from(self.next_after(until - back) or until + SECOND, until))
            if found:
                return found[-1]
            back *= 4
        return None

    def _offset(self, at: datetime) -> timedelta:
        return at.astimezone(self.zone).utcoffset() or timedelta()

    def _wall(self, at: datetime) -> datetime:
        return at.astimezone(self.zone).replace(tzinfo=None, fold=0)

    def _is_repeated(self, at: datetime) -> bool:
        """The clock shows this for the second time."""
        return at.astimezone(self.zone).fold == 1

    def _change_between(self, at: datetime, until: datetime) -> datetime | None:
        """The first change of the clock after `at`, up to then."""
        offset, known = self._offset(at), at
        while known < until:
            probe = min(known + DAY, until)
            if self._offset(probe) != offset:
                return self._change_within(known, probe, offset)
            known = probe
        return None

    def _change_within(self, known: datetime, changed: datetime, offset: timedelta) -> datetime:
        while changed - known > SECOND:
            middle = (known + (changed - known) / 2).replace(microsecond=0)
            middle = max(middle, known + SECOND)
            known, changed = (middle, changed) if self._offset(middle) == offset else (known, middle)
        return changed

    def _is_due_in_gap(self, change: datetime) -> bool:
        """Something is due at a local time that the clock leaves out there."""
        before = (change - SECOND).astimezone(self.zone).utcoffset() or timedelta()
        skipped_from = (change + before).replace(tzinfo=None)
        skipped_until = self._wall(change)
        if skipped_until <= skipped_from or self.expression.is_of_every_hour:
            return False
        wall = self.expression.after(skipped_from - SECOND)
        return wall is not None and wall < skipped_until
