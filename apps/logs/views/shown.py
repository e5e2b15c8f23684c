"""A log as its page shows it: what is looked for, line by line, and where it goes on."""

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, QueryDict
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from apps.core.errors import InvalidInput, Text
from apps.core.events.urls import live_origin
from apps.gateways.models import FunctionGateway
from apps.gateways.sizes import StageName
from apps.logs.asking import FOLLOWED, NAMES, read_filter
from apps.logs.lines import LogFilter, LogLine
from apps.logs.selectors import LogPage
from apps.logs.streaming.stream import PATH

CURSOR = "cursor"
# Of a line's fields, beside it
LONGEST_BRIEF = 160
# What is chosen on the page → levels
LEVEL_CHOICES: tuple[tuple[str, Text], ...] = (
    ("", _("Any level")),
    ("info,warn,error", _("Info and worse")),
    ("warn,error", _("Warnings and errors")),
    ("error", _("Errors")),
)
STAGE_CHOICES: tuple[tuple[str, Text], ...] = (
    ("", pgettext_lazy("of a function", "Any stage")),
    *((name, name) for name in StageName.values),
)


@dataclass(frozen=True)
class ShownLine:
    line: LogLine
    # What it was given besides, to read
    detail: str
    others: str
    url: str
    # The others in a few words, as static/src/imp/tail.ts says them too
    brief: str = ""

    @property
    def where(self) -> str:
        return where_of(self.line)


@dataclass(frozen=True)
class Choice:
    value: str
    label: Text
    is_chosen: bool


class Asked:
    """What a page's address says; what can't be meant is left out and told."""

    def __init__(self, request: HttpRequest) -> None:
        self.values = QueryDict(mutable=True)
        for name in NAMES:
            if found := [each for each in request.GET.getlist(name) if each.strip()]:
                self.values.setlist(name, found)
        self.cursor = request.GET.get(CURSOR) or None
        self.problems: list[str] = []
        try:
            self.filter = read_filter(self.values)
        except InvalidInput as refusal:
            for path, errors in refusal.fields.items():
                self.problems.extend(str(error) for error in errors)
                self.values.pop(path.removeprefix("?"), None)
            self.cursor = None
            self.filter = _lenient(self.values)

    def first(self, name: str) -> str:
        return self.values.get(name, "")

    @property
    def is_filtered(self) -> bool:
        return bool(self.values)

    @property
    def looks_back(self) -> bool:
        """At a time that is over, where nothing new comes."""
        return self.filter.until is not None

    def query(self, **more: str | None) -> str:
        found = [(name, value) for name, values in self.values.lists() for value in values if name not in more]
        found.extend((name, value) for name, value in more.items() if value)
        return urlencode(found)

    def choices(self) -> dict[str, list[Choice]]:
        level = ",".join(each for each in ("debug", "info", "warn", "error") if each in self.filter.levels)
        levels = list(LEVEL_CHOICES)
        if level not in dict(LEVEL_CHOICES):
            levels.append((level, level))
        return {
            "stages": [Choice(value, label, value == self.first("stage")) for value, label in STAGE_CHOICES],
            "levels": [Choice(value, label, value == level) for value, label in levels],
        }

    def moment(self, name: str) -> str:
        """As a field for date and time takes it, in the reader's zone."""
        found = getattr(self.filter, name)
        return timezone.localtime(found).strftime("%Y-%m-%dT%H:%M:%S") if found else ""


def where_of(line: LogLine) -> str:
    if not line.function:
        return line.stage
    name = f"{line.stage}/{line.function}"
    return f"{name} ({_('draft')})" if line.is_draft else name


def follow_url(request: HttpRequest, gateway: FunctionGateway, asked: Asked, page: LogPage) -> str:
    """Where the page's script goes on from what it shows."""
    found = [(name, value) for name, values in asked.values.lists() for value in values if name in FOLLOWED]
    query = urlencode([("gateway", gateway.pk), *found])
    return f"{live_origin(request)}{PATH}?{query}"


def shown_lines(page: LogPage, path: str) -> list[ShownLine]:
    return [_shown(line, path) for line in page.lines]


def _shown(line: LogLine, path: str) -> ShownLine:
    others = line.others
    told = json.dumps(others.get("", others), ensure_ascii=False, indent=2) if others else ""
    url = f"{path}?{urlencode({'request_id': line.request_id})}" if line.request_id else ""
    return ShownLine(line, line.stack, told, url, _brief(others))


def _brief(others: dict[str, Any]) -> str:
    said = [f"{name}: {_short(value)}" if name else _short(value) for name, value in others.items()]
    text = ", ".join(said)
    return text if len(text) <= LONGEST_BRIEF else f"{text[: LONGEST_BRIEF - 1]}…"


def _short(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _lenient(values: QueryDict) -> LogFilter:
    try:
        return read_filter(values)
    except InvalidInput:
        return LogFilter()
