"""Answers that say what came of their own transaction: finished once it's committed, outside of the tenant's wall."""

from collections.abc import Callable
from typing import TypeVar

import structlog
from django.http import HttpResponse
from django.http.response import HttpResponseBase

from apps.core.errors import Problem

log = structlog.get_logger(__name__)

Finish = Callable[[], HttpResponse]
Answer = TypeVar("Answer", bound=HttpResponseBase)


def afterwards(response: HttpResponse, finish: Finish) -> HttpResponse:
    """This answer, and in its place another one that `finish` gives after the commit."""
    response.finish_afterwards = finish  # type: ignore[attr-defined]
    return response


def finished(response: Answer) -> Answer | HttpResponse:
    """What was committed is told, whatever happens after it. A Problem is what came of it, and told instead."""
    finish: Finish | None = getattr(response, "finish_afterwards", None)
    if finish is None:
        return response
    try:
        return finish()
    except Problem:
        raise
    # Of any kind: an error here would say that nothing was committed
    except Exception:
        log.exception("answer not finished")
        return response
