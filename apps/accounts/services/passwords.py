"""Passwords: what makes one good enough, a link to the address of who forgot theirs, and a new one by it."""

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext_lazy

from apps.accounts.mails import tell_of_new_password
from apps.accounts.models import MailedLink, Session, User
from apps.accounts.problems import LinkEnded
from apps.accounts.services.links import Kind, end_links, hours_of, make_link, use_link
from apps.accounts.services.sessions import end_sessions
from apps.audit.services import ANONYMOUS, Target, record
from apps.core.errors import InvalidInput
from apps.core.mail import checked_address, public_url, send_mail
from apps.core.versions import save_version


@transaction.atomic
def ask_for_password_link(*, email: str, language: str = "en", verb: str = "account.password_forgotten") -> MailedLink:
    """Mail a link. An address without an account is told that it has none, and the page says the same to both."""
    email = checked_address(email)
    user = User.objects.filter(email__iexact=email).first()
    link, address = make_link(
        kind=Kind.PASSWORD, email=email, language=user.language if user else language, person=user
    )
    if user:
        send_mail(
            to=user.email,
            subject=gettext_lazy("Choose a new password"),
            template="password",
            context={"link": address, "name": str(user), "hours": hours_of(link.kind)},
            language=link.language,
        )
    else:
        send_mail(
            to=email,
            subject=gettext_lazy("There is no account with this address"),
            template="no_account",
            context={"email": email, "sign_in": public_url(reverse("account_login"))},
            language=link.language,
        )
    record(actor=ANONYMOUS, verb=verb, target=user or Target("user", label=email))
    return link


@transaction.atomic
def reset_password(*, link: MailedLink, password: str) -> User:
    """Set the password that was forgotten. Every session ends; the second factor stays."""
    user = use_link(link).person
    if user is None:
        raise LinkEnded
    require_good_password(password, user)
    user.set_password(password)
    save_version(user, "password")
    settle_new_password(user, verb="account.password_reset")
    return user


def settle_new_password(user: User, *, verb: str, keep: Session | None = None) -> None:
    """However it was chosen: what else is open into the account ends, and the person is told."""
    end_sessions(person=user, keep=keep)
    # Whoever was in the account may have asked for another address, and would come back by that
    end_links(person=user)
    record(actor=user, verb=verb, target=user)
    tell_of_new_password(user)


def require_good_password(password: str, user: User, *, field: str = "password") -> None:
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise InvalidInput(fields={field: list(error.messages)}) from None
