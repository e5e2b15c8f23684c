"""Where allauth asks us about the second factor: how to keep its secrets, and who may turn it off."""

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from allauth.core import context as allauth_context
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import User
from apps.core import crypto

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


def may_turn_off(user: User) -> bool:
    """Where operators need a second factor, they can make a new one only after a system administrator's reset."""
    return not (settings.OPERATORS_NEED_SECOND_FACTOR and user.is_staff)


class SecondFactorAdapter(DefaultMFAAdapter):
    error_messages = {
        **DefaultMFAAdapter.error_messages,
        "incorrect_code": _("This code isn't right. Type the one that the app shows now."),
        "cannot_delete_authenticator": _("Operators need a second factor here, so it can't be turned off."),
    }

    def can_delete_authenticator(self, authenticator: Authenticator) -> bool:
        return may_turn_off(authenticator.user)

    def encrypt(self, text: str) -> str:
        return base64.b64encode(crypto.seal(text, context=self._context())).decode()

    def decrypt(self, encrypted_text: str) -> str:
        return crypto.open_sealed(base64.b64decode(encrypted_text), context=self._context()).decode()

    def _context(self) -> crypto.Context:
        owner = _owner.get() or str(allauth_context.request.user.pk or "")
        if not owner:
            raise RuntimeError("Nobody is signed in: say whose second factor this is with secrets_of(user).")
        return second_factor_context(owner)
