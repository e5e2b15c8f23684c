"""Accounts of others, as system administrators manage them."""

from typing import Any

from allauth.mfa.models import Authenticator
from django.db import transaction
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.accounts.rights import require_right
from apps.accounts.services.fields import checked_fields, save_fields
from apps.accounts.services.links import end_links
from apps.accounts.services.passwords import require_good_password
from apps.accounts.services.sessions import end_sessions
from apps.audit.changes import fields_of
from apps.audit.services import Actor, record
from apps.core.errors import Conflict, InvalidInput
from apps.core.mail import checked_address
from apps.core.names import tidy_name

# What an operator changes of somebody else's account
MANAGED = ("email", "name", "is_staff", "is_superuser")


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
    require_right(actor, "people.manage")
    email = checked_address(email)
    if User.objects.filter(email__iexact=email).exists():
        raise InvalidInput(fields={"email": [_("Someone has this address already.")]})
    user = User(email=email, **checked_fields({"name": tidy_name(name), "language": language}))
    user.is_staff, user.is_superuser = is_staff or is_superuser, is_superuser
    require_good_password(password, user)
    user.set_password(password)
    user.save(force_insert=True)
    record(actor=actor, verb="person.created", target=user, after=fields_of(user, MANAGED))
    return user


@transaction.atomic
def change_person(*, actor: Actor, user: User, **values: Any) -> User:
    """Change the name, the address, or whether somebody is an operator."""
    require_right(actor, "people.manage")
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
    becomes_operator = values.get("is_staff", False) and not user.is_staff
    save_fields(user, actor=actor, verb="person.changed", values=values)
    if becomes_operator:
        # Operators sign in with the code in every browser, also in one that was trusted until now
        end_sessions(person=user)
    return user


@transaction.atomic
def deactivate_person(*, actor: Actor, user: User) -> User:
    """Keep somebody out: their sessions end now, and don't come back when they do."""
    require_right(actor, "people.manage")
    if actor.pk == user.pk:
        raise Conflict(_("You can't deactivate your own account."))
    _keep_one_administrator(user)
    save_fields(user, actor=actor, verb="person.deactivated", values={"is_active": False})
    end_sessions(person=user)
    # A new address would otherwise begin to count while nobody may come in
    end_links(person=user)
    return user


@transaction.atomic
def reactivate_person(*, actor: Actor, user: User) -> User:
    require_right(actor, "people.manage")
    save_fields(user, actor=actor, verb="person.reactivated", values={"is_active": True})
    return user


@transaction.atomic
def reset_second_factor(*, actor: Actor, user: User) -> None:
    """For somebody whose phone and codes are lost. They sign in with the password alone until they set one up."""
    require_right(actor, "people.manage")
    removed, _by_model = Authenticator.objects.filter(user_id=user.pk).delete()
    if not removed:
        raise Conflict(_("%(person)s has no second factor.") % {"person": user})
    record(actor=actor, verb="person.second_factor_reset", target=user)


def is_last_administrator(user: User) -> bool:
    others = User.objects.select_for_update().filter(is_superuser=True, is_active=True).exclude(pk=user.pk)
    return user.is_superuser and user.is_active and not others


def _keep_one_administrator(user: User) -> None:
    if is_last_administrator(user):
        raise Conflict(_("%(person)s is the last system administrator.") % {"person": user})
