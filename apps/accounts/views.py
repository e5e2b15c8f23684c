"""Signing in and out, and the switches of every page. allauth does the work; these say where it differs for us."""

from http import HTTPStatus
from typing import Any

from allauth.account import views as account_views
from allauth.account.adapter import get_adapter
from allauth.account.internal.flows.login import perform_login
from allauth.account.models import Login
from allauth.account.utils import get_next_redirect_url
from allauth.mfa.base import views as factor_views
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views import View
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from apps.accounts import demo, services
from apps.accounts.forms import (
    CodeForm,
    ConfirmCodeForm,
    ConfirmPasswordForm,
    SignInForm,
)
from apps.core.errors import InvalidInput, NotFound
from apps.core.web import htmx


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
        offers = {"demo": demo.groups_to_offer(), "is_sign_up_open": settings.SIGN_UP_IS_OPEN}
        return {**super().get_context_data(**context), **offers}


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


class _RotatesKey:
    """A key that was known before doesn't gain what the confirmation gives."""

    request: HttpRequest

    def form_valid(self, form: Any) -> HttpResponse:
        self.request.session.cycle_key()
        response: HttpResponse = super().form_valid(form)  # type: ignore[misc]
        return response


class Confirm(_RotatesKey, RefusesWith422, account_views.ReauthenticateView):
    """Asks who it is, before something dangerous."""

    form_class = ConfirmPasswordForm
    template_name = "accounts/confirm.html"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Somebody who has nothing to type and no provider to ask comes in anew instead."""
        if request.user.is_authenticated and not get_adapter(request).get_reauthentication_methods(request.user):
            return render(request, "accounts/confirm_by_sign_in.html", {"next": get_next_redirect_url(request)})
        response: HttpResponseBase = super().dispatch(request, *args, **kwargs)
        return response


class ConfirmByCode(_RotatesKey, RefusesWith422, factor_views.ReauthenticateView):
    form_class = ConfirmCodeForm
    template_name = "accounts/confirm.html"


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
