"""Errors as people meet them: a page inside the frame, or a notice where only a fragment was asked for.

Programs get the same problem as problem+json; `apps.core.problems` says which exception is which problem.
"""

import logging
import math
import sys
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.core import exceptions
from django.db import DataError, IntegrityError, InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, UnreadablePostError
from django.http.response import HttpResponseBase
from django.shortcuts import resolve_url
from django.template import loader
from django.utils.html import escape
from django.utils.translation import get_language

from apps.core import clock, context
from apps.core.errors import (
    InternalError,
    MalformedRequest,
    MethodNotAllowed,
    NotAllowed,
    NotFound,
    NotSignedIn,
    OutdatedForm,
    Problem,
)
from apps.core.problems import as_problem, problem_response
from apps.core.web import htmx
from apps.core.web.middleware import View

logger = logging.getLogger(__name__)

API_PREFIX = "/v1/"
ICONS = {403: "lock", 404: "search", 409: "warn", 412: "warn", 429: "clock", 500: "error", 503: "pulse"}

FORESEEN = (
    Problem,
    Http404,
    exceptions.PermissionDenied,
    exceptions.BadRequest,
    exceptions.SuspiciousOperation,
    exceptions.RequestDataTooBig,
    exceptions.TooManyFieldsSent,
    exceptions.TooManyFilesSent,
    UnreadablePostError,
    DataError,
    IntegrityError,
    InterfaceError,
    OperationalError,
)

# Shown when not even the static template can be made: no file, no language, nothing that could fail again
LAST_RESORT = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Something went wrong · Imp Gateway</title></head>
<body><main><h1>That went wrong on our side</h1>
<p>Nothing was saved. Try again; if it stays, report this id: <code>{request_id}</code></p>
<p><a href="/">Back to the overview</a></p></main></body></html>
"""


class ProblemMiddleware:
    """Turns what services raise into an answer. Stands innermost, so that the frame's context is complete."""

    def __init__(self, get_response: View) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if "\0" in request.path:
            # No address of ours has one, and no column of the database takes one
            return respond(request, NotFound())
        if problem := _unreadable(request):
            return respond(request, problem)
        response = self.get_response(request)
        if htmx.is_partial(request) and _leads_to_sign_in(request, response):
            return _to_sign_in(request)
        if response.status_code == 405 and not getattr(response, "content", b"-"):
            return respond(request, MethodNotAllowed(headers={"Allow": response.get("Allow", "")}))
        if settings.DEBUG and response.status_code == 404 and request.resolver_match is None:
            # Development too shows the product's own page; Django would list the addresses there are
            return respond(request, NotFound())
        return response

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponseBase | None:
        problem = foreseen(error)
        return respond(request, problem) if problem else None


def _unreadable(request: HttpRequest) -> Problem | None:
    """A form that can't be read is refused here: in development, Django would show its own page, or break.

    The check of the form's token reads it too. An endpoint reads its body by itself.
    """
    if request.path.startswith(API_PREFIX):
        return None
    try:
        request.POST  # noqa: B018
    except FORESEEN as error:
        return foreseen(error)
    return None


def foreseen(error: BaseException | None) -> Problem | None:
    """The problem that an exception stands for; None is a mistake of ours, which Django logs with its traceback."""
    if not isinstance(error, FORESEEN):
        return None
    problem = as_problem(error)
    return None if isinstance(problem, InternalError) else problem


# --- Django's handlers -----------------------------------------------------------------------------


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    return respond(request, foreseen(exception) or MalformedRequest())


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    return respond(request, NotAllowed(str(exception)))


def not_found(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    return respond(request, NotFound())


def server_error(request: HttpRequest) -> HttpResponseBase:
    """Also for what a middleware raised, such as a session that can't be read because the database is away."""
    return respond(request, foreseen(sys.exc_info()[1]) or InternalError())


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponseBase:
    """Nearly always a page that stayed open through a sign-in or sign-out elsewhere."""
    logger.warning("Refused a form: %s", reason)
    return respond(request, OutdatedForm())


# --- Answers ---------------------------------------------------------------------------------------


def respond(request: HttpRequest, problem: Problem) -> HttpResponseBase:
    """The problem in the form that was asked for: JSON, a notice, or a page."""
    if wants_json(request):
        return problem_response(problem, request)
    if isinstance(problem, NotSignedIn):
        return _to_sign_in(request)
    response = _notice(problem) if htmx.is_partial(request) else _page(request, problem)
    for name, value in problem.headers.items():
        response[name] = value
    response["Cache-Control"] = "no-store"
    return htmx.vary(response)


def wants_json(request: HttpRequest) -> bool:
    return request.path.startswith(API_PREFIX) or not (htmx.is_htmx(request) or request.accepts("text/html"))


def _leads_to_sign_in(request: HttpRequest, response: HttpResponseBase) -> bool:
    """Django's own checks redirect, which HTMX would follow: the sign-in page would stand inside of the page."""
    if response.status_code != HTTPStatus.FOUND or request.user.is_authenticated:
        return False
    return response["Location"].partition("?")[0] == resolve_url(settings.LOGIN_URL)


def _to_sign_in(request: HttpRequest) -> HttpResponseBase:
    """Back to where one was, after signing in. A fragment's own address is no page to come back to."""
    if htmx.is_partial(request):
        page = request.headers.get("HX-Current-URL", "/")
        address = redirect_to_login(page if page.startswith("/") else "/" + page.split("/", 3)[-1]).url
        return htmx.redirect(request, address)
    return redirect_to_login(request.get_full_path())


def _notice(problem: Problem) -> HttpResponse:
    """For a fragment: nothing is swapped, a notice says what happened."""
    response = HttpResponse(status=problem.status)
    response["HX-Reswap"] = "none"
    return htmx.toast(
        response,
        tone="warn" if problem.status < 500 else "bad",
        title=problem.title,
        text=str(problem.detail or problem.advice),
        request_id=context.current().request_id,
    )


def _page(request: HttpRequest, problem: Problem) -> HttpResponse:
    if problem.status >= 500:
        return _static_page(problem)
    try:
        body = loader.render_to_string("errors/status.html", page_context(request, problem), request)
        return HttpResponse(body, status=problem.status)
    # Its frame asks the menu, the session and the database, any of which may be what is broken
    except Exception:
        logger.exception("The page for %s can't be made", problem.slug)
        return _static_page(problem)


def _static_page(problem: Problem) -> HttpResponse:
    """Without request, context processors or database: whatever broke the page must not break this one."""
    values = {
        "problem": problem,
        "request_id": context.current().request_id,
        "now": clock.now(),
        "language": get_language() or settings.LANGUAGE_CODE,
    }
    try:
        body = str(loader.render_to_string("errors/static.html", values))
    # Nothing is left to answer with but what needs no template
    except Exception:
        logger.exception("The static page for %s can't be made", problem.slug)
        body = LAST_RESORT.format(request_id=escape(values["request_id"]))
    return HttpResponse(body, status=problem.status)


def page_context(request: HttpRequest, problem: Problem) -> dict[str, Any]:
    user = getattr(request, "user", None)
    return {
        "frame": "shell/page.html" if user is not None and user.is_authenticated else "shell/solo.html",
        "problem": problem,
        "phrase": HTTPStatus(problem.status).phrase,
        "icon": ICONS.get(problem.status, "error"),
        "roles": _names(problem.extra.get("roles") or problem.extra.get("role")),
        "own_roles": _names(problem.extra.get("own_roles") or problem.extra.get("own_role")),
        "retry_after": retry_after(problem),
        "request_id": context.current().request_id,
        "address": request.get_full_path(),
    }


def retry_after(problem: Problem) -> int:
    try:
        return max(0, math.ceil(float(problem.headers.get("Retry-After", 0))))
    except ValueError:
        return 0


def _names(value: Any) -> list[str]:
    if not value:
        return []
    return [str(value)] if isinstance(value, str) else [str(each) for each in value]
