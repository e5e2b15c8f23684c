"""Links that are mailed: made, found again, used up. What using one does is the business of who asked for it."""

import math
import secrets
from datetime import timedelta

from django.db import transaction
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import MailedLink, SignUp, User
from apps.accounts.problems import LinkEnded
from apps.core import clock
from apps.core.crypto import keyed_hash, keyed_hashes
from apps.core.errors import TooManyRequests
from apps.core.mail import public_url
from apps.core.turns import take_turn

Kind = MailedLink.Kind
LASTS = {Kind.SIGN_UP: timedelta(hours=24), Kind.PASSWORD: timedelta(hours=1), Kind.EMAIL: timedelta(hours=24)}
BETWEEN = timedelta(minutes=1)
MOST_IN_AN_HOUR = 5
PURPOSE = "mailed link"


def make_link(
    *, kind: Kind, email: str, language: str, person: User | None = None, sign_up: SignUp | None = None
) -> tuple[MailedLink, str]:
    """A link to mail, and its address. Refused where the address, or the person, got several of them within the hour.

    The caller makes it also where there is nothing to mail it for, and then mails something else: an address with an
    account and one without cost the same, and are limited alike.
    """
    # Many asked for at once are counted one after the other
    take_turn(f"{kind} {person.pk if person else email}")
    whose = Q(email=email) | Q(person=person) if person else Q(email=email)
    recent = MailedLink.objects.filter(whose, kind=kind, created_at__gt=clock.now() - timedelta(hours=1))
    if len(recent[:MOST_IN_AN_HOUR]) == MOST_IN_AN_HOUR:
        raise TooManyRequests(_("Several links were mailed already. Wait an hour, and look in spam meanwhile."))
    token = secrets.token_urlsafe(32)
    link = MailedLink.objects.create(
        kind=kind,
        email=email,
        language=language,
        person=person,
        sign_up=sign_up,
        token_hash=keyed_hash(token, purpose=PURPOSE),
        expires_at=clock.now() + LASTS[kind],
    )
    return link, public_url(reverse("account_link", args=[token]))


def find_link(token: str) -> MailedLink | None:
    """Whatever has become of it. None for one that never was, or was swept away."""
    hashes = keyed_hashes(token, purpose=PURPOSE)
    return MailedLink.objects.select_related("person", "sign_up").filter(token_hash__in=hashes).first()


def get_open(link_id: str | None, kind: Kind) -> MailedLink:
    """The link that somebody has opened, while it can still be used; LinkEnded after that."""
    link = MailedLink.objects.select_related("person", "sign_up").filter(pk=link_id or "", kind=kind).first()
    if link is None or not link.is_open or not _still_fits(link):
        raise LinkEnded
    return link


def use_link(link: MailedLink) -> MailedLink:
    """Mark it used, and those that went out before and after it for the same thing. Of two at once, one gets LinkEnded.

    In the transaction of what it is used for: a refusal leaves it open.
    """
    if not transaction.get_connection().in_atomic_block:
        raise transaction.TransactionManagementError("A link is used up in the transaction of what it's used for.")
    rows = MailedLink.objects.select_for_update(of=("self",)).select_related("person", "sign_up")
    locked = rows.filter(pk=link.pk).first()
    # It may also have gone, with its person
    if locked is None or not locked.is_open or not _still_fits(locked):
        raise LinkEnded
    MailedLink.objects.filter(
        kind=locked.kind, person=locked.person, sign_up=locked.sign_up, used_at__isnull=True
    ).update(used_at=clock.now())
    return locked


def end_links(*, person: User, kind: Kind | None = None) -> int:
    """Let those that are still open lead nowhere; without a kind, those of every kind."""
    now = clock.now()
    still_open = MailedLink.objects.filter(person=person, used_at__isnull=True, expires_at__gt=now)
    return (still_open.filter(kind=kind) if kind else still_open).update(expires_at=now)


def seconds_to_wait(link: MailedLink) -> int:
    """Until another may be sent to the address, for the same thing."""
    sent = MailedLink.objects.filter(email=link.email, kind=link.kind).order_by("-created_at")
    latest = sent.values_list("created_at", flat=True).first() or link.created_at
    return max(0, math.ceil((latest + BETWEEN - clock.now()).total_seconds()))


def hours_of(kind: str) -> int:
    """How long a new one lasts, for the words about it."""
    return int(LASTS[Kind(kind)] / timedelta(hours=1))


def _still_fits(link: MailedLink) -> bool:
    """What it was made for is still there: the sign-up; the person, under the address that the link went to."""
    if link.kind == Kind.SIGN_UP:
        return link.sign_up is not None
    if link.person is None:
        return False
    return link.kind == Kind.EMAIL or link.person.email == link.email
