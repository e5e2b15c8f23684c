from django.db import transaction

from apps.audit.changes import fields_of
from apps.audit.services import record
from apps.core.versions import delete_version
from apps.tenants.member import Member
from apps.triggers.models import Trigger
from apps.triggers.services.locking import SHOWN, lock_trigger, tell


@transaction.atomic
def delete_trigger(*, actor: Member, trigger: Trigger, version: int | None = None) -> None:
    """With its history. A run that is under way goes on to its end."""
    actor, trigger = lock_trigger(actor, trigger, version=version)
    record(actor=actor, verb="trigger.deleted", target=trigger, before=fields_of(trigger, SHOWN))
    tell(trigger)
    delete_version(trigger)
