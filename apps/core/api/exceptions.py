"""Whatever an endpoint raises, the answer is a problem document."""

from collections.abc import Iterator, Mapping
from typing import Any

from django.http import HttpResponse
from rest_framework import exceptions

from apps.core.errors import (
    InvalidInput,
    MalformedRequest,
    MethodNotAllowed,
    NotAcceptable,
    NotAllowed,
    NotFound,
    NotSignedIn,
    Problem,
    TooManyRequests,
    UnsupportedMediaType,
)
from apps.core.problems import as_problem, problem_response

# REST framework's name for "the whole object", which in a path is nothing
WHOLE = "non_field_errors"


def handle(error: Exception, context: Mapping[str, Any]) -> HttpResponse:
    """REST framework's EXCEPTION_HANDLER. The write's transaction is undone by the time it runs."""
    problem = translate(error)
    header = getattr(error, "auth_header", None)
    if header and problem.status == 401:
        problem.headers.setdefault("WWW-Authenticate", header)
    if isinstance(error, exceptions.MethodNotAllowed):
        problem.headers["Allow"] = ", ".join(context["view"].allowed_methods)
    return problem_response(problem, context["request"]._request)


def translate(error: Exception) -> Problem:
    match error:
        case exceptions.ValidationError():
            return InvalidInput(fields=field_errors(error.detail))
        case exceptions.ParseError():
            return MalformedRequest(str(error.detail))
        case exceptions.NotAuthenticated() | exceptions.AuthenticationFailed():
            return NotSignedIn()
        case exceptions.PermissionDenied():
            return NotAllowed()
        case exceptions.NotFound():
            return NotFound()
        case exceptions.MethodNotAllowed():
            return MethodNotAllowed()
        case exceptions.NotAcceptable():
            return NotAcceptable()
        case exceptions.UnsupportedMediaType():
            return UnsupportedMediaType()
        case exceptions.Throttled():
            return TooManyRequests(headers={"Retry-After": str(int(getattr(error, "wait", None) or 1))})
        case _:
            return as_problem(error)


def field_errors(detail: Any) -> dict[str, list[Any]]:
    """Flatten nested errors: JSON pointer → errors."""
    found: dict[str, list[Any]] = {}
    for path, error in _walk(detail, ""):
        found.setdefault(path, []).append(error)
    return found


def _walk(detail: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(detail, Mapping):
        for name, inner in detail.items():
            yield from _walk(inner, path if name == WHOLE else f"{path}/{_escape(str(name))}")
    elif isinstance(detail, list):
        for index, inner in enumerate(detail):
            yield from _walk(inner, f"{path}/{index}" if isinstance(inner, Mapping | list) else path)
    else:
        yield path, detail


def _escape(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")
