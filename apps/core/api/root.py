"""`GET /v1/`: where everything is, as JSON for programs and as the reference for people."""

import hashlib
from functools import cache
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _
from rest_framework.permissions import AllowAny
from rest_framework.request import Request

from apps.core.api.conditional import is_known, not_modified
from apps.core.api.formats import dumps
from apps.core.api.schema import document
from apps.core.api.views import ApiView, answer
from apps.core.errors import NotFound
from apps.core.reference.views import group_page, index_page

_LINK = {"type": "string", "format": "uri"}


@cache
def known_document() -> dict[str, Any]:
    """Made once for each process: it changes only with the code."""
    return document()


@cache
def _as_bytes() -> tuple[bytes, str]:
    body = dumps(known_document())
    return body, f'"{hashlib.sha256(body).hexdigest()[:32]}"'


class PublicView(ApiView):
    """Needs no sign-in. The reference isn't secret, as the errors' pages aren't."""

    permission_classes = [AllowAny]


class Root(PublicView):
    tag = "root"
    answer_schema = {
        "type": "object",
        "required": ["name", "version", "reference", "openapi", "errors", "resources"],
        "properties": {
            "name": {"type": "string"},
            "version": {"type": "string"},
            "reference": {**_LINK, "description": "Pages about this API, for people."},
            "openapi": {**_LINK, "description": "The OpenAPI document."},
            "errors": {**_LINK, "description": "Pages about the types of errors."},
            "resources": {"type": "object", "additionalProperties": _LINK, "description": "Name → address."},
        },
    }

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.method in {"GET", "HEAD"} and _prefers_html(request):
            response = index_page(request, known_document())
            patch_vary_headers(response, ["Accept", "Accept-Language", "Cookie"])
            return response
        return super().dispatch(request, *args, **kwargs)

    def get(self, request: Request) -> HttpResponse:
        """Where everything is.

        A browser gets the reference at this address.
        """
        here = request.build_absolute_uri
        paths = [path for path, methods in known_document()["paths"].items() if "get" in methods and "{" not in path]
        return answer(
            {
                "name": known_document()["info"]["title"],
                "version": settings.VERSION,
                "reference": here(reverse("api:root")),
                "openapi": here(reverse("api:openapi")),
                "errors": here(reverse("errors:index")),
                "resources": {path.removeprefix("/v1/"): here(path) for path in paths if path != "/v1/"},
            }
        )


class OpenApiDocument(PublicView):
    schema = None

    def get(self, request: Request) -> HttpResponse:
        body, etag = _as_bytes()
        headers = {"ETag": etag, "Cache-Control": "no-cache"}
        if is_known(request, etag):
            return not_modified(etag)
        return HttpResponse(body, content_type="application/json", headers=headers)


def reference_group(request: HttpRequest, group: str) -> HttpResponse:
    page = group_page(request, known_document(), group)
    if page is None:
        raise NotFound(_("The reference has no such part."))
    return page


def _prefers_html(request: HttpRequest) -> bool:
    """`*/*` alone is what programs send."""
    accept = request.headers.get("Accept", "")
    return "text/html" in accept and request.get_preferred_type(["text/html", "application/json"]) == "text/html"
