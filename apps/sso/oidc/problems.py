"""Every way in which a sign-in through a provider can be refused, each with its own words."""

from collections.abc import Sequence
from typing import Any, ClassVar

from django.utils.translation import gettext_lazy as _

from apps.core.errors import Problem, Text


class SignInRefused(Problem):
    """The root. `reason` is for the log, `detail` for people; `can_retry` offers to begin again."""

    slug = "sso-refused"
    status = 403
    title = _("The provider didn't sign you in")
    advice = _("Try again. If it stays like this, show this page to whoever looks after the provider.")
    can_retry: ClassVar[bool] = True

    def __init__(self, detail: Text = "", *, reason: str = "", **told: Any) -> None:
        self.reason = reason
        super().__init__(detail, **told)


# --- The provider ----------------------------------------------------------------------------------


class ProviderUnreachable(SignInRefused):
    slug = "sso-provider-unreachable"
    status = 503
    title = _("The provider doesn't answer")
    advice = _("Try again in a minute. If you also have a password here, sign in with that.")


class ProviderConfused(SignInRefused):
    slug = "sso-provider-misconfigured"
    status = 502
    title = _("The provider isn't set up right")
    advice = _("An operator can test the connection in the admin, which says what is wrong.")


class ProviderDisabled(SignInRefused):
    slug = "sso-provider-disabled"
    title = _("This way of signing in is turned off")
    advice = _("An operator has turned it off. Sign in another way, or ask them to turn it on.")
    can_retry = False


# --- What came back in the browser -----------------------------------------------------------------


class SignInOutdated(SignInRefused):
    slug = "sso-sign-in-outdated"
    status = 400
    title = _("This sign-in was used already or took too long")
    advice = _("Each attempt counts once, for 10 minutes, in the browser that began it. Begin again.")


class SignInCancelled(SignInRefused):
    slug = "sso-cancelled"
    title = _("You cancelled the sign-in")
    advice = _("The provider says that you didn't agree to sign in here. Nothing was changed.")


class CodeRefused(SignInRefused):
    slug = "sso-code-refused"
    status = 400
    title = _("The provider refused its own code")
    advice = _("A code counts once and only for a moment; this one was used already or is too old. Begin again.")


# --- What the ID token says ------------------------------------------------------------------------


class TokenRefused(SignInRefused):
    slug = "sso-token-invalid"
    title = _("What the provider sent can't be trusted")
    advice = _("Its signature or its form isn't right, so nobody was signed in. Tell an operator.")


class WrongIssuer(TokenRefused):
    slug = "sso-wrong-issuer"
    title = _("The answer came from another provider")
    advice = _("It names another issuer than the one that is set up here, so nobody was signed in. Tell an operator.")


class WrongAudience(TokenRefused):
    slug = "sso-wrong-audience"
    title = _("The answer was meant for another application")
    advice = _("It names another client than ours, so nobody was signed in. Tell an operator to compare the client id.")


class StaleNonce(TokenRefused):
    slug = "sso-stale-nonce"
    title = _("The answer belongs to another sign-in")
    advice = _("It was made for an earlier attempt, so it may have been replayed. Begin again.")


class TokenExpired(TokenRefused):
    slug = "sso-token-expired"
    status = 400
    title = _("The provider's answer has expired")
    advice = _("Begin again. If it stays like this, an operator should compare the clocks of both servers.")


class NotConfirmed(TokenRefused):
    slug = "sso-not-confirmed"
    title = _("The provider didn't ask who you are")
    advice = _("To go on, sign in there anew, as the same person. Try again.")


# --- Who it is -------------------------------------------------------------------------------------


class AddressMissing(SignInRefused):
    slug = "sso-address-missing"
    title = _("The provider doesn't say your e-mail address")
    advice = _("An account here needs one. Ask whoever looks after the provider to send it.")


class AddressUnverified(SignInRefused):
    slug = "sso-address-unverified"
    title = _("The provider hasn't verified your e-mail address")
    advice = _(
        "It may be somebody else's, so it lets nobody in. Have it verified there; or if you have an account here, sign "
        "in with your password and link the provider on your account's page."
    )


class AddressNotVouched(SignInRefused):
    slug = "sso-address-not-vouched"
    title = _("This provider can't vouch for your address")
    advice = _(
        "It speaks for the addresses of other domains only. If you have an account here, sign in with your password "
        "and link the provider on your account's page."
    )


class LinkByHand(SignInRefused):
    slug = "sso-link-by-hand"
    title = _("Link this provider yourself first")
    advice = _(
        "Your account isn't joined by its address alone. Sign in with your password, then link the provider on your "
        "account's page."
    )
    can_retry = False


class LinkedToAnother(SignInRefused):
    slug = "sso-linked-to-another"
    status = 409
    title = _("This identity is linked to another account")
    advice = _("Each identity at the provider opens one account. Sign in with it to see which, and unlink it there.")
    can_retry = False


class NoRole(SignInRefused):
    slug = "sso-no-role"
    title = _("Signed in, but without a role")
    advice = _("None of your groups gives a role in a workspace here. Ask whoever looks after the groups.")

    def __init__(
        self,
        detail: Text = "",
        *,
        email: str = "",
        groups: Sequence[str] = (),
        wanted: Sequence[str] = (),
        **told: Any,
    ) -> None:
        self.email, self.groups, self.wanted = email, groups, wanted
        super().__init__(detail, reason=f"groups: {', '.join(groups) or 'none'}", **told)
