from django.db import transaction
from django.utils.translation import gettext as _

from apps.audit.services import record
from apps.core.errors import InvalidInput
from apps.functions.following import tell_renamed
from apps.functions.models import Function, FunctionVersion
from apps.functions.names import read_name
from apps.functions.services.locking import SAVE, checked_name, lock_function, require_free
from apps.functions.services.versions import next_like_head
from apps.gateways.services.wishing import lock_to_fill
from apps.tenants.member import Member


@transaction.atomic
def rename_function(*, actor: Member, function: Function, name: str, version: int | None = None) -> Function:
    """In its stage: it answers at the new path, and at the old one no more."""
    actor, gateway = lock_to_fill(actor, function.gateway, SAVE, stage=function.stage)
    actor, function = lock_function(actor, function, version=version, renew=False)
    wanted = checked_name(read_name(name, stage=function.stage))
    if wanted.stage != function.stage:
        words = {"stage": function.stage}
        raise InvalidInput(fields={"name": [_("It stays in %(stage)s. Copy it into another stage instead.") % words]})
    if wanted.base == function.base_name:
        return function
    require_free(gateway, wanted, but=function)
    before, old, function.base_name = function.name, function.base_name, wanted.base
    function = next_like_head(function, actor=actor, kind=FunctionVersion.Kind.RENAMED, changed=("base_name",))
    tell_renamed(function, before=old, actor=actor)
    after = {"name": function.name, "version": function.version}
    record(actor=actor, verb="function.renamed", target=function, before={"name": before}, after=after)
    return function
