"""What is written down and counted about each request."""

import time

import structlog
from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from apps.core import metrics
from apps.core.web.middleware import View

logger = structlog.get_logger("access")


class TelemetryMiddleware:
    """One line and one count for each request, by its route, so that ids in addresses make no series of their own."""

    def __init__(self, get_response: View) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        started = time.perf_counter()
        response = self.get_response(request)
        if request.path_info.startswith(f"/{settings.STATIC_URL.strip('/')}/"):
            return response
        seconds = time.perf_counter() - started
        route = getattr(request.resolver_match, "route", "") or ""
        method = request.method if request.method in metrics.METHODS else "other"
        metrics.REQUESTS.labels(route or "none", method, str(response.status_code)).inc()
        metrics.LATENCY.labels(route or "none", method).observe(seconds)
        # The address itself only where nothing answers to it: addresses that we know may carry a key
        path = {} if request.resolver_match else {"path": request.path[:200]}
        logger.info(
            "request",
            method=method,
            route=f"/{route.lstrip('^')}",
            **path,
            status=response.status_code,
            ms=round(seconds * 1000, 1),
        )
        return response
