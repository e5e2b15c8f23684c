"""Taking one's data along, and going for good."""

from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from apps.accounts import departures
from apps.accounts.mails import tell_of_deletion
from apps.accounts.models import User
from apps.accounts.selectors import data_of
from apps.accounts.services.people import is_last_administrator
from apps.accounts.services.sessions import end_sessions
from apps.audit.changes import fields_of
from apps.audit.selectors import last_event
from apps.audit.services import record
from apps.core import clock, context
from apps.core.errors import Conflict, NotAllowed, NotFound, Text

# Whoever asks again within this time, from the same place, is taken to repeat the request
SAME_DOWNLOAD_FOR = timedelta(minutes=1)


@transaction.atomic
def take_data(*, actor: User) -> dict[str, Any]:
    """Everything that is kept of a person, and the note that it went out.

    Reading one's data changes nothing, so the API gives it on GET, also to a token that may only read. That it was
    handed over is written down nevertheless: it's how somebody learns that another person has taken it. A repeated
    request is the same handing-over; one from elsewhere, or with another token, isn't.
    """
    # Two at once are one after the other, so that the second sees the note of the first
    User.objects.select_for_update().get(pk=actor.pk)
    if not _was_noted_just_now(actor):
        record(actor=actor, verb="account.data_taken", target=actor)
    return data_of(actor)


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


def _was_noted_just_now(actor: User) -> bool:
    last, around = last_event(verb="account.data_taken", target=actor), context.current()
    if last is None or last.at <= clock.now() - SAME_DOWNLOAD_FOR:
        return False
    return (last.address, last.token_id) == (around.address, around.token_id)
