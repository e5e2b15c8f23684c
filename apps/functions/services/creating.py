from collections.abc import Sequence

from django.db import transaction
from django.utils.translation import gettext as _

from apps.audit.services import record
from apps.core.errors import InvalidInput
from apps.functions.files import Given, whole_files
from apps.functions.models import Function, FunctionVersion
from apps.functions.names import read_name
from apps.functions.selectors import head_of, packages_of
from apps.functions.services.building import compiled, keep_artifact
from apps.functions.services.locking import (
    SAVE,
    checked_name,
    require_free,
    require_may_save,
    require_room,
)
from apps.functions.services.versions import first_version
from apps.functions.services.wishes import EMPTY, Wish, checked_note
from apps.functions.templates import TEMPLATES, USUAL_TEMPLATE
from apps.gateways.models import FunctionGateway
from apps.gateways.services.wishing import lock_to_fill
from apps.tenants.member import Member


@transaction.atomic
def create_function(
    *,
    actor: Member,
    gateway: FunctionGateway,
    name: str,
    files: Given | None = None,
    entrypoint: str = "",
    methods: Sequence[str] | None = None,
    description: str | None = None,
    tags: Sequence[str] = (),
    timeout_ms: int | None = None,
    template: str = "",
    note: str = "",
) -> Function:
    """A name without a stage is in dev. Without files, it begins as a template has it."""
    wanted = read_name(name)
    require_may_save(actor, gateway, wanted.stage)
    checked_name(wanted)
    wish = _begun(files, template, entrypoint).but(
        files=None if files is None else whole_files(files, ()),
        entrypoint=None if files is None else entrypoint,
        methods=methods,
        description=description,
        tags=tags,
        timeout_ms=timeout_ms,
    )
    note, packages = checked_note(note), packages_of(gateway)
    built = compiled(wish, packages)
    actor, gateway = lock_to_fill(actor, gateway, SAVE, stage=wanted.stage)
    require_room(gateway)
    require_free(gateway, wanted)
    if packages.names and packages != (present := packages_of(gateway)):
        # They changed while this was compiled
        packages, built = present, compiled(wish, present)
    function = first_version(
        Function(tenant=actor.tenant, gateway=gateway, stage=wanted.stage, base_name=wanted.base),
        wish,
        actor=actor,
        artifact=keep_artifact(gateway, built, packages),
        dependencies=packages.versions,
        note=note,
    )
    after = {
        "name": function.name,
        "gateway": gateway.pk,
        "version": function.version,
        "files": list(wish.files),
        "methods": wish.methods,
    }
    record(actor=actor, verb="function.created", target=function, after=after)
    return function


@transaction.atomic
def copy_function(*, actor: Member, function: Function, name: str) -> Function:
    """Under another name, in its own stage unless the name says another: the same artifact, not compiled again."""
    wanted = read_name(name, stage=function.stage)
    actor.require("functions.read", row=function)
    require_may_save(actor, function, wanted.stage)
    checked_name(wanted)
    actor, gateway = lock_to_fill(actor, function.gateway, SAVE, stage=wanted.stage)
    require_room(gateway)
    require_free(gateway, wanted)
    head = head_of(Function.objects.of(actor.tenant).select_related("head__artifact").get(pk=function.pk))
    copy = first_version(
        Function(tenant=actor.tenant, gateway=gateway, stage=wanted.stage, base_name=wanted.base),
        Wish.of(head),
        actor=actor,
        artifact=head.artifact,
        kind=FunctionVersion.Kind.COPIED,
        dependencies=dict(head.dependencies),
        note=_("Copied from %(name)s, v%(version)d") % {"name": function.name, "version": head.number},
    )
    after = {"name": copy.name, "of": function.name, "of_version": head.number}
    record(actor=actor, verb="function.copied", target=copy, after=after)
    return copy


def _begun(files: Given | None, template: str, entrypoint: str) -> Wish:
    if files is not None:
        if template:
            raise InvalidInput(fields={"template": [_("Give it files or a template, not both.")]})
        return EMPTY
    chosen = TEMPLATES.get(template or USUAL_TEMPLATE)
    if chosen is None:
        words = {"values": ", ".join(TEMPLATES)}
        raise InvalidInput(fields={"template": [_("Choose one of these: %(values)s.") % words]})
    if entrypoint and entrypoint != chosen.entrypoint:
        raise InvalidInput(fields={"entrypoint": [_("Without files of its own, a template says which one is run.")]})
    return Wish(dict(chosen.files), chosen.entrypoint, methods=chosen.methods)
