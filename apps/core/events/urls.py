"""Where the stream is. In production on the page's own origin; in development on a port of its own."""

from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest

PATH = "/live/events"


def live_origin(request: HttpRequest) -> str:
    """What a page's `connect-src` must allow besides 'self'; empty where the stream has the page's own origin."""
    if not settings.LIVE_PORT:
        return ""
    try:
        return _origin(request, settings.LIVE_PORT)
    except DisallowedHost:
        return ""


def live_url(request: HttpRequest) -> str:
    """What a page's script opens."""
    return live_origin(request) + PATH


def is_our_page(request: HttpRequest) -> bool:
    """Whether the request comes from a page of the console: same host, and its own port or the web process's."""
    origin = request.headers.get("Origin", "")
    try:
        ours = {f"{request.scheme}://{request.get_host()}"}
        if settings.LIVE_PORT:
            ours.add(_origin(request, settings.WEB_PORT))
    except DisallowedHost:
        return False
    return origin in ours


def _origin(request: HttpRequest, port: int) -> str:
    host = urlsplit(f"//{request.get_host()}").hostname or ""
    if ":" in host:
        host = f"[{host}]"
    return f"{request.scheme}://{host}:{port}"
