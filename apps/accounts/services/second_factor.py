"""The second factor of one's own account. That it's really them is asked by the pages, which know the session."""

from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP
from django.db import transaction
from django.utils.translation import gettext as _

from apps.accounts.models import Session, User
from apps.accounts.second_factor.adapter import may_turn_off, secrets_of
from apps.accounts.selectors import has_second_factor
from apps.accounts.services.sessions import revoke_other_sessions
from apps.audit.services import ANONYMOUS, record
from apps.core.errors import Conflict, NotAllowed


@transaction.atomic
def enable_second_factor(*, actor: User, secret: str, keep: Session | None = None) -> None:
    """Ask for a code of the app that holds this key, from the next sign-in on; recovery codes come with it.

    All sessions but the one at hand end: the password alone opened them, whoever knew it.
    """
    _wait_for_turn(actor)
    if has_second_factor(actor):
        raise Conflict(_("Your second factor is on already."))
    with secrets_of(actor):
        TOTP.activate(actor, secret)
        RecoveryCodes.activate(actor)
    record(actor=actor, verb="account.second_factor_enabled", target=actor)
    revoke_other_sessions(actor=actor, keep=keep)


@transaction.atomic
def disable_second_factor(*, actor: User) -> None:
    """The password alone lets them in again; the recovery codes go too."""
    _wait_for_turn(actor)
    if not may_turn_off(actor):
        raise NotAllowed(_("Operators need a second factor here, so it can't be turned off."))
    removed, _by_model = Authenticator.objects.filter(user_id=actor.pk).delete()
    if not removed:
        raise Conflict(_("Your second factor is off already."))
    record(actor=actor, verb="account.second_factor_disabled", target=actor)


@transaction.atomic
def make_recovery_codes(*, actor: User) -> None:
    """New ones, to be shown once. Those of before stop working."""
    _wait_for_turn(actor)
    if not has_second_factor(actor):
        raise Conflict(_("Turn on the second factor first."))
    Authenticator.objects.filter(user_id=actor.pk, type=Authenticator.Type.RECOVERY_CODES).delete()
    with secrets_of(actor):
        RecoveryCodes.activate(actor)
    record(actor=actor, verb="account.recovery_codes_made", target=actor)


@transaction.atomic
def note_recovery_code(*, actor: User) -> None:
    """One was used in place of a code of the app."""
    record(actor=actor, verb="account.recovery_code_used", target=actor)


@transaction.atomic
def note_trusted_browser(*, actor: User) -> None:
    """With this browser the password alone lets them in, for a while."""
    record(actor=actor, verb="account.browser_trusted", target=actor)


@transaction.atomic
def note_refused_code(*, user: User) -> None:
    """Whoever typed it knew the password, and isn't signed in."""
    record(actor=ANONYMOUS, verb="account.sign_in_failed", target=user, after={"reason": "second factor"})


def _wait_for_turn(actor: User) -> None:
    """Of two requests at once, the second sees what the first did."""
    User.objects.select_for_update().get(pk=actor.pk)
