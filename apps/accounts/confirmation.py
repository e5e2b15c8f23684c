"""Asking again who it is, before something dangerous: for the password or a code, unless that was given just now.

    class DeleteWorkspace(NeedsConfirmation, ConfirmView): ...

A program that comes with a token has shown who it is with each request; one that uses a session is refused with
ConfirmFirst until the person behind it has confirmed.
"""

from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from allauth.account.internal.flows import reauthentication
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from apps.accounts.sessions import store_of
from apps.core import clock
from apps.core.errors import Problem


class ConfirmFirst(Problem):
    slug = "confirm-first"
    status = 403
    title = _("Confirm that it's you")
    advice = _("Type your password or a code at /account/confirm in this browser, then send it again.")


def is_confirmed(request: HttpRequest) -> bool:
    """Whether whoever is signed in has shown again who they are, a moment ago."""
    if not request.user.is_authenticated:
        return False
    if reauthentication.get_reauthentication_flows(request.user):
        return bool(reauthentication.did_recently_reauthenticate(request))
    # Somebody whom another provider signs in has neither password nor code here; what counts is when they came
    row = store_of(request).row
    since = timedelta(seconds=settings.ACCOUNT_REAUTHENTICATION_TIMEOUT)
    return row is not None and clock.now() - row.signed_in_at < since


def require_confirmation(request: HttpRequest) -> None:
    if not is_confirmed(request):
        raise ConfirmFirst


def confirm_first(request: HttpRequest) -> HttpResponse | None:
    """The way to the page that asks, and back to this one as a page of its own; None where nothing is to be asked."""
    if is_confirmed(request):
        return None
    return HttpResponseRedirect(f"{reverse('account_reauthenticate')}?{urlencode({'next': request.get_full_path()})}")


class NeedsConfirmation:
    """Stands before a view for people who are signed in; strangers are left to the view."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        asked = confirm_first(request) if request.user.is_authenticated else None
        response: HttpResponseBase = asked or super().dispatch(request, *args, **kwargs)  # type: ignore[misc]
        return response
