"""What somebody looks for, as an address says it: the same for the page, the API and whoever follows."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.http import QueryDict
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from apps.core.errors import InvalidInput
from apps.core.texts import UNSTORABLE
from apps.gateways.sizes import StageName
from apps.logs.lines import LEVELS, LogFilter

NAMES = frozenset({"stage", "function", "request_id", "level", "q", "since", "until"})
# Those that a page which is followed may have
FOLLOWED = NAMES - {"since", "until"}
LONGEST: Mapping[str, int] = {"function": 200, "request_id": 200, "q": 200}


def read_filter(asked: QueryDict, *, function: str = "", stage: str = "") -> LogFilter:
    """InvalidInput names each parameter that can't be meant. With a function that the address names, only its own."""
    errors: dict[str, list[Any]] = {}
    stages = _choices(asked, "stage", StageName.values, errors)
    levels = _choices(asked, "level", LEVELS, errors)
    texts = {name: _text(asked, name, longest, errors) for name, longest in LONGEST.items()}
    moments = {name: _moment(asked, name, errors) for name in ("since", "until")}
    since, until = moments["since"], moments["until"]
    if since and until and since >= until:
        errors["?until"] = [_("Choose a time after the one that it begins at.")]
    if errors:
        raise InvalidInput(fields=errors)
    return LogFilter(
        stages=frozenset({stage}) if stage else stages,
        function=function or texts["function"],
        request_id=texts["request_id"],
        levels=levels,
        text=texts["q"],
        since=since,
        until=until,
    )


def _choices(asked: QueryDict, name: str, known: Any, errors: dict[str, list[Any]]) -> frozenset[str]:
    """Several at once, as `level=warn&level=error` or `level=warn,error`."""
    found = {each.strip() for value in asked.getlist(name) for each in value.split(",") if each.strip()}
    if unknown := sorted(found - set(known)):
        message = _("There is no “%(value)s”; choose from %(known)s.")
        errors[f"?{name}"] = [message % {"value": unknown[0][:40], "known": ", ".join(known)}]
    return frozenset(found)


def _text(asked: QueryDict, name: str, longest: int, errors: dict[str, list[Any]]) -> str:
    value = asked.get(name, "").strip()
    if len(value) > longest:
        errors[f"?{name}"] = [_("Use %(limit)d characters or fewer.") % {"limit": longest}]
    elif UNSTORABLE.search(value):
        errors[f"?{name}"] = [_("It has a character that no log can hold.")]
    return value


def _moment(asked: QueryDict, name: str, errors: dict[str, list[Any]]) -> datetime | None:
    """Without a zone it's meant in the reader's own."""
    value = asked.get(name, "").strip()
    if not value:
        return None
    try:
        # A plus sign that nobody escaped arrives as a space
        found = parse_datetime(re.sub(r" (\d\d:?\d\d)$", r"+\1", value))
        if found is not None:
            return found if timezone.is_aware(found) else timezone.make_aware(found)
    except (ValueError, OverflowError):
        pass
    errors[f"?{name}"] = [_("Write a time such as 2027-01-31T09:30:00Z.")]
    return None
