"""What every request passes: an id that follows it everywhere, and the rules the browser must keep."""

import re
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from apps.core import context

View = Callable[[HttpRequest], HttpResponse]
FOREIGN_ID = re.compile(r"[A-Za-z0-9_.:-]{8,64}")


class RequestIdMiddleware:
    """Takes a well-formed X-Request-Id or makes one; it goes into logs, tasks, audit events and the answer."""

    def __init__(self, get_response: View) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        offered = request.headers.get("X-Request-Id", "")
        request_id = offered if FOREIGN_ID.fullmatch(offered) else context.new_request_id()
        with context.bound(request_id=request_id, address=request.META.get("REMOTE_ADDR", "")):
            response = self.get_response(request)
        response["X-Request-Id"] = request_id
        return response


class ContentSecurityPolicyMiddleware:
    """Only what we serve ourselves: no inline script or style, no frames, no foreign forms."""

    POLICY = "; ".join(
        (
            "default-src 'self'",
            "img-src 'self' data:",
            "object-src 'none'",
            "base-uri 'none'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        )
    )

    def __init__(self, get_response: View) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.setdefault("Content-Security-Policy", self.POLICY)
        return response
