"""Lengths of time in the reader's language: roughly, for pages, or in two units, for those who look after tasks."""

from datetime import timedelta

from django.utils.translation import gettext, ngettext


def roughly(length: timedelta) -> str:
    """In its largest unit, empty below five seconds."""
    seconds = int(length.total_seconds())
    if seconds < 5:
        return ""
    if seconds < 60:
        return _seconds(seconds)
    if seconds < 3600:
        return _minutes(seconds // 60)
    if seconds < 86400:
        return _hours(seconds // 3600)
    return _days(seconds // 86400)


def exactly(length: timedelta) -> str:
    """Days to tenths of a second, in the one or two units that matter."""
    seconds = max(0.0, length.total_seconds())
    if seconds < 10:
        return gettext("%(seconds)s s") % {"seconds": f"{seconds:.1f}"}
    if seconds < 120:
        return _seconds(round(seconds))
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 120:
        return f"{_minutes(minutes)} {_seconds(rest)}"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{_hours(hours)} {_minutes(minutes)}"
    return f"{_days(hours // 24)} {_hours(hours % 24)}"


def _seconds(count: int) -> str:
    return gettext("%(count)d s") % {"count": count}


def _minutes(count: int) -> str:
    return gettext("%(count)d min") % {"count": count}


def _hours(count: int) -> str:
    return gettext("%(count)d h") % {"count": count}


def _days(count: int) -> str:
    return ngettext("%(count)d day", "%(count)d days", count) % {"count": count}
