"""Declarations for the editor: of what every function is given, and of the npm packages of its gateway."""

import hashlib
from functools import cache
from typing import Any

import orjson
from django.conf import settings
from django.contrib.auth.mixins import LoginRequiredMixin
from django.http import HttpRequest, HttpResponse, HttpResponseNotModified
from django.views import View

from apps.functions.dependencies.selectors import types_of_packages
from apps.gateways.views.base import AboutGateway

FOLDER = settings.BASE_DIR / "runtime" / "types"


class Types(AboutGateway, LoginRequiredMixin, View):
    """Path to text, as the editor lays them beside the function's own files."""

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        gateway = self.gateway
        of_packages = types_of_packages(actor=self.actor, gateway=gateway)
        content = orjson.dumps({"files": {**_own_types(), **of_packages}})
        etag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
        known = request.headers.get("If-None-Match") == etag
        response = HttpResponseNotModified() if known else HttpResponse(content, content_type="application/json")
        response["ETag"], response["Cache-Control"] = etag, "private, no-cache"
        return response


@cache
def _own_types() -> dict[str, str]:
    return {path.name: path.read_text() for path in sorted(FOLDER.glob("*.d.ts"))}
