"""Asking again who it is, before something dangerous: for the password or a code, unless that was given just now.

    class DeleteWorkspace(NeedsConfirmation, ConfirmView): ...

A program that comes with a token has shown who it is with each request; one that uses a session is refused with
ConfirmFirst until the person behind it has confirmed.
"""

from typing import Any
from urllib.parse import urlencode

from allauth.account.adapter import get_adapter
from allauth.account.internal.flows.login import get_authentication_records
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import reverse
from rest_framework.request import Request

from apps.accounts.problems import ConfirmFirst
from apps.accounts.sessions.store import store_of
from apps.core import clock


def is_confirmed(request: HttpRequest) -> bool:
    """Whether whoever is signed in has shown again who they are, a moment ago."""
    if not request.user.is_authenticated:
        return False
    if get_adapter(request).get_reauthentication_methods(request.user):
        records = get_authentication_records(request, request.user)
        moments = [record["at"] for record in records if record.get("reauthenticated")]
    else:
        # With neither password nor code nor provider to ask, what counts is when they came in
        row = store_of(request).row
        moments = [row.signed_in_at.timestamp()] if row else []
    now = clock.now().timestamp()
    return any(now - moment < settings.ACCOUNT_REAUTHENTICATION_TIMEOUT for moment in moments)


def require_confirmation(request: HttpRequest) -> None:
    if not is_confirmed(request):
        raise ConfirmFirst


def require_confirmation_of_session(request: Request) -> None:
    """For endpoints that tokens may ask too: a token shows with each request who it is from."""
    if request.auth is None:
        require_confirmation(request._request)


def confirm_first(request: HttpRequest) -> HttpResponse | None:
    """The way to the page that asks, and back to this one as a page of its own; None where nothing is to be asked."""
    if is_confirmed(request):
        return None
    back = urlencode({"next": request.get_full_path()}, safe="/")
    return HttpResponseRedirect(f"{reverse('account_reauthenticate')}?{back}")


class NeedsConfirmation:
    """Stands before a view for people who are signed in; strangers are left to the view."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        asked = confirm_first(request) if request.user.is_authenticated else None
        response: HttpResponseBase = asked or super().dispatch(request, *args, **kwargs)  # type: ignore[misc]
        return response
