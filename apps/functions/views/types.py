"""Declarations for the editor: of what every function is given, and of the npm packages of its gateway."""

import hashlib
from functools import cache
from typing import Any

import orjson
from django.conf import settings
from django.contrib.auth.mixins import LoginRequiredMixin
from django.http import HttpRequest, HttpResponse, HttpResponseNotModified
from django.views import View

from apps.functions.models import Dependencies
from apps.gateways.models import FunctionGateway
from apps.gateways.views.base import AboutGateway

FOLDER = settings.BASE_DIR / "runtime" / "types"
PACKAGES = "node_modules/"


class Types(AboutGateway, LoginRequiredMixin, View):
    """Path to text, as the editor lays them beside the function's own files."""

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        gateway = self.gateway
        self.actor.require("functions.read", row=gateway)
        content = orjson.dumps({"files": {**_own_types(), **_types_of_packages(gateway)}})
        etag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
        known = request.headers.get("If-None-Match") == etag
        response = HttpResponseNotModified() if known else HttpResponse(content, content_type="application/json")
        response["ETag"], response["Cache-Control"] = etag, "private, no-cache"
        return response


@cache
def _own_types() -> dict[str, str]:
    return {path.name: path.read_text() for path in sorted(FOLDER.glob("*.d.ts"))}


def _types_of_packages(gateway: FunctionGateway) -> dict[str, str]:
    found = Dependencies.objects.filter(gateway=gateway).select_related("lock").first()
    types: dict[str, str] = found.lock.types if found and found.lock else {}
    return {PACKAGES + path.removeprefix(PACKAGES): text for path, text in types.items()}
