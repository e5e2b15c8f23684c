"""Enqueue a task inside the caller's transaction: it exists if and only if the transaction commits."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any


def dispatch(function: Callable[..., Any], *arguments: Any, delay: timedelta | None = None, **options: Any) -> str:
    """Run `function(*arguments)` in a worker; returns the task's id. Pass ids, never objects."""
    raise NotImplementedError
