"""Calling the function from its page: what came back, what it logged, and the calls before."""

import re
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import parse_qsl, urlencode

import orjson
from django.contrib.auth.mixins import LoginRequiredMixin
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.views import View

from apps.core.afterwards import afterwards
from apps.core.errors import InvalidInput
from apps.core.web import htmx
from apps.functions.calling import Answered, Asked, list_calls
from apps.functions.calling.history import KEPT, shown_body
from apps.functions.calling.services import Begun, begin_call, finish_call
from apps.functions.models import Call
from apps.functions.selectors import get_draft
from apps.functions.views.about import AboutFunction, read_json, take_text
from apps.gateways.store import Away
from apps.logs.lines import LogLine
from apps.logs.selectors import logs_of_call

# Of a body on the page; more of it is there to copy from one's own terminal
LARGEST_SHOWN = 200_000
BAD_REQUEST, SERVER_ERROR = 400, 500
# A string that names a value, another string, a number, a word
_TOKEN = re.compile(r'("(?:[^"\\]|\\.)*")(\s*:)?|(-?\d[\d.eE+-]*)|\b(true|false|null)\b')


@dataclass(frozen=True)
class ShownCall:
    """A call of before, with what the form needs to make it again."""

    call: Call

    @property
    def status(self) -> int:
        return int(self.call.answer["status"]) if self.call.answer else 0

    @property
    def tone(self) -> str:
        return _tone(self.status)

    @property
    def data(self) -> str:
        request = self.call.request
        query = parse_qsl(request["query"], keep_blank_values=True)
        body = "" if request["is_binary"] else request["body"]
        return orjson.dumps({**request, "query": query, "body": body}).decode()


@dataclass(frozen=True)
class ShownLine:
    line: LogLine

    @property
    def fields(self) -> str:
        """What it was logged with, on one line."""
        others = self.line.others
        return orjson.dumps(others, default=str).decode() if others else ""


@dataclass(frozen=True)
class ShownAnswer:
    answered: Answered
    tone: str
    body: SafeString
    is_binary: bool
    is_cut: bool
    logs: list[ShownLine]
    logs_missing: bool

    @property
    def size(self) -> int:
        return len(self.answered.body)


class Run(AboutFunction, LoginRequiredMixin, View):
    """GET: one's past calls. POST: another one, of the draft where one is asked for."""

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        calls = list_calls(actor=self.actor, function=self.function)[:KEPT]
        shown = [ShownCall(call) for call in calls]
        return htmx.fresh(request, "functions/_calls.html", {"calls": shown})

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        given = read_json(request)
        function = self.function
        draft = get_draft(actor=self.actor, function=function) if given.get("draft") is True else None
        begun = begin_call(take_asked(given), actor=self.actor, function=function, draft=draft)
        unknown = self._answer(begun, shown_answer(Answered.unknown(begun.request_id), None))
        return afterwards(unknown, partial(self._finish, begun))

    def _finish(self, begun: Begun) -> HttpResponse:
        answered = finish_call(begun).answered
        try:
            logs: list[LogLine] | None = logs_of_call(begun.function.gateway, answered.request_id)
        except Away:
            logs = None
        return self._answer(begun, shown_answer(answered, logs))

    def _answer(self, begun: Begun, shown: ShownAnswer) -> HttpResponse:
        function, is_draft = begun.function, begun.draft is not None
        context = {"shown": shown, "function": function, "gateway": function.gateway, "is_draft": is_draft}
        return htmx.fresh(self.request, "functions/_answer.html", context)


def shown_answer(answered: Answered, logs: list[LogLine] | None) -> ShownAnswer:
    """`logs`: None where they can't be read."""
    body = shown_body(answered.body, limit=LARGEST_SHOWN)
    text = SafeString("") if body["is_binary"] else pretty(body["body"], answered.header("content-type"))
    return ShownAnswer(
        answered,
        tone=_tone(answered.status),
        body=text,
        is_binary=body["is_binary"],
        is_cut=answered.is_cut or body["is_cut"],
        logs=[ShownLine(line) for line in logs or []],
        logs_missing=logs is None,
    )


def take_asked(given: dict[str, Any]) -> Asked:
    """As the script sends it: lists of pairs, a text as the body."""
    return Asked(
        method=take_text(given, "method").strip().upper() or "GET",
        path=take_text(given, "path").strip() or "/",
        query=urlencode(_pairs(given, "query")),
        headers=tuple(_pairs(given, "headers")),
        body=take_text(given, "body").encode(errors="surrogatepass"),
    )


def pretty(text: str, kind: str) -> SafeString:
    """JSON line by line and in colours; anything else as it is."""
    if "json" not in kind:
        return format_html("{}", text)
    try:
        whole = orjson.dumps(orjson.loads(text), option=orjson.OPT_INDENT_2).decode()
    except orjson.JSONDecodeError:
        return format_html("{}", text)
    parts, at = [], 0
    for found in _TOKEN.finditer(whole):
        parts += [format_html("{}", whole[at : found.start()]), _coloured(found)]
        at = found.end()
    return mark_safe("".join([*parts, format_html("{}", whole[at:])]))  # noqa: S308  each part is escaped


def _coloured(found: re.Match[str]) -> SafeString:
    text, colon, number, word = found.groups()
    if text is not None:
        return format_html('<span class="{}">{}</span>{}', "nt" if colon else "s2", text, colon or "")
    return format_html('<span class="{}">{}</span>', "mi" if number else "kc", number or word)


def _pairs(given: dict[str, Any], name: str) -> list[tuple[str, str]]:
    rows = given.get(name, [])
    if not isinstance(rows, list) or not all(_is_pair(row) for row in rows):
        raise InvalidInput(fields={name: [_("Send a list of pairs: name and value.")]})
    return [(row[0].strip(), row[1]) for row in rows if row[0].strip()]


def _is_pair(row: Any) -> bool:
    return isinstance(row, list) and len(row) == 2 and all(isinstance(each, str) for each in row)


def _tone(status: int) -> str:
    if not status or status >= SERVER_ERROR:
        return "bad"
    return "warn" if status >= BAD_REQUEST else "ok"
