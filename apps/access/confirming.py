"""Making a token is what a thief would do first: whoever sits at this browser says again that it's them."""

from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from apps.core.web import htmx


def ask_to_confirm(request: HttpRequest, *, then: str) -> HttpResponse:
    """To the page that asks, and from there to `then`; out of the dialog, where one is open."""
    return htmx.redirect(request, f"{reverse('account_reauthenticate')}?{urlencode({'next': then})}")
