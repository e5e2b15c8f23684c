"""Types of packages for the editor: what their entries lead to, as far as there is room for it."""

import re
from pathlib import Path, PurePosixPath
from typing import Any

import orjson

from apps.core.texts import UNSTORABLE
from apps.functions.dependencies.contents import Package, files_in, folder_of, read_json
from apps.functions.dependencies.installing import Installed

MOST_FILES, MOST_BYTES, LARGEST_FILE = 1_500, 4 * 1024 * 1024, 512 * 1024
ENDINGS = (".d.ts", ".d.mts", ".d.cts")
KEPT = ("name", "version", "type", "types", "typings", "main", "module", "exports", "typesVersions")
_IMPORT = re.compile(
    r"""(?:from|import|require|reference\s++path\s*+=)\s*+(?:\(\s*+)?["'](\.{1,2}/[^"']*|\.{1,2}|[\w./-]+\.d\.ts)["']"""
)
_CONDITIONS = ("types", "import", "worker", "browser", "module", "default", "require")


def declarations_of(found: Installed, packages: list[Package]) -> tuple[dict[str, str], set[str]]:
    """Path below node_modules to text, and the names of those that have types. What was asked for comes first."""
    types: dict[str, str] = {}
    typed: set[str] = set()
    files = size = 0
    seen: set[str] = set()
    for package in packages:
        # Of a name that is there twice, imports of the editor find the first
        if package.name in seen:
            continue
        seen.add(package.name)
        folder = folder_of(found, package.name, package.version)
        if folder is None:
            continue
        own = _reachable(folder)
        if not own:
            continue
        told = read_json(folder / "package.json")
        own["package.json"] = orjson.dumps({name: told[name] for name in KEPT if name in told}).decode()
        own_size = sum(len(text.encode()) for text in own.values())
        # A part of a package's types would be errors where there are none
        if files + len(own) > MOST_FILES or size + own_size > MOST_BYTES:
            continue
        files, size = files + len(own), size + own_size
        typed.add(package.name)
        types.update({f"{package.name}/{path}": text for path, text in own.items()})
    return types, typed


def _reachable(folder: Path) -> dict[str, str]:
    """What the entries import of each other, by path in the package."""
    files = (each.relative_to(folder).as_posix() for each in files_in(folder) if each.name.endswith(ENDINGS))
    there = {path for path in files if not UNSTORABLE.search(path)}
    if not there:
        return {}
    waiting = _entries(read_json(folder / "package.json"), there)
    found: dict[str, str] = {}
    while waiting:
        path = waiting.pop()
        if path in found:
            continue
        file = folder / path
        if file.stat().st_size > LARGEST_FILE:
            return {}
        text = UNSTORABLE.sub("\ufffd", file.read_text(errors="replace"))
        found[path] = text
        for wanted in _IMPORT.findall(text):
            if target := _resolved(path, wanted, there):
                waiting.append(target)
    return found


def _entries(told: dict[str, Any], there: set[str]) -> list[str]:
    found = [_declared(told[key], there) for key in ("types", "typings") if isinstance(told.get(key), str)]
    found.extend(_declared(each, there) for each in _targets(told.get("exports")))
    if not any(found):
        found = [_declared(str(told.get("main") or "index.js"), there), _declared("index.js", there)]
    # Without a list, a path below it is a file at its top
    if told.get("exports") is None:
        found.extend(path for path in there if "/" not in path)
    return [each for each in found if each]


def _targets(exports: Any) -> list[str]:
    """Of each path the file that has its types, or that a file of types may stand beside."""
    if isinstance(exports, str):
        return [exports]
    if isinstance(exports, list):
        return [each for inner in exports[:1] for each in _targets(inner)]
    if not isinstance(exports, dict):
        return []
    if any(str(key).startswith(".") for key in exports):
        return [each for value in exports.values() for each in _targets(value)]
    for condition in _CONDITIONS:
        if condition in exports and (found := _targets(exports[condition])):
            return found
    return []


def _declared(target: str, there: set[str]) -> str:
    path = target.removeprefix("./")
    if "*" in path:
        return ""
    return _named(PurePosixPath(path).as_posix(), there)


def _resolved(importer: str, wanted: str, there: set[str]) -> str:
    parts: list[str] = list(PurePosixPath(importer).parent.parts)
    for part in wanted.split("/"):
        if part == "..":
            if not parts:
                return ""
            parts.pop()
        elif part not in (".", ""):
            parts.append(part)
    return _named("/".join(parts), there)


def _named(path: str, there: set[str]) -> str:
    stem, dot, ending = path.rpartition(".")
    others = {"js": ".d.ts", "mjs": ".d.mts", "cjs": ".d.cts", "jsx": ".d.ts"}
    tried = [path, f"{path}.d.ts", f"{path}.d.mts", f"{path}/index.d.ts", f"{path}/index.d.mts", f"{path}index.d.ts"]
    if dot and ending in others:
        tried = [stem + others[ending], f"{stem}.d.ts", *tried]
    return next((each for each in tried if each in there), "")
