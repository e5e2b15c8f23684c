from typing import Any

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from apps.accounts import departures
from apps.accounts.links import end_links
from apps.accounts.mails import tell_of_deletion
from apps.accounts.models import Session, User
from apps.accounts.selectors import list_sessions, second_factor_of
from apps.accounts.sign_up import require_good_password
from apps.accounts.zones import zone_names
from apps.audit.changes import changes, fields_of
from apps.audit.services import Actor, record
from apps.core.errors import Conflict, InvalidInput, NotAllowed, NotFound, Text
from apps.core.events import publish
from apps.core.mail import checked_address
from apps.core.names import tidy_name
from apps.core.versions import save_version

# What an operator changes of somebody else's account
MANAGED = ("email", "name", "is_staff", "is_superuser")
# What somebody takes along of their own row
PROFILE = ("id", "email", "name", "language", "theme", "time_zone", "created_at", "last_login")


@transaction.atomic
def change_preferences(
    *,
    actor: User,
    user: User,
    version: int | None = None,
    name: str | None = None,
    language: str | None = None,
    theme: str | None = None,
    time_zone: str | None = None,
) -> User:
    """Change what is given. With a version, only if the account is still the one that was read."""
    if actor.pk != user.pk:
        raise NotAllowed(_("Preferences are each person's own."))
    given = {"name": name, "language": language, "theme": theme, "time_zone": time_zone}
    wanted = {key: value for key, value in given.items() if value is not None}
    user = User.objects.get(pk=user.pk)
    if version is not None:
        user.version = version
    if "name" in wanted:
        wanted["name"] = tidy_name(wanted["name"])
    _save(actor=actor, user=user, verb="account.preferences_changed", values=_checked(wanted))
    return user


def set_language(*, actor: User, language: str) -> User:
    return _switch(actor=actor, language=language)


def set_theme(*, actor: User, theme: str) -> User:
    return _switch(actor=actor, theme=theme)


@transaction.atomic
def revoke_session(*, actor: User, session: Session) -> None:
    """End one of one's own sessions: whoever has its cookie is asked to sign in."""
    ended, _by_model = Session.objects.filter(pk=session.pk, person_id=actor.pk).delete()
    if not ended:
        raise NotFound
    record(actor=actor, verb="account.session_revoked", target=session, before=_seen(session))
    publish(f"account:{actor.pk}", "session-ended", session.pk)


@transaction.atomic
def revoke_other_sessions(*, actor: User, keep: Session | None) -> int:
    """End all of one's own sessions but the one at hand, if there is one; answers how many."""
    ended = end_sessions(person=actor, keep=keep)
    if ended:
        record(actor=actor, verb="account.other_sessions_revoked", target=actor, after={"ended": ended})
    return ended


@transaction.atomic
def end_sessions(*, person: User, keep: Session | None = None) -> int:
    """Part of what changes how somebody signs in, which writes down that."""
    ended, _by_model = Session.objects.filter(person_id=person.pk).exclude(pk=keep.pk if keep else "").delete()
    if ended:
        publish(f"account:{person.pk}", "session-ended")
    return ended


@transaction.atomic
def take_data(*, actor: User) -> dict[str, Any]:
    """Everything that is kept of a person under their name, but what they did: that is the audit log's to tell."""
    record(actor=actor, verb="account.data_taken", target=actor)
    return {
        "profile": fields_of(actor, PROFILE),
        "sessions": [
            {"id": session.pk, "browser": str(session.browser), **_seen(session), "last_seen_at": session.last_seen_at}
            for session in list_sessions(actor=actor)
        ],
        "second_factor": second_factor_of(actor),
        **departures.belongings_of(actor),
    }


@transaction.atomic
def delete_account(*, actor: User, user: User) -> None:
    """Delete one's own account for good, with all that hangs on it. The audit log keeps what was done, and the name."""
    if actor.pk != user.pk:
        raise NotAllowed(_("An account is deleted by the person themselves. Deactivate it instead."))
    person = User.objects.select_for_update().filter(pk=user.pk).first()
    if person is None:
        raise NotFound
    if reasons := list_reasons_to_stay(person):
        raise Conflict(" ".join(str(reason) for reason in reasons))
    record(actor=person, verb="account.deleted", target=person, before=fields_of(person, ("email", "name")))
    tell_of_deletion(person)
    departures.leave_everything(person)
    end_sessions(person=person)
    person.delete()


@transaction.atomic
def create_person(
    *,
    actor: Actor,
    email: str,
    password: str,
    name: str = "",
    language: str = "en",
    is_staff: bool = False,
    is_superuser: bool = False,
) -> User:
    """Make an account for somebody, by a system administrator or the platform itself."""
    _require_administrator(actor)
    email = checked_address(email)
    if User.objects.filter(email__iexact=email).exists():
        raise InvalidInput(fields={"email": [_("Someone has this address already.")]})
    user = User(email=email, **_checked({"name": tidy_name(name), "language": language}))
    user.is_staff, user.is_superuser = is_staff or is_superuser, is_superuser
    require_good_password(password, user)
    user.set_password(password)
    user.save(force_insert=True)
    record(actor=actor, verb="person.created", target=user, after=fields_of(user, MANAGED))
    return user


@transaction.atomic
def change_person(*, actor: Actor, user: User, **values: Any) -> User:
    """Change the name, the address, or whether somebody is an operator."""
    _require_administrator(actor)
    unknown = set(values) - set(MANAGED)
    if unknown:
        raise TypeError(f"change_person() doesn't change {', '.join(sorted(unknown))}.")
    if "email" in values:
        values["email"] = checked_address(values["email"])
        if User.objects.filter(email__iexact=values["email"]).exclude(pk=user.pk).exists():
            raise InvalidInput(fields={"email": [_("Someone has this address already.")]})
    if "name" in values:
        values["name"] = tidy_name(values["name"])
    if values.get("is_superuser"):
        values["is_staff"] = True
    if not values.get("is_superuser", True):
        _keep_one_administrator(user)
    _save(actor=actor, user=user, verb="person.changed", values=values)
    return user


@transaction.atomic
def deactivate_person(*, actor: Actor, user: User) -> User:
    """Keep somebody out: their sessions end now, and don't come back when they do."""
    _require_administrator(actor)
    if actor.pk == user.pk:
        raise Conflict(_("You can't deactivate your own account."))
    _keep_one_administrator(user)
    _save(actor=actor, user=user, verb="person.deactivated", values={"is_active": False})
    end_sessions(person=user)
    # A new address would otherwise begin to count while nobody may come in
    end_links(person=user)
    return user


@transaction.atomic
def reactivate_person(*, actor: Actor, user: User) -> User:
    _require_administrator(actor)
    _save(actor=actor, user=user, verb="person.reactivated", values={"is_active": True})
    return user


@transaction.atomic
def reset_second_factor(*, actor: Actor, user: User) -> None:
    """For somebody whose phone and codes are lost. They sign in with the password alone until they set one up."""
    _require_administrator(actor)
    removed, _by_model = Authenticator.objects.filter(user_id=user.pk).delete()
    if not removed:
        raise Conflict(_("%(person)s has no second factor.") % {"person": user})
    record(actor=actor, verb="person.second_factor_reset", target=user)


@transaction.atomic
def _switch(*, actor: User, **values: str) -> User:
    """A quick switch knows no version: the last one counts, so it waits for its turn at the row."""
    user = User.objects.select_for_update().get(pk=actor.pk)
    _save(actor=actor, user=user, verb="account.preferences_changed", values=_checked(values))
    return user


def _save(*, actor: Actor, user: User, verb: str, values: dict[str, Any]) -> None:
    """Save what differs and write it down; nothing differs, nothing is written."""
    before, after = changes(fields_of(user, values), values)
    if not after:
        return
    for name, value in after.items():
        setattr(user, name, value)
    save_version(user, *after)
    record(actor=actor, verb=verb, target=user, before=before, after=after)


def _checked(values: dict[str, Any]) -> dict[str, Any]:
    """The values, or InvalidInput with what is wrong with each."""
    allowed = {
        "language": {code for code, _name in settings.LANGUAGES},
        "theme": set(User.Theme.values),
        "time_zone": zone_names(),
    }
    errors = {
        name: [_("Choose one of those offered.")] for name in allowed if values.get(name) not in {None, *allowed[name]}
    }
    longest = User._meta.get_field("name").max_length or 0
    if len(values.get("name", "")) > longest:
        errors["name"] = [_("Use %(limit)d characters or fewer.") % {"limit": longest}]
    if errors:
        raise InvalidInput(fields=errors)
    return values


def _seen(session: Session) -> dict[str, Any]:
    return {"address": session.address, "signed_in_at": session.signed_in_at}


def _require_administrator(actor: Actor) -> None:
    if isinstance(actor, User) and not (actor.is_active and actor.is_superuser):
        raise NotAllowed(_("Managing people takes a system administrator."), role="system-admin")


def list_reasons_to_stay(person: User) -> list[Text]:
    """What has to be settled before this person can go."""
    reasons = departures.reasons_to_stay(person)
    if _is_last_administrator(person):
        reasons.append(_("You're the last system administrator. Make someone else one first."))
    return reasons


def _is_last_administrator(user: User) -> bool:
    others = User.objects.select_for_update().filter(is_superuser=True, is_active=True).exclude(pk=user.pk)
    return user.is_superuser and user.is_active and not others


def _keep_one_administrator(user: User) -> None:
    if _is_last_administrator(user):
        raise Conflict(_("%(person)s is the last system administrator.") % {"person": user})
