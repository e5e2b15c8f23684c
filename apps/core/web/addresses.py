"""Addresses of pages by their names. Inside a workspace, the names of its pages lead to its own.

`{% url %}` and `address` know the workspace of the page that is being made; `within` names another one.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from django.urls import NoReverseMatch, reverse

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
    if not slug:
        return reverse(name, args=args, kwargs=kwargs)
    try:
        return reverse(name, args=(slug, *args)) if args else reverse(name, kwargs={"tenant": slug, **kwargs})
    except NoReverseMatch:
        return reverse(name, args=args, kwargs=kwargs)
