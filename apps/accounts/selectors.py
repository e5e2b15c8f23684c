from dataclasses import dataclass
from datetime import datetime
from typing import Any

from allauth.mfa import app_settings as second_factor_settings
from allauth.mfa.models import Authenticator
from django.db.models import QuerySet

from apps.accounts import departures
from apps.accounts.models import MailedLink, Session, User
from apps.accounts.sessions.browsers import network_of
from apps.audit.changes import fields_of
from apps.audit.selectors import last_event, list_addresses
from apps.core import clock

# What somebody takes along of their own row
PROFILE = ("id", "email", "name", "language", "theme", "time_zone", "created_at", "last_login")
PREFERENCES = ("name", "language", "theme", "time_zone")
# So many sign-ins of before are looked at for the networks that somebody comes from
REMEMBERED = 200


@dataclass(frozen=True)
class SecondFactorState:
    since: datetime
    last_used_at: datetime | None
    codes_left: int
    codes_of: int
    codes_made_at: datetime | None


def second_factor_of(user: User) -> SecondFactorState | None:
    """None while it is off."""
    kept = {authenticator.type: authenticator for authenticator in Authenticator.objects.filter(user_id=user.pk)}
    totp = kept.get(Authenticator.Type.TOTP)
    if totp is None:
        return None
    codes = kept.get(Authenticator.Type.RECOVERY_CODES)
    total = second_factor_settings.RECOVERY_CODE_COUNT
    return SecondFactorState(
        since=totp.created_at,
        last_used_at=totp.last_used_at,
        codes_left=total - codes.data["used_mask"].bit_count() if codes else 0,
        codes_of=total,
        codes_made_at=codes.created_at if codes else None,
    )


def has_second_factor(user: User) -> bool:
    return bool(Authenticator.objects.filter(user_id=user.pk, type=Authenticator.Type.TOTP).exists())


def password_changed_at(user: User) -> datetime | None:
    """When it was last changed by the person; the account's first password isn't a change."""
    events = [last_event(verb=verb, target=user) for verb in ("account.password_changed", "account.password_reset")]
    return max((event.at for event in events if event), default=None)


def preferences_of(user: User) -> dict[str, Any]:
    return {"version": user.version, **{name: getattr(user, name) for name in PREFERENCES}}


def list_sessions(*, actor: User) -> QuerySet[Session]:
    """Where somebody is signed in."""
    found = Session.objects.filter(person_id=actor.pk, expire_date__gt=clock.now())
    # Whose they are is known
    return found.select_related(None)


def seen(session: Session) -> dict[str, Any]:
    """What is told of a session where it's written down."""
    return {"address": session.address, "signed_in_at": session.signed_in_at}


def data_of(person: User) -> dict[str, Any]:
    """Everything that is kept of a person under their name, but what they did: that is the audit log's to tell."""
    return {
        "profile": fields_of(person, PROFILE),
        "sessions": [
            {"id": session.pk, "browser": str(session.browser), **seen(session), "last_seen_at": session.last_seen_at}
            for session in list_sessions(actor=person)
        ],
        "second_factor": second_factor_of(person),
        **departures.belongings_of(person),
    }


def is_unfamiliar(user: User, address: str) -> bool:
    """Whether nobody has signed in to this account from that network before, though from others."""
    network = network_of(address)
    known = {network_of(each) for each in list_addresses(actor=user, verb="account.signed_in", limit=REMEMBERED)}
    return network is not None and bool(known) and network not in known


def pending_change(user: User) -> MailedLink | None:
    """The address that somebody wants to have, while its link can be used."""
    return (
        MailedLink.objects.filter(
            person=user, kind=MailedLink.Kind.EMAIL, used_at__isnull=True, expires_at__gt=clock.now()
        )
        .order_by("-created_at")
        .first()
    )


def can_send_again(*, actor: Any, link: MailedLink) -> bool:
    """A new address only for its person: it may have been cancelled, and whoever has the old mail can't undo that."""
    if link.kind == MailedLink.Kind.SIGN_UP:
        return link.sign_up is not None
    return link.kind == MailedLink.Kind.PASSWORD or (isinstance(actor, User) and link.person_id == actor.pk)


def can_listen(person: Any, ref: str) -> bool:
    """The topic `account:<person>` tells of one's own sessions."""
    return bool(person.is_authenticated and ref == person.pk)
