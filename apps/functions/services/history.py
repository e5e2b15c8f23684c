from django.db import transaction
from django.utils.translation import gettext as _

from apps.audit.services import record
from apps.core.errors import NotFound
from apps.functions.models import Function, FunctionVersion
from apps.functions.selectors import head_of
from apps.functions.services.locking import lock_function
from apps.functions.services.versions import next_version
from apps.functions.services.wishes import Wish
from apps.tenants.member import Member


@transaction.atomic
def restore_version(*, actor: Member, function: Function, number: int, version: int | None = None) -> Function:
    """An earlier version's code and settings as a new one, with the very artifact that ran then. Its name stays."""
    actor, function = lock_function(actor, function, version=version)
    wanted = _version(function, number)
    wish = Wish.of(wanted)
    if wish == Wish.of(head_of(function)):
        return function
    function = next_version(
        function,
        wish,
        actor=actor,
        artifact=wanted.artifact,
        kind=FunctionVersion.Kind.RESTORED,
        dependencies=dict(wanted.dependencies),
        note=_("As in v%(version)d") % {"version": number},
    )
    after = {"version": function.version, "as": number}
    record(actor=actor, verb="function.version_restored", target=function, after=after)
    return function


@transaction.atomic
def pin_version(*, actor: Member, function: Function, number: int, is_pinned: bool) -> FunctionVersion:
    """A pinned one is kept, however many come after it."""
    actor, function = lock_function(actor, function)
    row = _version(function, number)
    if row.is_pinned == is_pinned:
        return row
    row.is_pinned = is_pinned
    row.save(update_fields=["is_pinned"])
    before, after = {"version": number, "is_pinned": not is_pinned}, {"version": number, "is_pinned": is_pinned}
    record(actor=actor, verb="function.version_pinned", target=function, before=before, after=after)
    return row


def _version(function: Function, number: int) -> FunctionVersion:
    rows = FunctionVersion.objects.filter(function=function, number=number).select_related("artifact")
    found: FunctionVersion | None = rows.first()
    if found is None:
        raise NotFound
    return found
