"""A set of packages that fits becomes the gateway's, and the functions that take some are built with it."""

from collections.abc import Mapping, Sequence

from django.db import transaction

from apps.audit.services import record
from apps.core.versions import save_version
from apps.functions.dependencies.refusing import NOT_ALLOWED, Refused
from apps.functions.dependencies.resolving import Resolved
from apps.functions.dependencies.services import PERMISSION, PROGRESS, tell_pages
from apps.functions.dependencies.trying import Tried, compile_head, not_exported, try_functions, using_packages
from apps.functions.models import Dependencies, Function, FunctionVersion, Lock
from apps.functions.selectors import Packages
from apps.functions.services.building import keep_artifact
from apps.functions.services.versions import next_version
from apps.functions.services.wishes import Wish
from apps.gateways.models import FunctionGateway
from apps.tenants.member import Member
from apps.tenants.models import Membership

LONGEST_NOTE = 500
MOST_ROUNDS = 5


class Overtaken(Exception):
    """Somebody asked for something else meanwhile, or a function was saved; what was tried isn't what is there."""


def apply(row: Dependencies, attempt: int, resolved: Resolved | None) -> None:
    """Refused: it doesn't fit, or who asked may no longer. Without packages, `resolved` is None."""
    actor = _actor_of(row)
    wanted = resolved.wanted if resolved else {}
    exports = {each["name"]: each["exports"] for each in resolved.packages if each["is_direct"]} if resolved else {}
    packages = Packages(dict(wanted), resolved.digest if resolved else "")
    for _round in range(MOST_ROUNDS):
        tried = try_functions(row.gateway, packages.names, exports)
        try:
            _apply(actor, row, attempt, resolved, packages, tried, exports)
        except Overtaken:
            continue
        return
    raise Overtaken


@transaction.atomic
def _apply(
    actor: Member,
    asked: Dependencies,
    attempt: int,
    resolved: Resolved | None,
    packages: Packages,
    tried: Sequence[Tried],
    exports: Mapping[str, Sequence[str]],
) -> None:
    # In the order in which whoever asks or discards locks them. Nothing comes into the gateway meanwhile
    FunctionGateway.objects.select_for_update(no_key=True).get(pk=asked.gateway_id)
    row = Dependencies.objects.select_for_update(of=("self",)).select_related("lock", "gateway").get(pk=asked.pk)
    if row.attempt != attempt:
        return
    others = using_packages(row.gateway).exclude(pk__in=[each.function_id for each in tried])
    if others.exclude(head__artifact__vendor=packages.digest).exists():
        raise Overtaken
    before = dict(row.lock.wanted) if row.lock else {}
    row.lock = _keep(row, resolved) if resolved else None
    row.state, row.step, row.wanted = Dependencies.State.READY, "", {}
    save_version(row, "lock", *PROGRESS)
    note = note_of(before, packages.versions)[:LONGEST_NOTE]
    rebuilt = [name for each in tried if (name := _rebuild(actor, each, packages, exports, note))]
    tell_pages(row)
    if before != packages.versions or rebuilt:
        after = {**packages.versions, **({"functions": len(rebuilt)} if rebuilt else {})}
        record(actor=actor, verb="dependencies.changed", target=row.gateway, before=before, after=after)


def _rebuild(actor: Member, tried: Tried, packages: Packages, exports: Mapping[str, Sequence[str]], note: str) -> str:
    """A version of its own: its history keeps what each was built with. The sources stay as they are."""
    rows = Function.objects.select_for_update(of=("self",)).select_related("head", "head__artifact", "gateway")
    function = rows.filter(pk=tried.function_id, deleted_at=None).first()
    if function is None or function.head is None:
        return ""
    found = tried.compiled
    if function.head.pk != tried.head_id:
        found = compile_head(function.head, packages.names)
        if found.errors or not_exported(found.code, packages.names, exports, function.head):
            raise Overtaken
    artifact = keep_artifact(function.gateway, found, packages)
    if artifact.pk == function.head.artifact_id:
        return ""
    next_version(
        function,
        Wish.of(function.head),
        actor=actor,
        artifact=artifact,
        kind=FunctionVersion.Kind.REBUILT,
        dependencies=packages.versions,
        note=note,
    )
    return str(function.name)


def note_of(before: Mapping[str, str], after: Mapping[str, str]) -> str:
    """`zod 3.22.4 → 3.23.8, + nanoid 5.0.0, - lodash`: for programs and people of any language."""
    parts = []
    for name in sorted({*before, *after}):
        if name not in before:
            parts.append(f"+ {name} {after[name]}")
        elif name not in after:
            parts.append(f"- {name}")
        elif before[name] != after[name]:
            parts.append(f"{name} {before[name]} → {after[name]}")
    return ", ".join(parts)


def _keep(row: Dependencies, resolved: Resolved) -> Lock:
    lock, _is_new = Lock.objects.get_or_create(
        gateway=row.gateway,
        digest=resolved.digest,
        defaults={
            "tenant_id": row.tenant_id,
            "wanted": resolved.wanted,
            "packages": resolved.packages,
            "lock_file": resolved.lock_text,
            "bundle": resolved.bundle,
            "types": resolved.types,
        },
    )
    return lock


def _actor_of(row: Dependencies) -> Member:
    """Who asked, with the role of now."""
    rows = Membership.objects.filter(person_id=row.asked_by_id, tenant_id=row.tenant_id)
    membership = rows.select_related("person", "tenant").first()
    actor = Member.of(membership) if membership and membership.person.is_active else None
    is_own = row.gateway.owner_id == row.asked_by_id
    if actor is None or not actor.may(PERMISSION, is_own=is_own):
        raise Refused(NOT_ALLOWED, {"person": row.asked_by_name})
    return actor
