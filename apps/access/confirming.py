"""Has whoever sits at this browser said lately that it's them? Asked before something that a thief would do first."""

from urllib.parse import urlencode

from allauth.account.internal.flows.reauthentication import did_recently_reauthenticate
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from apps.core.web import htmx


def is_confirmed(request: HttpRequest) -> bool:
    return bool(did_recently_reauthenticate(request))


def ask_to_confirm(request: HttpRequest, *, then: str) -> HttpResponse:
    """To the page that asks, and from there to `then`; out of the dialog, where one is open."""
    return htmx.redirect(request, f"{reverse('account_reauthenticate')}?{urlencode({'next': then})}")
