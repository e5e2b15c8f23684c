"""Signing in and one's own account. allauth does the work; these say where it differs for us."""

from http import HTTPStatus
from typing import Any

from allauth.account import views as account_views
from allauth.account.internal.flows.login import perform_login
from allauth.account.models import Login
from allauth.account.utils import get_next_redirect_url
from allauth.mfa.base import views as factor_views
from django.conf import settings
from django.contrib.auth.mixins import LoginRequiredMixin
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import translation
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views import View
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from apps.accounts import demo, selectors, services
from apps.accounts.forms import (
    CodeForm,
    ConfirmCodeForm,
    ConfirmPasswordForm,
    PasswordForm,
    PreferencesForm,
    SignInForm,
)
from apps.accounts.models import User
from apps.audit.services import record
from apps.core.errors import InvalidInput, NotFound, StaleVersion
from apps.core.web import htmx
from apps.core.web.forms import add_errors


class RefusesWith422:
    """A form that is refused comes back with its status: 422, or 429 after too many tries."""

    def form_invalid(self, form: Any) -> HttpResponse:
        response: HttpResponse = super().form_invalid(form)  # type: ignore[misc]
        codes = {error.code for errors in form.errors.as_data().values() for error in errors}
        waiting = codes & {"too_many_login_attempts", "rate_limited"}
        response.status_code = HTTPStatus.TOO_MANY_REQUESTS if waiting else HTTPStatus.UNPROCESSABLE_ENTITY
        return response


class SignIn(RefusesWith422, account_views.LoginView):
    form_class = SignInForm
    template_name = "accounts/sign_in.html"

    def get_context_data(self, **context: Any) -> dict[str, Any]:
        return {**super().get_context_data(**context), "demo": demo.groups_to_offer()}


class SignInCode(RefusesWith422, factor_views.AuthenticateView):
    """The second factor, as a code of the app; with ?recovery=1 the page asks for a recovery code."""

    form_class = CodeForm
    template_name = "accounts/totp.html"

    def get_context_data(self, **context: Any) -> dict[str, Any]:
        return {
            **super().get_context_data(**context),
            "person": self.stage.login.user,
            "by_recovery_code": "recovery" in self.request.GET,
        }


class SignOut(account_views.LogoutView):
    template_name = "accounts/sign_out.html"


class Inactive(account_views.AccountInactiveView):
    template_name = "accounts/inactive.html"


class Confirm(RefusesWith422, account_views.ReauthenticateView):
    """Asks who it is, before something dangerous."""

    form_class = ConfirmPasswordForm
    template_name = "accounts/confirm.html"


class ConfirmByCode(RefusesWith422, factor_views.ReauthenticateView):
    form_class = ConfirmCodeForm
    template_name = "accounts/confirm.html"


class Account(LoginRequiredMixin, View):
    """One's own account: what it is called, how it signs in, how the console looks."""

    def get(self, request: HttpRequest) -> HttpResponse:
        return show_account(request)


def show_account(request: HttpRequest, *, status: int = 200, **forms: Any) -> HttpResponse:
    user = request.user
    assert isinstance(user, User)
    context = {
        "preferences": PreferencesForm(initial=selectors.preferences_of(user)),
        "password_form": PasswordForm(user),
        "password_changed_at": selectors.password_changed_at(user),
        "second_factor": selectors.second_factor_of(user),
        **forms,
    }
    return htmx.vary(render(request, "accounts/index.html", context, status=status))


class ChangePassword(LoginRequiredMixin, account_views.PasswordChangeView):
    """Its form stands on the account's page, so that is where a refusal shows it again."""

    form_class = PasswordForm

    def get(self, request: HttpRequest, *arguments: Any, **names: Any) -> HttpResponse:
        return HttpResponseRedirect(reverse("account") + "#password")

    def form_valid(self, form: Any) -> HttpResponse:
        with transaction.atomic():
            response: HttpResponse = super().form_valid(form)
            record(actor=self.request.user, verb="account.password_changed", target=self.request.user)
        return response

    def form_invalid(self, form: Any) -> HttpResponse:
        return show_account(self.request, status=HTTPStatus.UNPROCESSABLE_ENTITY, password_form=form)


class ChangePreferences(LoginRequiredMixin, View):
    """Name, language and theme. The console's page saves language and theme as they are chosen."""

    def post(self, request: HttpRequest) -> HttpResponse:
        user = request.user
        assert isinstance(user, User)
        form = PreferencesForm(request.POST)
        try:
            if not form.is_valid():
                raise InvalidInput(fields={name: [str(text) for text in texts] for name, texts in form.errors.items()})
            user = services.change_preferences(actor=user, user=user, **form.given())
        except InvalidInput as problem:
            add_errors(form, problem)
            return show_account(request, status=problem.status, preferences=form)
        except StaleVersion as problem:
            return show_account(request, status=problem.status, conflict=problem)
        with translation.override(user.language):
            htmx.later_toast(request, title=_("Saved"))
        return htmx.redirect(request, reverse("account"))


@require_POST
def switch_theme(request: HttpRequest) -> HttpResponse:
    """From the account's menu; the page has changed already."""
    if not request.user.is_authenticated:
        raise NotFound
    services.set_theme(actor=request.user, theme=request.POST.get("theme", ""))
    return _switched(request)


@require_POST
def switch_language(request: HttpRequest) -> HttpResponse:
    """With the account for someone signed in, in a cookie for a visitor."""
    language = request.POST.get("language", "")
    if language not in dict(settings.LANGUAGES):
        raise InvalidInput(fields={"language": [_("Choose one of those offered.")]})
    if request.user.is_authenticated:
        services.set_language(actor=request.user, language=language)
    response = _switched(request, reload=True)
    response.set_cookie(
        settings.LANGUAGE_COOKIE_NAME,
        language,
        max_age=settings.LANGUAGE_COOKIE_AGE,
        httponly=True,
        samesite="Lax",
        secure=request.is_secure(),
    )
    return response


def _switched(request: HttpRequest, *, reload: bool = False) -> HttpResponse:
    """HTMX stays on its page, or loads it anew; a plain form goes back to where it stood."""
    if htmx.is_partial(request):
        response = HttpResponse(status=204)
        if reload:
            response["HX-Refresh"] = "true"
        return htmx.vary(response)
    return HttpResponseRedirect(get_next_redirect_url(request) or reverse("account_login"))


@method_decorator([require_POST, never_cache, sensitive_post_parameters()], name="dispatch")
class DemoSignIn(View):
    """One click on a name. Only while developing, and only for the people of the demo."""

    def post(self, request: HttpRequest) -> HttpResponse:
        user = demo.find_person(request.POST.get("email", "")) if settings.DEBUG else None
        if user is None:
            raise NotFound
        login = Login(user=user, email=user.email, redirect_url=get_next_redirect_url(request))
        response: HttpResponse = perform_login(request, login)
        return response
