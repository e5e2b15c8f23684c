from typing import Any

from allauth.account.internal.flows.login import perform_login, record_authentication
from allauth.account.models import Login
from allauth.core.ratelimit import consume
from django import forms
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from apps.accounts.services.links import Kind, get_open
from apps.accounts.services.sign_up import finish_sign_up, start_sign_up
from apps.accounts.views.base import NoFields, SoloForm, new_password_field
from apps.accounts.views.links import OPENED, SENT
from apps.core.errors import TooManyRequests
from apps.core.web import htmx

# In the session of the browser that signed up: the sign-up whose link needs no password here
STARTED = "sign_up_started"


class SignUpForm(forms.Form):
    name = forms.CharField(
        label=gettext_lazy("Your name"), max_length=120, widget=forms.TextInput(attrs={"autocomplete": "name"})
    )
    email = forms.EmailField(
        label=gettext_lazy("E-mail"), widget=forms.EmailInput(attrs={"autocomplete": "email"}), max_length=254
    )
    workspace = forms.CharField(
        label=gettext_lazy("Workspace"),
        max_length=120,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "organization"}),
        help_text=gettext_lazy("Your company or team. Left empty, it gets your name."),
    )
    password = new_password_field(gettext_lazy("Password"))


class SignUp(SoloForm):
    form_class = SignUpForm
    template_name = "accounts/sign_up.html"
    limit = "signup"

    def dispatch(self, request: HttpRequest, *arguments: Any, **names: Any) -> Any:
        if request.user.is_authenticated:
            return HttpResponseRedirect(reverse("overview"))
        if not settings.SIGN_UP_IS_OPEN:
            return render(request, "accounts/sign_up_closed.html", status=403)
        return super().dispatch(request, *arguments, **names)

    def save(self, form: forms.Form) -> HttpResponse:
        link = start_sign_up(**form.cleaned_data, language=get_language() or settings.LANGUAGE_CODE)
        self.request.session[SENT] = link.pk
        self.request.session[STARTED] = link.sign_up_id
        return HttpResponseRedirect(reverse("account_signup_sent"))


class PasswordChosenForm(forms.Form):
    password = forms.CharField(
        label=gettext_lazy("Password"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password", "autofocus": True}),
        help_text=gettext_lazy("The one that you chose when you signed up."),
    )


class ConfirmSignUp(SoloForm):
    """The last step. The account is made here, and whoever made it is signed in."""

    template_name = "accounts/sign_up_confirm.html"

    def get_form(self, data: Any = None) -> forms.Form:
        self.link = get_open(self.request.session.get(OPENED), Kind.SIGN_UP)
        self.in_same_browser = self.request.session.get(STARTED) == self.link.sign_up_id
        return NoFields(data) if self.in_same_browser else PasswordChosenForm(data)

    def get_context(self) -> dict[str, Any]:
        return {"link": self.link, "in_same_browser": self.in_same_browser}

    def save(self, form: forms.Form) -> HttpResponse:
        request, password = self.request, form.cleaned_data.get("password")
        if password is not None and not consume(request, action="sign_up_confirm", key=self.link.email):
            raise TooManyRequests(_("Too many tries. Wait 15 minutes, then try again."))
        user = finish_sign_up(link=self.link, password=password, in_same_browser=self.in_same_browser)
        for name in (OPENED, SENT, STARTED):
            request.session.pop(name, None)
        if password is not None:
            record_authentication(request, user, method="password")
        htmx.later_toast(request, title=_("Your account is ready"))
        response: HttpResponse = perform_login(request, Login(user=user, email=user.email))
        return response
