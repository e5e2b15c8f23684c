"""Asking again who it is, before something dangerous."""

from typing import Any

from allauth.account import views as account_views
from allauth.account.adapter import get_adapter
from allauth.account.utils import get_next_redirect_url
from allauth.mfa.base import views as factor_views
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render

from apps.accounts.forms import ConfirmCodeForm, ConfirmPasswordForm
from apps.accounts.sessions.store import store_of
from apps.accounts.views.base import RefusesWith422


class _GivesKey:
    """A key that was known before doesn't gain what the confirmation gives; should the answer be lost, it stays."""

    request: HttpRequest

    def form_valid(self, form: Any) -> HttpResponse:
        store_of(self.request).give_key()
        response: HttpResponse = super().form_valid(form)  # type: ignore[misc]
        return response


class Confirm(_GivesKey, RefusesWith422, account_views.ReauthenticateView):
    """Asks who it is, before something dangerous."""

    form_class = ConfirmPasswordForm
    template_name = "accounts/confirm.html"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Somebody who has nothing to type and no provider to ask comes in anew instead."""
        if request.user.is_authenticated and not get_adapter(request).get_reauthentication_methods(request.user):
            return render(request, "accounts/confirm_by_sign_in.html", {"next": get_next_redirect_url(request)})
        response: HttpResponseBase = super().dispatch(request, *args, **kwargs)
        return response


class ConfirmByCode(_GivesKey, RefusesWith422, factor_views.ReauthenticateView):
    form_class = ConfirmCodeForm
    template_name = "accounts/confirm.html"
