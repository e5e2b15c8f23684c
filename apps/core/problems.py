"""From an exception to the problem that is told, and to its answer as application/problem+json (RFC 9457)."""

import logging
from collections.abc import Iterator, Mapping
from typing import Any

import orjson
from django.core import exceptions as django_errors
from django.db import DataError, IntegrityError, InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, UnreadablePostError
from django.urls import reverse
from django.utils.translation import gettext as _
from psycopg import errors as postgres_errors

from apps.core import context
from apps.core.errors import (
    Conflict,
    InternalError,
    InvalidInput,
    MalformedRequest,
    NotAllowed,
    NotFound,
    Problem,
    TooLarge,
    Unavailable,
)

CONTENT_TYPE = "application/problem+json"
logger = logging.getLogger(__name__)

# The other side of these is a request that will succeed when it's repeated
PASSING = (
    postgres_errors.LockNotAvailable,
    postgres_errors.DeadlockDetected,
    postgres_errors.SerializationFailure,
)


def as_problem(error: BaseException) -> Problem:
    """What to tell about an exception. What nobody foresaw is logged here and told as an InternalError."""
    match error:
        case Problem():
            return error
        case Http404():
            return NotFound()
        case django_errors.PermissionDenied():
            return NotAllowed(str(error))
        case django_errors.ValidationError():
            return InvalidInput(fields=django_fields(error))
        case django_errors.RequestDataTooBig() | django_errors.TooManyFieldsSent() | django_errors.TooManyFilesSent():
            return TooLarge()
        case django_errors.BadRequest() | django_errors.SuspiciousOperation() | UnreadablePostError():
            return MalformedRequest()
        # The driver's own, before anything was asked: somebody sent NUL, which no text in PostgreSQL holds
        case DataError() if "NUL" in str(error) and getattr(error.__cause__, "sqlstate", "") is None:
            return MalformedRequest()
        case IntegrityError() if isinstance(error.__cause__, postgres_errors.UniqueViolation):
            return Conflict(_("The same was saved at the same time, and only one of the two can be kept."))
        case IntegrityError() if isinstance(error.__cause__, postgres_errors.ForeignKeyViolation):
            # What it belongs to, such as a workspace, was deleted meanwhile. A mistake of ours would look the same
            logger.warning("What something belongs to isn't there", exc_info=error)
            return Conflict(_("Others are changing the same thing right now."), headers={"Retry-After": "1"})
        case OperationalError() if isinstance(error.__cause__, PASSING):
            return Conflict(_("Others are changing the same thing right now."), headers={"Retry-After": "1"})
        case OperationalError() | InterfaceError():
            logger.error("The database can't be used", exc_info=error)
            return Unavailable(_("The database can't be reached."), headers={"Retry-After": "2"})
        case _:
            logger.error("Unforeseen %s", type(error).__name__, exc_info=error)
            return InternalError()


def django_fields(error: django_errors.ValidationError) -> dict[str, list[Any]]:
    """A model's or form's errors: field → errors, those of the whole under the empty name."""
    if not hasattr(error, "error_dict"):
        return {"": list(error.error_list)}
    named = {name: list(errors) for name, errors in error.error_dict.items()}
    if django_errors.NON_FIELD_ERRORS in named:
        named[""] = named.pop(django_errors.NON_FIELD_ERRORS)
    return named


def describe(problem: Problem, request: HttpRequest) -> dict[str, Any]:
    """The members of the problem document."""
    return {
        "type": _absolute(request, reverse("errors:type", args=[problem.slug])),
        "title": str(problem.title),
        "status": problem.status,
        "detail": str(problem.detail or problem.advice),
        "instance": request.path,
        "request_id": context.current().request_id,
        "errors": list(_errors(problem.fields)),
        **{name: value for name, value in problem.extra.items() if value is not None},
    }


def problem_response(problem: Problem, request: HttpRequest) -> HttpResponse:
    return HttpResponse(
        orjson.dumps(describe(problem, request), default=str),
        status=problem.status,
        content_type=CONTENT_TYPE,
        headers={"Cache-Control": "no-store", **problem.headers},
    )


def _absolute(request: HttpRequest, path: str) -> str:
    try:
        return request.build_absolute_uri(path)
    except django_errors.DisallowedHost:
        return path


def _errors(fields: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    for name, errors in fields.items():
        # Names of our own parts are paths already: /items/0 into the body, ?limit in the query
        path = name if not name or name[0] in "/?" else "/" + name.replace("__", "/")
        for error in errors:
            yield from _entries(path, error)


def _entries(path: str, error: Any) -> Iterator[dict[str, str]]:
    if isinstance(error, django_errors.ValidationError):
        for message in error.messages:
            yield {"path": path, "message": message, "code": getattr(error, "code", None) or "invalid"}
    else:
        yield {"path": path, "message": str(error), "code": getattr(error, "code", None) or "invalid"}
