"""The pages of the second factor. allauth shows the forms and looks at the codes; the services change what is kept."""

from typing import Any

from allauth.account.decorators import reauthentication_required
from allauth.mfa.recovery_codes import views as recovery_views
from allauth.mfa.totp import views as totp_views
from allauth.mfa.totp.internal.auth import clear_totp_secret
from django.contrib.auth.mixins import LoginRequiredMixin
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views import View

from apps.accounts import services
from apps.accounts.forms import EnableSecondFactorForm
from apps.accounts.requests import person_of
from apps.accounts.second_factor.qr import qr_path
from apps.accounts.sessions.store import store_of
from apps.accounts.views.base import RefusesWith422
from apps.core.web import htmx


class SecondFactor(LoginRequiredMixin, View):
    """Where allauth sends people back to: the account's page shows the state."""

    def get(self, request: HttpRequest) -> HttpResponse:
        return HttpResponseRedirect(reverse("account") + "#second-factor")


class Enable(RefusesWith422, totp_views.ActivateTOTPView):
    form_class = EnableSecondFactorForm
    template_name = "accounts/second_factor_on.html"

    def get_context_data(self, **context: Any) -> dict[str, Any]:
        found: dict[str, Any] = super().get_context_data(**context)
        secret = found["form"].secret
        return found | {
            "qr": qr_path(found["totp_url"]),
            "secret": " ".join(secret[start : start + 4] for start in range(0, len(secret), 4)),
        }

    def form_valid(self, form: Any) -> HttpResponse:
        keep = store_of(self.request).row
        services.enable_second_factor(actor=person_of(self.request), secret=form.secret, keep=keep)
        clear_totp_secret(self.request)
        return HttpResponseRedirect(reverse("mfa_view_recovery_codes"))


class Disable(RefusesWith422, totp_views.DeactivateTOTPView):
    template_name = "accounts/second_factor_off.html"

    def form_valid(self, form: Any) -> HttpResponse:
        services.disable_second_factor(actor=person_of(self.request))
        htmx.later_toast(self.request, title=_("Second factor turned off"))
        return HttpResponseRedirect(self.get_success_url())


class RecoveryCodes(recovery_views.ViewRecoveryCodesView):
    """Shown once; later only how many are left."""

    template_name = "accounts/recovery_codes.html"
    # Not HEAD: showing them uses up the one time, and nobody would have seen them
    http_method_names = ["get"]


@method_decorator(reauthentication_required(app="allauth.mfa"), name="dispatch")
class NewRecoveryCodes(RefusesWith422, recovery_views.GenerateRecoveryCodesView):
    template_name = "accounts/recovery_codes_new.html"

    def form_valid(self, form: Any) -> HttpResponse:
        services.make_recovery_codes(actor=person_of(self.request))
        return HttpResponseRedirect(self.get_success_url())
