"""A cron expression in words, made of what it was read as: what is said is what happens."""

from collections.abc import Sequence

from django.utils.dates import MONTHS, WEEKDAYS
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.core.errors import Text
from apps.triggers.cron import Expression

# Times of day that are listed one by one
MOST_TIMES = 6
LAST = "l"
NTH = {
    1: lambda day: _("the first %(day)s") % {"day": day},
    2: lambda day: _("the second %(day)s") % {"day": day},
    3: lambda day: _("the third %(day)s") % {"day": day},
    4: lambda day: _("the fourth %(day)s") % {"day": day},
    5: lambda day: _("the fifth %(day)s") % {"day": day},
    LAST: lambda day: _("the last %(day)s") % {"day": day},
}


def in_words(expression: Expression) -> str:
    """`At 09:00, on Monday to Friday.`"""
    parts = [_time(expression), _days(expression), _months(expression)]
    sentence = _(", ").join(part for part in parts if part)
    return _("%(sentence)s.") % {"sentence": f"{sentence[:1].upper()}{sentence[1:]}"}


def _time(expression: Expression) -> str:
    hours, minutes, seconds = (expression.values(name) for name in ("hour", "minute", "second"))
    count = len(hours) * len(minutes) * len(seconds)
    if count <= MOST_TIMES:
        shown = [
            f"{hour:02}:{minute:02}" + (f":{second:02}" if seconds != [0] else "")
            for hour in hours
            for minute in minutes
            for second in seconds
        ]
        return _("at %(times)s") % {"times": _listed(shown)}
    parts = []
    if seconds != [0]:
        parts.append(_of_unit(seconds, 60, "second"))
    if not (len(minutes) == 60 and seconds != [0]):
        parts.append(_of_unit(minutes, 60, "minute"))
    if len(hours) < 24:
        parts.append(_of_hours(hours))
    return _(", ").join(parts)


def _of_unit(values: Sequence[int], size: int, unit: str) -> str:
    """Of seconds or minutes."""
    is_second = unit == "second"
    step = _step(values, size)
    if step:
        if is_second:
            return ngettext("every second", "every %(count)d seconds", step) % {"count": step}
        return ngettext("every minute", "every %(count)d minutes", step) % {"count": step}
    words = {"values": _ranges([str(value) for value in values], values)}
    if is_second:
        return _("at second %(values)s of the minute") % words
    return _("at minute %(values)s of the hour") % words


def _of_hours(hours: Sequence[int]) -> str:
    told = _ranges([f"{hour:02}" for hour in hours], hours)
    return ngettext("in hour %(hours)s", "in the hours %(hours)s", len(hours)) % {"hours": told}


def _days(expression: Expression) -> str:
    begun = expression.begin()
    days, weekdays = begun.expanded[2], begun.expanded[4]
    nth = begun.nth_weekday_of_month
    parts = []
    if "*" not in days:
        parts.append(_of_month(days))
    if nth:
        found = [NTH[n](_weekday(day)) for day in sorted(nth) for n in sorted(nth[day], key=str)]
        parts.append(_("on %(days)s of the month") % {"days": _listed(found)})
        weekdays = [day for day in weekdays if day not in nth]
    if weekdays and "*" not in weekdays:
        # From Monday, as calendars have them
        order = sorted({(int(day) + 6) % 7 for day in weekdays})
        parts.append(_("on %(days)s") % {"days": _ranges([str(WEEKDAYS[day]) for day in order], order)})
    if parts:
        return _(" or ").join(parts)
    return "" if expression.is_of_every_hour else _("every day")


def _of_month(days: Sequence[int | str]) -> str:
    numbers = sorted(int(day) for day in days if day != LAST)
    last = [_("the last day of the month")] if LAST in days else []
    if not numbers:
        return _("on %(days)s") % {"days": last[0]}
    told = _("day %(days)s of the month") % {"days": _ranges([str(day) for day in numbers], numbers)}
    return _("on %(days)s") % {"days": _listed([told, *last])}


def _months(expression: Expression) -> str:
    months = expression.values("month")
    if len(months) == 12:
        return ""
    return _("in %(months)s") % {"months": _ranges([str(MONTHS[month]) for month in months], months)}


def _weekday(day: int) -> Text:
    return WEEKDAYS[(int(day) + 6) % 7]


def _step(values: Sequence[int], size: int) -> int:
    """Of values that go round evenly from 0; 0 where they don't."""
    step = values[1] - values[0] if len(values) > 1 else 0
    return step if step and size % step == 0 and list(values) == list(range(0, size, step)) else 0


def _ranges(shown: Sequence[str], values: Sequence[int]) -> str:
    """What follows one another, from three on, as one: `Monday to Friday`."""
    found: list[str] = []
    at = 0
    while at < len(values):
        end = at
        while end + 1 < len(values) and values[end + 1] == values[end] + 1:
            end += 1
        if end - at >= 2:
            found.append(_("%(first)s to %(last)s") % {"first": shown[at], "last": shown[end]})
        else:
            found.extend(shown[at : end + 1])
        at = end + 1
    return _listed(found)


def _listed(shown: Sequence[str]) -> str:
    if len(shown) < 2:
        return "".join(shown)
    return _("%(others)s and %(last)s") % {"others": _(", ").join(shown[:-1]), "last": shown[-1]}
