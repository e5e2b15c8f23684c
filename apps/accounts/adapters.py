"""Where allauth asks us: what to write down, what to say, how to keep the second factor's secrets."""

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core import context as allauth_context
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.db import transaction
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import User
from apps.audit.services import ANONYMOUS, Target, record
from apps.core import crypto
from apps.core.web import htmx

# allauth says these by template; what isn't here goes unsaid, as the page itself shows it
SAID = {
    "account/messages/password_changed.txt": _("Password changed"),
    "mfa/messages/totp_deactivated.txt": _("Second factor turned off"),
}


class AccountAdapter(DefaultAccountAdapter):
    error_messages = {
        **DefaultAccountAdapter.error_messages,
        "email_password_mismatch": _("E-mail and password don't match."),
        "too_many_login_attempts": _("Too many tries. Wait 15 minutes, then try again."),
        "rate_limited": _("Too many tries. Wait a few minutes, then try again."),
        "incorrect_code": _("This code isn't right. Type the one that the app shows now."),
        "incorrect_password": _("This isn't your password."),
        "enter_current_password": _("This isn't your password."),
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def login(self, request: HttpRequest, user: User) -> None:
        with transaction.atomic():
            super().login(request, user)
            record(actor=user, verb="account.signed_in", target=user)

    def logout(self, request: HttpRequest) -> None:
        user = request.user
        with transaction.atomic():
            super().logout(request)
            if isinstance(user, User):
                record(actor=user, verb="account.signed_out", target=user)

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:
        """The address alone. allauth counts for each Host header too, whose port anybody can vary."""
        return str(credentials.get("email", "")).strip().lower()

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        """Also for an address that nobody has, so that trying addresses shows in the log."""
        email = str(credentials.get("email", ""))
        user = User.objects.filter(email__iexact=email).first()
        with transaction.atomic():
            record(
                actor=ANONYMOUS,
                verb="account.sign_in_failed",
                target=user or Target("user", label=email),
                after={"reason": "password"},
            )

    def add_message(
        self, request: HttpRequest, level: int, message_template: str | None = None, *arguments: Any, **options: Any
    ) -> None:
        title = SAID.get(message_template or "")
        if title:
            htmx.later_toast(request, title=title)

    def get_client_ip(self, request: HttpRequest) -> str:
        return str(request.META.get("REMOTE_ADDR") or "unknown")

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        return reverse("account") + "#password"


_owner: ContextVar[str] = ContextVar("imp_second_factor_owner", default="")


@contextmanager
def secrets_of(user: User) -> Iterator[None]:
    """Whose second factor is at hand, while nobody is signed in yet."""
    token = _owner.set(user.pk)
    try:
        yield
    finally:
        _owner.reset(token)


def second_factor_context(user_id: str) -> crypto.Context:
    """Bound to the person, so that nobody's second factor works in another account."""
    return ("mfa_authenticator", "data", user_id)


class SecondFactorAdapter(DefaultMFAAdapter):
    error_messages = {
        **DefaultMFAAdapter.error_messages,
        "incorrect_code": _("This code isn't right. Type the one that the app shows now."),
        "cannot_delete_authenticator": _("Operators need a second factor here, so it can't be turned off."),
    }

    def can_delete_authenticator(self, authenticator: Authenticator) -> bool:
        """Where operators need a second factor, they can make a new one only after a system administrator's reset."""
        return not (settings.OPERATORS_NEED_SECOND_FACTOR and authenticator.user.is_staff)

    def encrypt(self, text: str) -> str:
        return base64.b64encode(crypto.seal(text, context=self._context())).decode()

    def decrypt(self, encrypted_text: str) -> str:
        return crypto.open_sealed(base64.b64decode(encrypted_text), context=self._context()).decode()

    def _context(self) -> crypto.Context:
        owner = _owner.get() or str(allauth_context.request.user.pk or "")
        if not owner:
            raise RuntimeError("Nobody is signed in: say whose second factor this is with secrets_of(user).")
        return second_factor_context(owner)
