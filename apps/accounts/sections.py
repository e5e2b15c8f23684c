"""The sections of the account's page. An app that has something of one's account adds its own in `ready()`:

    register_section(Section("tokens", _("Access tokens"), "key", "access/_section.html", context_of, place=50))

`context_of(request)` answers what its template shows; the names share one page, so they begin with the section's.
A form that is refused is shown again by `show_account(request, status=422, tokens_form=form)`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest

from apps.core.errors import Text

ContextOf = Callable[[HttpRequest], Mapping[str, Any]]


@dataclass(frozen=True)
class Section:
    """`key` is the anchor in the page; the template holds one element with that id. Lower places come first."""

    key: str
    title: Text
    icon: str
    template: str
    context_of: ContextOf
    place: int


_sections: dict[str, Section] = {}


def register_section(section: Section) -> None:
    """Registering a key again replaces its section."""
    _sections[section.key] = section


def all_sections() -> list[Section]:
    return sorted(_sections.values(), key=lambda section: section.place)


def context_of_all(request: HttpRequest) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for section in all_sections():
        found |= section.context_of(request)
    return found
