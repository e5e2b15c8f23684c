"""From what somebody asks for to what functions are built with: fetched, looked at, bundled."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from apps.functions.dependencies.bundling import bundle
from apps.functions.dependencies.contents import packages_in
from apps.functions.dependencies.declarations import declarations_of
from apps.functions.dependencies.entries import TYPES_ONLY, entries_of
from apps.functions.dependencies.installing import installed
from apps.functions.dependencies.refusing import NO_CODE, Refused


@dataclass(frozen=True)
class Resolved:
    """All that a lock holds."""

    wanted: dict[str, str]
    packages: list[dict[str, Any]]
    lock_text: str
    bundle: str
    types: dict[str, str]
    digest: str


def resolve(wanted: Mapping[str, str], *, lock_text: str = "", doing: Callable[[str], None] | None = None) -> Resolved:
    """Refused names what is missing or unfit; nothing is changed by it. `doing` hears of each step that begins."""
    say = doing or (lambda step: None)
    say("fetching")
    with installed(wanted, lock_text=lock_text) as found:
        packages = packages_in(found)
        say("bundling")
        exports: dict[str, list[str]] = {}
        for name in found.versions:
            exports[name] = entries_of(found.folder_of(name), name)
            if not exports[name] and not name.startswith(TYPES_ONLY):
                raise Refused(NO_CODE, {"name": name}, package=name)
        code, exports = bundle(found, {name: each for name, each in exports.items() if not name.startswith(TYPES_ONLY)})
        types, typed = declarations_of(found, packages)
        told = [
            replace(
                each,
                exports=tuple(exports.get(each.name, ()) if each.is_direct else ()),
                has_types=each.name in typed,
            )
            for each in packages
        ]
        return Resolved(
            dict(sorted(found.versions.items())),
            [each.as_json() for each in told],
            found.lock_text,
            code,
            types,
            _digest(code, found.versions, [(each.name, each.version, each.integrity) for each in packages]),
        )


def _digest(code: str, wanted: Mapping[str, str], packages: list[tuple[str, str, str]]) -> str:
    digest = hashlib.sha256()
    for part in (code, *(f"{name}@{version}" for name, version in sorted(wanted.items()))):
        digest.update(f"{len(part)}\0{part}".encode())
    for each in sorted(packages):
        digest.update("\0".join(each).encode())
    return digest.hexdigest()
