from contextlib import suppress
from typing import Any

from allauth.account.forms import ChangePasswordForm, LoginForm, ReauthenticateForm
from allauth.core import context as allauth_context
from allauth.core.internal.cryptokit import normalize_user_code
from allauth.mfa import app_settings as second_factor_settings
from allauth.mfa.adapter import get_adapter
from allauth.mfa.base.forms import AuthenticateForm
from allauth.mfa.base.forms import ReauthenticateForm as CodeReauthenticateForm
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.forms import ActivateTOTPForm
from allauth.mfa.totp.internal.auth import SECRET_SESSION_KEY
from django import forms
from django.conf import settings
from django.core.cache import cache
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import User
from apps.accounts.second_factor.adapter import secrets_of
from apps.accounts.services.second_factor import note_recovery_code, note_refused_code, note_trusted_browser
from apps.core.crypto import CantOpen

CODE_WIDGET = {"autocomplete": "one-time-code", "inputmode": "numeric", "autofocus": True, "placeholder": ""}


class SignInForm(LoginForm):
    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.fields["login"].label = _("E-mail")
        self.fields["login"].widget.attrs = {"autocomplete": "username", "type": "email", "autofocus": True}
        self.fields["password"].widget.attrs = {"autocomplete": "current-password"}
        self.fields["password"].help_text = ""
        self.fields["remember"].label = _("Keep me signed in for 30 days")
        self.fields["remember"].help_text = _("Only on a device of your own")


class _CodeForm:
    """A code of the app or a recovery code, each good for once."""

    user: User
    authenticator: Authenticator
    fields: dict[str, forms.Field]

    def clean_code(self) -> str:
        with secrets_of(self.user):
            code: str = super().clean_code()  # type: ignore[misc]
        # A code counts for its own 30 seconds and those around them; so long it must not count again
        seconds = second_factor_settings.TOTP_PERIOD * (2 * second_factor_settings.TOTP_TOLERANCE + 1)
        is_totp = self.authenticator.type == Authenticator.Type.TOTP
        # allauth reads past spaces and dashes: `123 456` is the same code again
        used = f"second-factor:{self.user.pk}:{normalize_user_code(code)}"
        if is_totp and not cache.add(used, True, timeout=seconds):
            raise forms.ValidationError(_("This code was used just now. Wait for the next one."), code="used")
        return code

    def _emit_authentication_failed(self, authenticator: Authenticator) -> None:
        note_refused_code(user=self.user)


class CodeForm(_CodeForm, AuthenticateForm):
    trust = forms.BooleanField(
        required=False,
        label=_("Don't ask on this device for 30 days"),
        help_text=_("It asks again when your password or second factor changes."),
    )

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        if self.user.is_staff:
            del self.fields["trust"]

    @property
    def trusts_browser(self) -> bool:
        """Only with a code of the app: who needs a recovery code isn't at a device of their own as a rule."""
        return self.authenticator.type == Authenticator.Type.TOTP and bool(self.cleaned_data.get("trust"))

    @transaction.atomic
    def save(self) -> None:
        super().save()
        if self.authenticator.type == Authenticator.Type.RECOVERY_CODES:
            note_recovery_code(actor=self.user)
        elif self.trusts_browser:
            note_trusted_browser(actor=self.user)


class ConfirmCodeForm(_CodeForm, CodeReauthenticateForm):
    pass


class ConfirmPasswordForm(ReauthenticateForm):
    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.fields["password"].label = _("Password")
        self.fields["password"].widget.attrs = {"autocomplete": "current-password", "autofocus": True}


class EnableSecondFactorForm(ActivateTOTPForm):
    def __init__(self, *arguments: Any, **options: Any) -> None:
        """Until the factor is on, allauth keeps its key in the session: there too it lies in the database sealed."""
        session, adapter = allauth_context.request.session, get_adapter()
        if sealed := session.pop(SECRET_SESSION_KEY, None):
            # One that can't be opened any more is made anew
            with suppress(CantOpen, ValueError):
                session[SECRET_SESSION_KEY] = adapter.decrypt(sealed)
        super().__init__(*arguments, **options)
        session[SECRET_SESSION_KEY] = adapter.encrypt(self.secret)
        self.fields["code"].label = _("Code")
        self.fields["code"].widget.attrs = {**CODE_WIDGET, "class": "otp grow", "maxlength": 6}


class PasswordForm(ChangePasswordForm):
    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        for name, label, autocomplete in (
            ("oldpassword", _("Password now"), "current-password"),
            ("password1", _("New password"), "new-password"),
            ("password2", _("And again"), "new-password"),
        ):
            self.fields[name].label = label
            self.fields[name].widget.attrs = {"autocomplete": autocomplete}
        self.fields["password1"].help_text = _("12 characters or more.")


class PreferencesForm(forms.Form):
    """Each field on its own or all together: what isn't sent stays as it is."""

    version = forms.IntegerField(required=False, widget=forms.HiddenInput)
    name = forms.CharField(label=_("Name"), max_length=120, required=False)
    language = forms.ChoiceField(label=_("Language"), choices=settings.LANGUAGES, required=False)
    theme = forms.ChoiceField(label=_("Theme"), choices=User.Theme.choices, required=False)
    time_zone = forms.CharField(label=_("Time zone"), required=False)

    def given(self) -> dict[str, Any]:
        return {name: value for name, value in self.cleaned_data.items() if name in self.data}
