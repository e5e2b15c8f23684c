from django.db import transaction
from django.utils.translation import gettext as _

from apps.audit.services import record
from apps.core.errors import InvalidInput
from apps.functions.following import tell_renamed
from apps.functions.models import Function, FunctionVersion
from apps.functions.names import read_name
from apps.functions.selectors import artifact_of, head_of
from apps.functions.services.locking import SAVE, checked_name, lock_function, require_free
from apps.functions.services.versions import next_version
from apps.functions.services.wishes import Wish
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
    head = head_of(function)
    function = next_version(
        function,
        Wish.of(head),
        actor=actor,
        artifact=artifact_of(function),
        kind=FunctionVersion.Kind.RENAMED,
        dependencies=dict(head.dependencies),
        changed=("base_name",),
    )
    tell_renamed(function, before=old, actor=actor)
    after = {"name": function.name, "version": function.version}
    record(actor=actor, verb="function.renamed", target=function, before={"name": before}, after=after)
    return function
