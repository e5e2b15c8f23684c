"""Addresses of pages by their names. Inside a workspace, the names of its pages lead to its own.

`{% url %}` and `address` know the workspace of the page that is being made; `within` names another one.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from typing import Any

from django.urls import NoReverseMatch, URLResolver, get_resolver, get_script_prefix, get_urlconf, reverse

_workspace: ContextVar[str] = ContextVar("imp_workspace", default="")


@contextmanager
def nowhere() -> Iterator[None]:
    """For the length of one request: what it enters, the next one isn't in."""
    token = _workspace.set("")
    try:
        yield
    finally:
        _workspace.reset(token)


def enter(slug: str) -> None:
    _workspace.set(slug)


def address(name: str, *args: Any, within: str = "", **kwargs: Any) -> str:
    """The page of that name; of a workspace's pages the one in `within`, or else in the workspace that one is in."""
    slug = within or _workspace.get()
    # The table and the prefix tell which address a name has; tests change the one, a thread that serves the other
    found = _find_again if all(type(each) is str for each in (*args, *kwargs.values())) else _find
    return found(get_resolver(get_urlconf()), get_script_prefix(), slug, name, args, tuple(kwargs.items()))


def _find(
    table: URLResolver, prefix: str, slug: str, name: str, args: tuple[Any, ...], kwargs: tuple[tuple[str, Any], ...]
) -> str:
    named = dict(kwargs)
    if not slug:
        return reverse(name, args=args, kwargs=named)
    try:
        return reverse(name, args=(slug, *args)) if args else reverse(name, kwargs={"tenant": slug, **named})
    except NoReverseMatch:
        return reverse(name, args=args, kwargs=named)


# A page has hundreds of links, mostly those of the page before
_find_again = lru_cache(maxsize=8_192)(_find)
