"""Ending sessions."""

from django.db import transaction

from apps.accounts.models import Session, User
from apps.accounts.selectors import seen
from apps.audit.services import record
from apps.core.errors import NotFound
from apps.core.events import publish


@transaction.atomic
def revoke_session(*, actor: User, session: Session) -> None:
    """End one of one's own sessions: whoever has its cookie is asked to sign in."""
    ended, _by_model = Session.objects.filter(pk=session.pk, person_id=actor.pk).delete()
    if not ended:
        raise NotFound
    record(actor=actor, verb="account.session_revoked", target=session, before=seen(session))
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
