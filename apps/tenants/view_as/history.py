"""What stands in the audit logs: that it began, and once that it ended."""

from django.db import transaction
from django.db.models import TextChoices

from apps.accounts.models import User
from apps.audit.models import AuditEvent
from apps.audit.services import Actor, record
from apps.core.turns import take_turn
from apps.tenants.models import Membership
from apps.tenants.view_as.viewing import Viewing

STARTED, ENDED = "view_as.started", "view_as.ended"


class Ended(TextChoices):
    """How it came to an end, as the audit log has it."""

    BY_HAND = "by hand"
    BY_TIME = "by time"
    SIGNED_OUT = "signed out"
    REFUSED = "no longer allowed"


@transaction.atomic
def end_viewing(*, actor: Actor, viewing: Viewing, how: Ended) -> None:
    """Write down that it's over, once, whoever notices it first: the operator, their next request, or the clock."""
    take_turn(viewing.id)
    ends = AuditEvent.objects.filter(verb=ENDED, target_id=viewing.person_id, at__gte=viewing.started_at)
    if ends.filter(after__look=viewing.id).exists():
        return
    person = User.objects.filter(pk=viewing.person_id).first()
    if person is None:
        return
    seconds = round(viewing.lasted.total_seconds())
    write_down(actor=actor, verb=ENDED, person=person, after={"how": how, "seconds": seconds, "look": viewing.id})


def write_down(*, actor: Actor, verb: str, person: User, after: dict[str, object]) -> None:
    """In the log of each workspace of theirs, as those are what is seen; of none, in the person's own."""
    tenants = Membership.objects.filter(person=person).order_by("pk").values_list("tenant_id", flat=True)
    for tenant_id in list(tenants) or [""]:
        record(actor=actor, verb=verb, target=person, after=after, tenant_id=tenant_id)
