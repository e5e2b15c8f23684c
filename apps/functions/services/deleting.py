from django.db import transaction
from django.utils.translation import gettext as _

from apps.audit.services import record
from apps.core import clock
from apps.core.errors import InvalidInput
from apps.core.versions import save_version
from apps.functions.following import tell_deleted
from apps.functions.models import Function, FunctionVersion
from apps.functions.names import read_name
from apps.functions.problems import FunctionNameTaken, NothingToRestore
from apps.functions.publishing import want_published
from apps.functions.selectors import head_of
from apps.functions.services.locking import (
    SAVE,
    checked_name,
    lock_function,
    require_free,
    require_room,
    tell_pages,
)
from apps.functions.services.versions import next_like_head
from apps.gateways.services.wishing import lock_to_fill
from apps.tenants.member import Member


@transaction.atomic
def delete_function(*, actor: Member, function: Function, version: int | None = None) -> Function:
    """Into the recycle bin: calls get 404 from now on, and for a while it can be brought back."""
    actor, function = lock_function(actor, function, version=version)
    function.deleted_at, function.deleted_by = clock.now(), str(actor)[:200]
    save_version(function, "deleted_at", "deleted_by")
    want_published(function)
    tell_deleted(function, actor=actor)
    tell_pages(function)
    before = {"name": function.name, "version": head_of(function).number}
    record(actor=actor, verb="function.deleted", target=function, before=before)
    return function


@transaction.atomic
def restore_function(*, actor: Member, function: Function, name: str = "") -> Function:
    """Out of the recycle bin, as it was. Where its name is taken by now, under another one."""
    actor, gateway = lock_to_fill(actor, function.gateway, SAVE, stage=function.stage)
    actor, function = lock_function(actor, function, with_deleted=True, renew=False)
    if function.deleted_at is None:
        raise NothingToRestore
    wanted = checked_name(read_name(name or function.name, stage=function.stage))
    if wanted.stage != function.stage:
        words = {"stage": function.stage}
        raise InvalidInput(fields={"name": [_("It comes back into %(stage)s, where it was.") % words]})
    require_room(gateway)
    try:
        require_free(gateway, wanted, but=function)
    except FunctionNameTaken as refusal:
        taken = refusal.extra["taken_by"]
        told = _("%(taken)s answers the same calls by now. Restore it under another name, or rename that one first.")
        raise FunctionNameTaken(fields={"name": [told % {"taken": taken}]}, taken_by=taken) from None
    deleted_at = function.deleted_at
    function.deleted_at, function.deleted_by, function.base_name = None, "", wanted.base
    changed = ("deleted_at", "deleted_by", "base_name")
    function = next_like_head(function, actor=actor, kind=FunctionVersion.Kind.RESTORED, changed=changed)
    before, after = {"deleted_at": deleted_at}, {"name": function.name, "version": function.version}
    record(actor=actor, verb="function.restored", target=function, before=before, after=after)
    return function
