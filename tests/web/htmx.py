"""The headers that HTMX sends."""

import json
from typing import Any

from django.http import HttpResponse

HTMX = {"HX-Request": "true"}


def aimed_at(target: str) -> dict[str, str]:
    return {**HTMX, "HX-Target": target}


def events(response: HttpResponse) -> dict[str, Any]:
    """What the answer lets the page's script hear of."""
    found: dict[str, Any] = json.loads(response.headers.get("HX-Trigger", "{}"))
    return found
