"""Changing one's address: asked for by the person, done by a link to the new address, told to the old one."""

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.accounts.mails import tell_of_account
from apps.accounts.models import MailedLink, User
from apps.accounts.problems import LinkEnded
from apps.accounts.selectors import pending_change
from apps.accounts.services.links import Kind, end_links, hours_of, make_link, use_link
from apps.audit.services import record
from apps.core.errors import Conflict, InvalidInput
from apps.core.mail import checked_address, send_mail
from apps.core.versions import save_version


@transaction.atomic
def ask_to_change_email(*, actor: User, email: str, verb: str = "account.email_change_asked") -> MailedLink:
    """Mail a link to the new address. Until it's used, the old address stays the one to sign in with."""
    email = checked_address(email)
    if email == actor.email.lower():
        raise InvalidInput(fields={"email": [_("This is your address already.")]})
    end_links(person=actor, kind=Kind.EMAIL)
    link, address = make_link(kind=Kind.EMAIL, email=email, language=actor.language, person=actor)
    if User.objects.filter(email__iexact=email).exists():
        tell_of_account(email, language=actor.language)
    else:
        send_mail(
            to=email,
            subject=gettext_lazy("Confirm your new address"),
            template="email",
            context={"link": address, "old": actor.email, "hours": hours_of(link.kind)},
            language=actor.language,
        )
    record(actor=actor, verb=verb, target=actor, before={"email": actor.email}, after={"email": email})
    return link


@transaction.atomic
def cancel_email_change(*, actor: User) -> None:
    """Keep the address; the link that was mailed leads nowhere."""
    pending = pending_change(actor)
    if pending is None:
        raise Conflict(_("No new address is waiting to be confirmed."))
    end_links(person=actor, kind=Kind.EMAIL)
    record(actor=actor, verb="account.email_change_cancelled", target=actor, before={"email": pending.email})


@transaction.atomic
def confirm_email(*, link: MailedLink) -> User:
    """From now on the new address is the one to sign in with. The old one is told, should it not have been them."""
    used = use_link(link)
    if used.person is None:
        raise LinkEnded
    user = User.objects.select_for_update().get(pk=used.person.pk)
    if User.objects.filter(email__iexact=used.email).exclude(pk=user.pk).exists():
        raise LinkEnded
    old, user.email = user.email, used.email
    save_version(user, "email")
    record(actor=user, verb="account.email_changed", target=user, before={"email": old}, after={"email": user.email})
    send_mail(
        to=old,
        subject=gettext_lazy("Your address was changed"),
        template="email_changed",
        context={"name": str(user), "new": user.email},
        language=user.language,
    )
    return user
