"""Taking one's data along, and going for good."""

from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from apps.accounts import departures
from apps.accounts.mails import tell_of_deletion
from apps.accounts.models import User
from apps.accounts.selectors import list_sessions, second_factor_of
from apps.accounts.services.people import is_last_administrator
from apps.accounts.services.sessions import end_sessions, seen
from apps.audit.changes import fields_of
from apps.audit.services import record
from apps.core.errors import Conflict, NotAllowed, NotFound, Text

# What somebody takes along of their own row
PROFILE = ("id", "email", "name", "language", "theme", "time_zone", "created_at", "last_login")


@transaction.atomic
def take_data(*, actor: User) -> dict[str, Any]:
    """Everything that is kept of a person under their name, but what they did: that is the audit log's to tell."""
    record(actor=actor, verb="account.data_taken", target=actor)
    return {
        "profile": fields_of(actor, PROFILE),
        "sessions": [
            {"id": session.pk, "browser": str(session.browser), **seen(session), "last_seen_at": session.last_seen_at}
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


def list_reasons_to_stay(person: User) -> list[Text]:
    """What has to be settled before this person can go."""
    reasons = departures.reasons_to_stay(person)
    if is_last_administrator(person):
        reasons.append(_("You're the last system administrator. Make someone else one first."))
    return reasons
