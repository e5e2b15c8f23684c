"""What was installed: each package with its version, hash, size and license, and who needs it."""

import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import orjson

from apps.core.texts import UNSTORABLE
from apps.functions.dependencies.installing import Installed
from apps.functions.dependencies.refusing import TOO_MANY, Refused

MOST_BROUGHT = 300
LONGEST_LICENSE, DEEPEST = 80, 50


@dataclass(frozen=True)
class Package:
    name: str
    version: str
    # As the registry's hash has it: sha512-…
    integrity: str
    # In bytes, unpacked
    size: int
    license: str
    is_direct: bool
    # Names and versions of those that brought it
    needed_by: tuple[str, ...]
    # What of it can be imported, of those that were asked for
    exports: tuple[str, ...] = ()
    has_types: bool = False

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "needed_by": list(self.needed_by), "exports": list(self.exports)}


def packages_in(found: Installed) -> list[Package]:
    """By name, those that were asked for first."""
    entries: dict[str, dict[str, Any]] = found.lock.get("npm", {})
    if len(entries) > MOST_BROUGHT:
        raise Refused(TOO_MANY, {"count": len(entries), "most": MOST_BROUGHT})
    named = {key: _split(key) for key in entries}
    by_name: dict[str, list[str]] = {}
    for key, (name, _version) in named.items():
        by_name.setdefault(name, []).append(key)
    needed: dict[str, set[str]] = {}
    for key, entry in entries.items():
        for each in (*entry.get("dependencies", ()), *entry.get("optionalDependencies", ())):
            for target in _targets(each, named, by_name):
                needed.setdefault(target, set()).add("@".join(named[key]))
    packages: dict[tuple[str, str], Package] = {}
    for key, (name, version) in named.items():
        folder = folder_of(found, name, version)
        # Those for other machines aren't installed
        if folder is None:
            continue
        before = packages.get((name, version))
        packages[name, version] = Package(
            name,
            version,
            str(entries[key].get("integrity", "")),
            size_of(folder),
            _license_of(folder),
            found.versions.get(name) == version,
            tuple(sorted(needed.get(key, set()) | set(before.needed_by if before else ()))),
        )
    return sorted(packages.values(), key=lambda each: (not each.is_direct, each.name, each.version))


def folder_of(found: Installed, name: str, version: str) -> Path | None:
    """Deno keeps each version in a folder of its own."""
    folder = found.folder / "node_modules" / ".deno" / f"{name.replace('/', '+')}@{version}" / "node_modules" / name
    return folder if folder.is_dir() else None


def read_json(path: Path) -> dict[str, Any]:
    """Of a package's own making, so it may hold anything. What nests deeper than anybody writes says nothing."""
    try:
        found = orjson.loads(path.read_bytes())
    except (OSError, orjson.JSONDecodeError):
        return {}
    return found if isinstance(found, dict) and not _is_deep(found) else {}


def _is_deep(told: Any) -> bool:
    level = [told]
    for _depth in range(DEEPEST):
        level = [
            inner
            for each in level
            if isinstance(each, dict | list)
            for inner in (each.values() if isinstance(each, dict) else each)
        ]
    return bool(level)


def files_in(folder: Path) -> Iterator[Path]:
    """Without links, which may lead anywhere."""
    for path, folders, files in os.walk(folder):
        # Packages within a package are packages of their own
        folders[:] = sorted(each for each in folders if each != "node_modules")
        yield from (found for each in sorted(files) if not (found := Path(path, each)).is_symlink())


def size_of(folder: Path) -> int:
    return sum(each.lstat().st_size for each in files_in(folder))


def _split(key: str) -> tuple[str, str]:
    """`@scope/name@1.2.3_react@18.2.0` is of the version 1.2.3, beside that react."""
    at = key.index("@", 1)
    return key[:at], key[at + 1 :].partition("_")[0]


def _targets(each: str, named: dict[str, tuple[str, str]], by_name: dict[str, list[str]]) -> list[str]:
    """A dependency is written with its version only where there are several of that name."""
    if each in named:
        return [each]
    at = each.find("@", 1)
    name = each if at < 0 else each[:at]
    if at < 0:
        return by_name.get(name, [])
    version = each[at + 1 :].partition("_")[0]
    return [key for key in by_name.get(name, []) if named[key][1] == version]


def _license_of(folder: Path) -> str:
    told = read_json(folder / "package.json")
    found = told.get("license") or told.get("licenses")
    if isinstance(found, list):
        found = found[0] if found else ""
    if isinstance(found, dict):
        found = found.get("type")
    # It may say what it likes of itself
    return UNSTORABLE.sub("\ufffd", found)[:LONGEST_LICENSE] if isinstance(found, str) else ""
