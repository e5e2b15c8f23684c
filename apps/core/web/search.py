"""Search and commands (Ctrl K): who can find something registers a provider; this ranks, groups and shows."""

import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import translation
from django.views.decorators.http import require_safe

from apps.core.errors import Text
from apps.core.web import htmx

LONGEST_QUERY = 100
MOST_IN_A_GROUP = 8

# The 19 first consonants of Korean syllables: ㄱㅅ finds 감사
FIRST_CONSONANTS = "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ"
FIRST_SYLLABLE, LAST_SYLLABLE, SYLLABLES_PER_CONSONANT = 0xAC00, 0xD7A3, 588


@dataclass(frozen=True)
class Result:
    """A line of the palette. `act` says what choosing it does with `target`: goes to an address, posts to one,
    ticks the control of that id, or opens the popover of that id."""

    label: Text
    target: str
    icon: str = "arrow"
    hint: Text = ""
    keywords: Text = ""
    act: Literal["open", "post", "tick", "popover"] = "open"


Find = Callable[[HttpRequest, str], Iterable[Result]]


@dataclass(frozen=True)
class Provider:
    """`find` may return everything it has, which is then ranked here, or what a database found, ranked already."""

    label: Text
    find: Find
    is_ranked: bool = False


@dataclass
class Found:
    label: Text
    lines: list[Result] = field(default_factory=list)


_providers: list[Provider] = []


def register_search(provider: Provider) -> None:
    """Adds a group to the palette, after those that are there. Registering one twice changes nothing."""
    if provider not in _providers:
        _providers.append(provider)


@require_safe
def search(request: HttpRequest) -> HttpResponse:
    """The palette's results, or a page of them at the same address."""
    query = request.GET.get("q", "").replace("\x00", "").strip()[:LONGEST_QUERY]
    template = "search/results.html" if htmx.is_partial(request) else "search/page.html"
    return htmx.fresh(request, template, {"query": query, "groups": find(request, query)})


def find(request: HttpRequest, query: str) -> list[Found]:
    groups: dict[str, Found] = {}
    for provider in _providers:
        results = list(provider.find(request, query))
        lines = results if provider.is_ranked or not query else rank(results, query)
        if lines:
            group = groups.setdefault(str(provider.label), Found(provider.label))
            group.lines.extend(lines[:MOST_IN_A_GROUP])
    return list(groups.values())


def rank(results: Sequence[Result], query: str) -> list[Result]:
    """Those that fit, the best first; what fits equally keeps its order."""
    scored = [(score(query, _texts(result.label), _texts(result.keywords)), result) for result in results]
    fitting = [(points, result) for points, result in scored if points]
    return [result for _, result in sorted(fitting, key=lambda pair: -pair[0])]


def score(query: str, labels: Sequence[str], keywords: Sequence[str]) -> int:
    """0 is no match. Every word of the query has to be found, in any language of the console."""
    words = normal(query).split()
    points = [max(_points(word, labels), _points(word, keywords) // 2) for word in words]
    return sum(points) if points and all(points) else 0


def _points(word: str, texts: Sequence[str]) -> int:
    return max((_points_in(word, text) for text in texts if text), default=0)


def _points_in(word: str, text: str) -> int:
    """A beginning is better than a middle, and both better than letters that only come in that order."""
    if text.startswith(word):
        return 100
    if any(part.startswith(word) for part in text.split()):
        return 80
    if word in text:
        return 60
    if all(letter in FIRST_CONSONANTS for letter in word):
        return 50 if word in consonants(text) else 0
    if len(word) >= 3 and _in_order(word, text):
        return 20
    return 0


def _in_order(word: str, text: str) -> bool:
    letters = iter(text)
    return all(letter in letters for letter in word)


def normal(text: str) -> str:
    return unicodedata.normalize("NFC", text).casefold().strip()


def consonants(text: str) -> str:
    """The first consonant of each Korean syllable; everything else as it is, without blanks."""
    return "".join(_consonant(letter) for letter in text if not letter.isspace())


def _consonant(letter: str) -> str:
    code = ord(letter)
    if FIRST_SYLLABLE <= code <= LAST_SYLLABLE:
        return FIRST_CONSONANTS[(code - FIRST_SYLLABLE) // SYLLABLES_PER_CONSONANT]
    return letter


def _texts(text: Text) -> list[str]:
    """The text in every language of the console: someone may know a page by its other name."""
    found = []
    for language, _name in settings.LANGUAGES:
        with translation.override(language):
            found.append(normal(str(text)))
    return list(dict.fromkeys(found))
