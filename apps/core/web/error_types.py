"""The pages that `type` in problem+json leads to: what a problem means and what to do about it."""

from http import HTTPStatus
from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from apps.core.errors import InvalidInput, NotAllowed, NotFound, Problem, TooManyRequests, all_types
from apps.core.problems import describe
from apps.core.web import htmx


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    groups: dict[int, list[type[Problem]]] = {}
    for kind in all_types():
        groups.setdefault(kind.status, []).append(kind)
    named = [(status, HTTPStatus(status).phrase, kinds) for status, kinds in groups.items()]
    return htmx.vary(render(request, "errors/index.html", {"groups": named}))


@require_safe
def error_type(request: HttpRequest, slug: str) -> HttpResponse:
    kind = next((each for each in all_types() if each.slug == slug), None)
    if kind is None:
        raise NotFound(_("There is no error type of this name."))
    context = {
        "kind": kind,
        "phrase": HTTPStatus(kind.status).phrase,
        "headers": example(kind).headers,
        "example": orjson.dumps(_document(kind, request), option=orjson.OPT_INDENT_2).decode(),
        "others": [each for each in all_types() if each.status == kind.status and each is not kind],
    }
    return htmx.vary(render(request, "errors/type.html", context))


def example(kind: type[Problem]) -> Problem:
    """One as it might be met, with the members that this type carries."""
    if issubclass(kind, InvalidInput):
        return kind(fields={"title": [_("Write at least one character.")]})
    if issubclass(kind, NotAllowed):
        return kind(roles=["admin", "owner"])
    if issubclass(kind, TooManyRequests):
        return kind(headers={"Retry-After": "38"})
    return kind()


def _document(kind: type[Problem], request: HttpRequest) -> dict[str, Any]:
    return {
        **describe(example(kind), request),
        "instance": "/v1/example",
        "request_id": "req_01k9z3v8q4m7x2c5b1n6t0r3fd",
    }
