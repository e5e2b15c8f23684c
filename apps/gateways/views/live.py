"""Pages whose parts are replaced one at a time: an answer holds what has changed since the page was last told.

The page carries a mark of each part that it shows and sends them along when it asks again. A part that comes is put
in place by its id; what hasn't changed isn't touched, so nothing moves under the pointer.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, cast

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from apps.core.web import htmx

# The page counts these by itself, so another number alone is no change
COUNTED = re.compile(r'(data-(?:elapsed|countdown)=")[\d.]*(">)[^<]*')
# Of relative times, such as "4 min ago", only the moment counts
RELATIVE = re.compile(r'(<time datetime="[^"]*" title="[^"]*">)[^<]*')
SEEN = "seen"
ASKER = "live"


@dataclass(frozen=True)
class Part:
    """An element with an id. What is `within` it comes by itself where nothing else of it has changed.

    `sign` says what counts as a change where not all of it does, such as of a form that somebody fills in.
    """

    id: str
    html: SafeString
    within: "tuple[Part, ...]" = ()
    sign: str = ""

    def __str__(self) -> str:
        """As a template shows it."""
        return self.html

    @property
    def mark(self) -> str:
        text: str = self.sign or self.html
        for part in self.within:
            text = text.replace(part.html, "")
        text = RELATIVE.sub(r"\1", COUNTED.sub(r"\1\2", text))
        return blake2b(f"{self.id} {text}".encode(), digest_size=6).hexdigest()

    @property
    def out_of_band(self) -> SafeString:
        own = format_html(' id="{}"', self.id)
        return mark_safe(self.html.replace(own, f'{own} hx-swap-oob="true"', 1))  # noqa: S308  the same markup, told where it goes


class Parts:
    """Everything on a page that changes by itself."""

    def __init__(self, parts: Sequence[Part], *, topic: str, url: str, trigger: str = "live") -> None:
        self.parts, self.topic, self.url, self.trigger = parts, topic, url, trigger

    @property
    def asker(self) -> SafeString:
        """What hears of news and asks; it's replaced with each answer, as that is what the page has seen then."""
        marks = ".".join(part.mark for part in self._all(self.parts))
        return format_html(
            '<span hidden id="{}" data-live="{}" hx-get="{}" hx-trigger="{}" hx-swap="outerHTML" hx-target="this"'
            ' hx-vals=\'{{"{}": "{}"}}\'></span>',
            ASKER, self.topic, self.url, self.trigger, SEEN, marks,
        )  # fmt: skip

    def answer(self, seen: set[str]) -> HttpResponse:
        response = HttpResponse("".join([self.asker, *(part.out_of_band for part in changed(self.parts, seen))]))
        response["Cache-Control"] = "private, no-store"
        return htmx.vary(response)

    def _all(self, parts: Sequence[Part]) -> Iterator[Part]:
        for part in parts:
            yield part
            yield from self._all(part.within)


def changed(parts: Sequence[Part], seen: set[str]) -> Iterator[Part]:
    for part in parts:
        if part.mark not in seen:
            yield part
        else:
            yield from changed(part.within, seen)


def take_seen(request: HttpRequest) -> set[str]:
    """What the page has; it's no part of the address that the page is at."""
    query = request.GET.copy()
    marks = query.pop(SEEN, [""])
    request.GET = cast(Any, query)
    return set(str(marks[-1]).split("."))


def is_asked(request: HttpRequest) -> bool:
    """The page's own part asks what is new."""
    return htmx.target(request) == ASKER


def render_part(template: str, part_id: str, context: Mapping[str, Any], *within: Part) -> Part:
    """The template has no request: a part knows what its context tells it."""
    return Part(part_id, SafeString(render_to_string(template, {**context, "part_id": part_id}).strip()), within)
