"""What belongs to the request or task at hand and must reach logs, audit events and tasks."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace

from apps.core.ids import new_id


@dataclass(frozen=True)
class Context:
    request_id: str = ""
    address: str = ""
    task_id: str = ""
    # The access token that somebody came with, and what they call it
    token_id: str = ""
    token: str = ""


NOTHING_KNOWN = Context()
_current: ContextVar[Context] = ContextVar("imp_context", default=NOTHING_KNOWN)


def current() -> Context:
    return _current.get()


def new_request_id() -> str:
    return new_id("req")


@contextmanager
def bound(**values: str) -> Iterator[Context]:
    """Everything inside belongs to this request or task."""
    token = _current.set(replace(_current.get(), **values))
    try:
        yield _current.get()
    finally:
        _current.reset(token)
