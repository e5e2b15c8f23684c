"""The lines of a menu and what becomes of them for one request: addresses, who sees what, where one is."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django.urls import NoReverseMatch

from apps.core.errors import Text
from apps.core.web.addresses import address


def anyone(user: Any) -> bool:
    return True


def signed_in(user: Any) -> bool:
    return bool(user.is_authenticated)


def developers(user: Any) -> bool:
    """Pages for those who build the console exist in development only."""
    return bool(settings.DEBUG)


@dataclass(frozen=True)
class Entry:
    """A line as it is declared. `key` follows G on the keyboard; `count` is asked only when the line is drawn.

    What `count` counts is to be none: `is_alarm`.
    """

    url_name: str
    label: Text
    icon: str
    key: str = ""
    seen_by: Callable[[Any], bool] = signed_in
    count: Callable[[Any], int | str] | None = None
    is_alarm: bool = False
    keywords: Text = ""


@dataclass(frozen=True)
class Group:
    label: Text
    entries: tuple[Entry, ...]


@dataclass(frozen=True)
class Line:
    """A declared line, seen by one person on one page."""

    entry: Entry
    url: str
    is_current: bool
    user: Any

    @property
    def label(self) -> Text:
        return self.entry.label

    @property
    def icon(self) -> str:
        return self.entry.icon

    @property
    def key(self) -> str:
        return self.entry.key

    def count(self) -> int | str:
        return self.entry.count(self.user) if self.entry.count else ""


@dataclass(frozen=True)
class Section:
    label: Text
    lines: tuple[Line, ...]


def sections(groups: Iterable[Group], request: HttpRequest, *, viewer: Any = None, within: str = "") -> list[Section]:
    """The menu of this person, the line of this page marked. A page that isn't served here leaves no dead line.

    Of a workspace's menu the viewer is a member, and `within` says whose pages its lines lead to.
    """
    user = viewer or getattr(request, "user", None) or AnonymousUser()
    visible = [(group, list(_visible(group.entries, user, within))) for group in groups]
    current = _current(request.path, (url for _, found in visible for _, url in found))
    return [
        Section(group.label, tuple(Line(entry, url, url == current, user) for entry, url in found))
        for group, found in visible
        if found
    ]


def _visible(entries: Iterable[Entry], user: Any, within: str) -> Iterator[tuple[Entry, str]]:
    for entry in entries:
        if not entry.seen_by(user):
            continue
        try:
            yield entry, address(entry.url_name, within=within)
        except NoReverseMatch:
            continue


def _current(path: str, urls: Iterable[str]) -> str:
    """The longest address that the page's own address begins with, in whole segments.

    An address that others of the menu go on from, such as a workspace's first page, is only its own.
    """
    known = set(urls)
    fitting = (url for url in known if path == url or (_is_below(path, url) and not _has_pages_below(url, known)))
    return max(fitting, key=len, default="")


def _is_below(path: str, url: str) -> bool:
    return path.startswith(url.rstrip("/") + "/")


def _has_pages_below(url: str, known: set[str]) -> bool:
    return any(other != url and _is_below(other, url) for other in known)
