"""A change of a function, written down as the version that it makes, and wanted live."""

from apps.core import clock
from apps.core.versions import save_version
from apps.functions.files import hashes_of
from apps.functions.models import Artifact, Draft, Function, FunctionVersion
from apps.functions.publishing import want_version
from apps.functions.selectors import artifact_of, head_of
from apps.functions.services.locking import tell_pages
from apps.functions.services.wishes import Wish
from apps.tenants.member import Member

LONGEST_SAVER = 200


def first_version(
    function: Function,
    wish: Wish,
    *,
    actor: Member,
    artifact: Artifact,
    kind: str = FunctionVersion.Kind.CREATED,
    dependencies: dict[str, str],
    note: str = "",
) -> Function:
    _put(function, wish)
    function.save(force_insert=True)
    function.head = _write(function, function.version, wish, actor, artifact, kind, dependencies, note)
    function.save(update_fields=["head", *want_version(function, function.version)])
    tell_pages(function)
    return function


def next_version(
    function: Function,
    wish: Wish,
    *,
    actor: Member,
    artifact: Artifact,
    kind: str = FunctionVersion.Kind.SAVED,
    dependencies: dict[str, str],
    note: str = "",
    changed: tuple[str, ...] = (),
) -> Function:
    """Of a function that is locked. `changed` are fields that aren't of the wish, such as its name."""
    _put(function, wish)
    was, number = head_of(function), function.version + 1
    function.head = _write(function, number, wish, actor, artifact, kind, dependencies, note)
    if wish.has_code_of(Wish.of(was)):
        # Nobody wrote: whoever has begun to goes on from here
        Draft.objects.filter(function=function, base_version=was.number).update(base_version=number)
    wanted = want_version(function, number)
    save_version(function, "description", "tags", "methods", "timeout_ms", "head", *wanted, *changed)
    tell_pages(function)
    return function


def next_like_head(function: Function, *, actor: Member, kind: str, changed: tuple[str, ...]) -> Function:
    """With the files, settings and artifact that it has: only the `changed` fields are other ones."""
    head = head_of(function)
    return next_version(
        function,
        Wish.of(head),
        actor=actor,
        artifact=artifact_of(function),
        kind=kind,
        dependencies=dict(head.dependencies),
        changed=changed,
    )


def _put(function: Function, wish: Wish) -> None:
    function.description = wish.description
    function.tags, function.methods = list(wish.tags), list(wish.methods)
    function.timeout_ms = wish.timeout_ms


def _write(
    function: Function,
    number: int,
    wish: Wish,
    actor: Member,
    artifact: Artifact,
    kind: str,
    dependencies: dict[str, str],
    note: str,
) -> FunctionVersion:
    return FunctionVersion.objects.create(
        tenant_id=function.tenant_id,
        function=function,
        number=number,
        kind=kind,
        files=wish.files,
        hashes=hashes_of(wish.files),
        entrypoint=wish.entrypoint,
        base_name=function.base_name,
        description=wish.description,
        tags=list(wish.tags),
        methods=list(wish.methods),
        timeout_ms=wish.timeout_ms,
        semver=function.semver,
        note=note,
        artifact=artifact,
        dependencies=dependencies,
        saved_by_id=actor.pk,
        saved_by_name=str(actor)[:LONGEST_SAVER],
        saved_at=clock.now(),
    )
