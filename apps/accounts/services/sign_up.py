"""Signing up: asked for by a form, finished by a link that was mailed. Until then there is no account.

An address that has an account already gets another mail and the same page: nobody learns here who has one.
"""

from django.contrib.auth.hashers import check_password, make_password
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.accounts.arrivals import welcome
from apps.accounts.mails import tell_of_account
from apps.accounts.models import MailedLink, SignUp, User
from apps.accounts.problems import LinkEnded
from apps.accounts.services.links import Kind, hours_of, make_link, use_link
from apps.accounts.services.passwords import require_good_password
from apps.audit.changes import fields_of
from apps.audit.services import ANONYMOUS, Target, record
from apps.core.errors import InvalidInput
from apps.core.mail import checked_address, send_mail
from apps.core.names import tidy_name

SHOWN = ("email", "name", "language")


@transaction.atomic
def start_sign_up(*, email: str, password: str, name: str, workspace: str = "", language: str = "en") -> MailedLink:
    """Keep what was typed and mail a link to the address."""
    email = checked_address(email)
    person = User(email=email, name=tidy_name(name))
    require_good_password(password, person)
    sign_up = SignUp.objects.create(
        email=email,
        name=person.name,
        # Also where it will never be used: hashing takes most of the time
        password=make_password(password),
        workspace=workspace.strip(),
        language=language,
    )
    return mail_sign_up_link(sign_up=sign_up, verb="account.sign_up_started")


def mail_sign_up_link(*, sign_up: SignUp, verb: str) -> MailedLink:
    link, address = make_link(kind=Kind.SIGN_UP, email=sign_up.email, language=sign_up.language, sign_up=sign_up)
    if User.objects.filter(email__iexact=sign_up.email).exists():
        tell_of_account(sign_up.email, language=sign_up.language)
    else:
        send_mail(
            to=sign_up.email,
            subject=gettext_lazy("Confirm your address"),
            template="sign_up",
            context={"link": address, "hours": hours_of(link.kind)},
            language=sign_up.language,
        )
    record(actor=ANONYMOUS, verb=verb, target=Target("sign-up", sign_up.pk, sign_up.email))
    return link


@transaction.atomic
def finish_sign_up(*, link: MailedLink, password: str | None = None, in_same_browser: bool = False) -> User:
    """Make the account. In another browser than the one that signed up, the password shows that it's the same person.

    Without that, whoever opens the link of a sign-up that a stranger made in their name would get the stranger's
    password with the account.
    """
    sign_up = use_link(link).sign_up
    if sign_up is None:
        raise LinkEnded
    if not in_same_browser and not check_password(password or "", sign_up.password):
        raise InvalidInput(fields={"password": [_("This isn't the password that you chose when you signed up.")]})
    user = User(email=sign_up.email, name=sign_up.name, language=sign_up.language, password=sign_up.password)
    _save_new(user)
    welcome(user, sign_up.workspace)
    sign_up.delete()
    return user


@transaction.atomic
def register_person(*, email: str, password: str, name: str, language: str = "en") -> User:
    """An account for somebody whose address is known to be theirs, such as through an invitation's link."""
    user = User(email=email.strip().lower(), name=tidy_name(name), language=language)
    require_good_password(password, user)
    user.set_password(password)
    if User.objects.filter(email__iexact=user.email).exists():
        raise InvalidInput(fields={"email": [_("This address has an account. Sign in with it.")]})
    _save_new(user)
    return user


def _save_new(user: User) -> None:
    try:
        with transaction.atomic():
            user.save(force_insert=True)
    except IntegrityError:
        # Someone else got the address since the link was mailed
        raise LinkEnded from None
    record(actor=user, verb="account.signed_up", target=user, after=fields_of(user, SHOWN))
