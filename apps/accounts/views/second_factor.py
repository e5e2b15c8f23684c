"""The pages of the second factor. What they show must be kept by nobody, so no answer here is stored."""

from typing import Any

from allauth.account.decorators import reauthentication_required
from allauth.mfa.recovery_codes import views as recovery_views
from allauth.mfa.totp import views as totp_views
from django.contrib.auth.mixins import LoginRequiredMixin
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.cache import never_cache

from apps.accounts.forms import EnableSecondFactorForm
from apps.accounts.second_factor.qr import qr_path
from apps.accounts.views.base import RefusesWith422
from apps.audit.services import record


class SecondFactor(LoginRequiredMixin, View):
    """Where allauth sends people back to: the account's page shows the state."""

    def get(self, request: HttpRequest) -> HttpResponse:
        return HttpResponseRedirect(reverse("account") + "#second-factor")


@method_decorator(never_cache, name="dispatch")
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
        with transaction.atomic():
            response: HttpResponse = super().form_valid(form)
            record(actor=self.request.user, verb="account.second_factor_enabled", target=self.request.user)
        return response


@method_decorator(never_cache, name="dispatch")
class Disable(RefusesWith422, totp_views.DeactivateTOTPView):
    template_name = "accounts/second_factor_off.html"

    def form_valid(self, form: Any) -> HttpResponse:
        with transaction.atomic():
            response: HttpResponse = super().form_valid(form)
            record(actor=self.request.user, verb="account.second_factor_disabled", target=self.request.user)
        return response


@method_decorator(never_cache, name="dispatch")
class RecoveryCodes(recovery_views.ViewRecoveryCodesView):
    """Shown once; later only how many are left."""

    template_name = "accounts/recovery_codes.html"


@method_decorator([never_cache, reauthentication_required(app="allauth.mfa")], name="dispatch")
class NewRecoveryCodes(RefusesWith422, recovery_views.GenerateRecoveryCodesView):
    template_name = "accounts/recovery_codes_new.html"

    def form_valid(self, form: Any) -> HttpResponse:
        with transaction.atomic():
            response: HttpResponse = super().form_valid(form)
            record(actor=self.request.user, verb="account.recovery_codes_made", target=self.request.user)
        return response
