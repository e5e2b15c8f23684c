"""A new password, from the account's page or by a mailed link."""

from http import HTTPStatus
from typing import Any

from allauth.account import views as account_views
from django import forms
from django.contrib.auth.mixins import LoginRequiredMixin
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from apps.accounts.forms import PasswordForm
from apps.accounts.requests import person_of
from apps.accounts.services.links import Kind, get_open
from apps.accounts.services.passwords import ask_for_password_link, reset_password, settle_new_password
from apps.accounts.sessions.store import store_of
from apps.accounts.views.account import show_account
from apps.accounts.views.base import SoloForm, new_password_field
from apps.accounts.views.links import OPENED, SENT
from apps.core.web import htmx


class ChangePassword(LoginRequiredMixin, account_views.PasswordChangeView):
    """Its form stands on the account's page, so that is where a refusal shows it again."""

    form_class = PasswordForm

    def dispatch(self, request: HttpRequest, *arguments: Any, **names: Any) -> HttpResponseBase:
        """Who comes in by a provider has none to change; allauth would send them to a page that there isn't."""
        if request.user.is_authenticated and not request.user.has_usable_password():
            return HttpResponseRedirect(reverse("account_forgot"))
        response: HttpResponseBase = super().dispatch(request, *arguments, **names)
        return response

    def get(self, request: HttpRequest, *arguments: Any, **names: Any) -> HttpResponse:
        return HttpResponseRedirect(reverse("account") + "#password")

    def form_valid(self, form: Any) -> HttpResponse:
        with transaction.atomic():
            response: HttpResponse = super().form_valid(form)
            keep = store_of(self.request).row
            settle_new_password(person_of(self.request), verb="account.password_changed", keep=keep)
        return response

    def form_invalid(self, form: Any) -> HttpResponse:
        return show_account(self.request, status=HTTPStatus.UNPROCESSABLE_ENTITY, password_form=form)


class ForgotForm(forms.Form):
    email = forms.EmailField(
        label=gettext_lazy("E-mail"),
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "username", "autofocus": True}),
    )


class Forgot(SoloForm):
    form_class = ForgotForm
    template_name = "accounts/forgot.html"
    limit = "reset_password"

    def save(self, form: forms.Form) -> HttpResponse:
        link = ask_for_password_link(email=form.cleaned_data["email"], language=get_language() or "")
        self.request.session[SENT] = link.pk
        return HttpResponseRedirect(reverse("account_forgot_sent"))


class ResetForm(forms.Form):
    password = new_password_field(gettext_lazy("New password"), autofocus=True)


class Reset(SoloForm):
    """Signs nobody in: whoever has a second factor is asked for it at the sign-in, as always."""

    form_class = ResetForm
    template_name = "accounts/reset.html"

    def get_form(self, data: Any = None) -> forms.Form:
        self.link = get_open(self.request.session.get(OPENED), Kind.PASSWORD)
        return super().get_form(data)

    def get_context(self) -> dict[str, Any]:
        return {"link": self.link}

    def save(self, form: forms.Form) -> HttpResponse:
        reset_password(link=self.link, password=form.cleaned_data["password"])
        # A session of theirs in this browser has ended with all the others; what follows belongs to nobody yet
        self.request.session.flush()
        htmx.later_toast(self.request, title=_("Password changed"), text=_("Sign in with the new one."))
        return HttpResponseRedirect(reverse("account_login"))
