"""So many pages a minute for each person: a tab that runs wild must not take the console from the others."""

from django.contrib.auth import SESSION_KEY
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _

from apps.core.errors import TooManyRequests
from apps.core.throttling import take
from apps.core.web.errors import API_PREFIX, respond
from apps.core.web.middleware import View

# The API counts for itself; whoever watches the platform must always get an answer
EXEMPT = (API_PREFIX, "/healthz", "/readyz", "/metrics")


class PageThrottleMiddleware:
    def __init__(self, get_response: View) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path.startswith(EXEMPT):
            return self.get_response(request)
        # The session is read anyway; asking for the person here would load them for pages that don't need it
        person_id = request.session.get(SESSION_KEY)
        allowance = take("pages", person_id=person_id, address=request.META.get("REMOTE_ADDR", ""))
        if not allowance.allowed:
            message = _("A script in a browser tab is the usual cause. Programs use a token and the API.")
            return respond(request, TooManyRequests(message, headers=allowance.headers))
        return self.get_response(request)
