"""Signing in and out. allauth does the work; these say where it differs for us."""

from typing import Any

from allauth.account import views as account_views
from allauth.account.internal.flows.login import perform_login
from allauth.account.models import Login
from allauth.account.utils import get_next_redirect_url
from allauth.mfa.base import views as factor_views
from allauth.mfa.internal.flows.trust import trust_browser
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from apps.accounts import demo
from apps.accounts.forms import CodeForm, SignInForm
from apps.accounts.views.base import RefusesWith422
from apps.core.errors import NotFound


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

    def form_valid(self, form: CodeForm) -> HttpResponse:
        answer: HttpResponse = super().form_valid(form)
        if form.trusts_browser:
            trust_browser(self.request, self.stage.login.user, answer)
        return answer

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
