"""What a person is told by mail of what happened to their account, should it not have been them."""

from zoneinfo import ZoneInfo

from django.urls import reverse
from django.utils.translation import gettext_lazy

from apps.accounts.models import Session, User
from apps.core.mail import public_url, send_mail


def tell_of_sign_in(user: User, session: Session) -> None:
    """From a network that nobody had signed in from before."""
    at = session.signed_in_at.astimezone(ZoneInfo(user.time_zone))
    send_mail(
        to=user.email,
        subject=gettext_lazy("A sign-in from somewhere new"),
        template="unfamiliar_sign_in",
        context={
            "name": str(user),
            "browser": str(session.browser),
            "address": session.address,
            "at": f"{at:%Y-%m-%d %H:%M %Z}",
            "account": public_url(reverse("account") + "#sessions"),
        },
        language=user.language,
    )


def tell_of_account(email: str, *, language: str) -> None:
    """In place of a link to confirm an address: somebody has an account with it."""
    send_mail(
        to=email,
        subject=gettext_lazy("You have an account already"),
        template="account_exists",
        context={"sign_in": public_url(reverse("account_login")), "reset": public_url(reverse("account_forgot"))},
        language=language,
    )


def tell_of_new_password(user: User) -> None:
    send_mail(
        to=user.email,
        subject=gettext_lazy("Your password was changed"),
        template="password_changed",
        context={"name": str(user), "reset": public_url(reverse("account_forgot"))},
        language=user.language,
    )


def tell_of_deletion(user: User) -> None:
    send_mail(
        to=user.email,
        subject=gettext_lazy("Your account is deleted"),
        template="account_deleted",
        context={"name": str(user), "email": user.email},
        language=user.language,
    )
