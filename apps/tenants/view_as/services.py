from django.db import transaction
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.core import clock
from apps.core.dispatch import dispatch
from apps.core.errors import Conflict, InvalidInput
from apps.core.ids import new_id
from apps.core.names import require_short
from apps.tenants.models import LONGEST_REASON
from apps.tenants.operators import require_operator
from apps.tenants.view_as import mails
from apps.tenants.view_as.history import STARTED, write_down
from apps.tenants.view_as.tasks import write_down_end
from apps.tenants.view_as.viewing import LASTS, Viewing


@transaction.atomic
def start_viewing(*, actor: User, person: User, reason: str) -> Viewing:
    """From now on, and until the half hour is over. Whoever calls this keeps it in the operator's session."""
    require_operator(
        actor, "tenants.see_into", detail=_("Seeing the console as somebody else is for the platform's operators.")
    )
    reason = " ".join(reason.split())
    if not reason:
        raise InvalidInput(fields={"reason": [_("Say why, such as the number of a ticket. The owners read it.")]})
    require_short(reason, LONGEST_REASON, field="reason")
    if refusal := why_not(person):
        raise Conflict(refusal)
    now = clock.now()
    viewing = Viewing(new_id("look"), actor.pk, person.pk, reason, now, now + LASTS)
    after = {"reason": reason, "until": viewing.ends_at, "look": viewing.id}
    write_down(actor=actor, verb=STARTED, person=person, after=after)
    mails.tell_started(viewing, operator=actor, person=person)
    dispatch(write_down_end, viewing.id, actor.pk, person.pk, now.isoformat(), delay=LASTS)
    return viewing


def why_not(person: User) -> str:
    """What speaks against seeing the console as this person; empty where nothing does."""
    if person.is_staff:
        return _("%(person)s runs the platform too. Nobody looks through the eyes of another operator.") % {
            "person": person
        }
    if not person.is_active:
        return _("%(person)s can't sign in, so there is nothing that they see.") % {"person": person}
    return ""
