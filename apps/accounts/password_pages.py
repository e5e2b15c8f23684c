from typing import Any

from django import forms
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from apps.accounts.link_pages import OPENED, SENT, SoloForm, new_password_field
from apps.accounts.links import Kind, get_open
from apps.accounts.passwords import ask_for_password_link, reset_password
from apps.core.web import htmx


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
