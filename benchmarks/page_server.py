"""The product as granian serves it, and beside it the same Django without any middleware."""

from typing import Any

from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.core.wsgi import get_wsgi_application


def _handlers() -> tuple[WSGIHandler, WSGIHandler]:
    """A handler reads its middleware when it's made, so the second one has none."""
    product = get_wsgi_application()
    kept, settings.MIDDLEWARE = settings.MIDDLEWARE, []
    without = WSGIHandler()
    settings.MIDDLEWARE = kept
    return product, without


PRODUCT, BARE = _handlers()


def application(environ: dict[str, Any], start_response: Any) -> Any:
    handler = BARE if environ["PATH_INFO"] == "/bare" else PRODUCT
    return handler(environ, start_response)
