from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from apps.audit.changes import changes
from apps.audit.services import record
from apps.core.errors import InvalidInput
from apps.functions.compiling import Compiled
from apps.functions.conflicts import merge_files, unified
from apps.functions.files import Given, hash_of, whole_files
from apps.functions.models import Draft, Function, FunctionVersion
from apps.functions.problems import CompileError, StaleSave
from apps.functions.selectors import Packages, head_of, packages_of
from apps.functions.services.building import compiled, keep_artifact
from apps.functions.services.locking import hold_packages, lock_function, require_may_save
from apps.functions.services.versions import next_version
from apps.functions.services.wishes import Wish, checked_note
from apps.tenants.member import Member

# Of a refusal: as much as somebody may look through
MOST_DIFF = 200_000
SETTINGS = ("entrypoint", "description", "tags", "methods", "timeout_ms")


@transaction.atomic
def save_function(
    *,
    actor: Member,
    function: Function,
    files: Given | None = None,
    entrypoint: str | None = None,
    methods: Sequence[str] | None = None,
    description: str | None = None,
    tags: Sequence[str] | None = None,
    timeout_ms: int | None = None,
    note: str = "",
    base_version: int,
    override: bool = False,
) -> Function:
    """What isn't given stays. `base_version` is the one that it was thought out on: an older one than there is now is
    refused with what changed since, unless it's to be overridden. A save that changes nothing makes no version.

    `files` are all of them: what isn't named is gone. A file that is unchanged may be named by its hash.
    """
    require_may_save(actor, function, function.stage)
    function = _as_read(actor, function, base_version)
    head = head_of(function)
    base = _base(function, head, base_version)
    given: dict[str, Any] = {
        "files": None if files is None else whole_files(files, [each.files for each in (base, head) if each]),
        "entrypoint": entrypoint,
        "methods": methods,
        "description": description,
        "tags": tags,
        "timeout_ms": timeout_ms,
    }
    asked = Wish.of(head).but(**given)
    note, packages = checked_note(note), packages_of(function.gateway)
    built = _built(asked, packages, function, base_version, override)
    if packages.names and packages != (held := hold_packages(function.gateway)):
        # They changed while this was compiled
        packages, built = held, _built(asked, held, function, base_version, override)
    actor, function = lock_function(actor, function)
    there = head_of(function)
    # Somebody may have saved while this was compiled; of the settings, only what is given is wanted
    wish = asked if there.pk == head.pk else Wish.of(there).but(**given)
    if wish != Wish.of(there):
        if base_version != function.version and not override:
            raise stale_save(function, there, base, wish)
        function = _stored(actor, function, wish, built if wish.has_code_of(asked) else None, packages, note)
    if files is not None or entrypoint is not None:
        _forget_draft(actor, function)
    return function


def stale_save(function: Function, head: FunctionVersion, base: FunctionVersion | None, wish: Wish | None) -> StaleSave:
    """The refusal, with the other person's change and, where it's known what both began from, both changes in one."""
    words = {"person": head.saved_by_name, "version": head.number}
    extra: dict[str, Any] = {
        "current_version": function.version,
        "base_version": base.number if base else None,
        "saved_by": head.saved_by_name,
        "saved_at": head.saved_at.isoformat(),
        "changes": list(_changes(base, head)),
        "settings": _settings(base, head),
    }
    if base is not None and wish is not None:
        merge = merge_files(base=base.files, theirs=head.files, mine=wish.files)
        extra["merge"] = {"files": merge.files, "conflicts": merge.conflicts, "is_clean": merge.is_clean}
    return StaleSave(_("%(person)s saved version %(version)d since.") % words, headers={"ETag": function.etag}, **extra)


def _built(wish: Wish, packages: Packages, function: Function, base_version: int, override: bool) -> Compiled | None:
    """None: its code is the head's. A save that is stale is refused as that, whether it compiles or not."""
    is_stale = base_version != function.version and not override
    if is_stale or wish.has_code_of(Wish.of(head_of(function))):
        return None
    try:
        return compiled(wish, packages)
    except CompileError:
        if override or Function.objects.filter(pk=function.pk, version=base_version).exists():
            raise
        return None


def _stored(
    actor: Member, function: Function, wish: Wish, built: Compiled | None, packages: Packages, note: str
) -> Function:
    """Under the lock: the next version, with the head's artifact where its code is the same."""
    head, old = head_of(function), function.version
    before = Wish.of(head)
    if wish.has_code_of(before):
        artifact, dependencies = head.artifact, dict(head.dependencies)
    else:
        built = built or compiled(wish, packages)
        artifact, dependencies = keep_artifact(function.gateway, built, packages), packages.versions
    function = next_version(function, wish, actor=actor, artifact=artifact, dependencies=dependencies, note=note)
    told = changes(_told(before, old), _told(wish, function.version))
    record(actor=actor, verb="function.saved", target=function, before=told[0], after=told[1])
    return function


def _as_read(actor: Member, function: Function, base_version: int) -> Function:
    """As the caller has it, unless that is without its sources, or older than what this was thought out on. Whether
    it's still so is asked under the lock.
    """
    head = function.head if Function.head.is_cached(function) else None
    if head is not None and not head.get_deferred_fields() and base_version <= head.number:
        return function
    rows = Function.objects.of(actor.tenant).select_related("head", "gateway")
    return rows.filter(pk=function.pk).first() or function


def _base(function: Function, head: FunctionVersion, number: int) -> FunctionVersion | None:
    if number == head.number:
        return head
    if not 0 < number <= head.number:
        words = {"version": head.number}
        raise InvalidInput(fields={"base_version": [_("There is no such version yet: it's at %(version)d.") % words]})
    found: FunctionVersion | None = FunctionVersion.objects.filter(function=function, number=number).first()
    return found


def _forget_draft(actor: Member, function: Function) -> None:
    """What is saved is no draft any more. Settings are of none: whoever saves them alone keeps theirs."""
    Draft.objects.filter(function=function, person_id=actor.pk).delete()


def _told(wish: Wish, version: int) -> dict[str, Any]:
    """For the audit log: which files changed, never what stands in them."""
    files = {path: hash_of(text)[:12] for path, text in wish.files.items()}
    return {
        "version": version,
        **{f"file {path}": digest for path, digest in files.items()},
        **{name: getattr(wish, name) for name in SETTINGS},
    }


def _changes(base: FunctionVersion | None, head: FunctionVersion) -> Any:
    room = MOST_DIFF
    was = base.files if base else {}
    for path in sorted({*was, *head.files}):
        diff = unified(path, was.get(path), head.files.get(path))
        if not diff:
            continue
        kind = "added" if path not in was else "removed" if path not in head.files else "changed"
        yield {"file": path, "kind": kind, "diff": diff[: max(room, 0)], "is_cut": len(diff) > max(room, 0)}
        room -= len(diff)


def _settings(base: FunctionVersion | None, head: FunctionVersion) -> dict[str, Any]:
    """What else changed: name to what it is now."""
    if base is None:
        return {}
    names = (*SETTINGS, "base_name")
    return {name: getattr(head, name) for name in names if getattr(head, name) != getattr(base, name)}
