"""What of a package can be imported: itself, and the paths below it that it exports."""

import re
from pathlib import Path
from typing import Any

from apps.functions.dependencies.contents import files_in, read_json

MOST_PATHS = 600
CONDITIONS = ("import", "worker", "browser", "module", "default", "require")
SCRIPTS = (".js", ".mjs", ".cjs", ".json")
TYPES_ONLY = "@types/"
_PATH = re.compile(r"[A-Za-z0-9@][A-Za-z0-9@._/+~-]*")
_NO_CODE = re.compile(
    r"(^|/)(test|tests|__tests__|spec|docs?|examples?|bench(marks?)?|coverage)(/|$)|(^|[./])(min|test|tests|spec|config|perf|gulpfile|gruntfile|rollup)\."
)


def entries_of(folder: Path, name: str) -> list[str]:
    """As an import names them, itself first."""
    told = read_json(folder / "package.json")
    exports = told.get("exports")
    paths = _exported(folder, exports) if exports is not None else _found(folder, told)
    return [f"{name}/{path}" if path else name for path in paths[:MOST_PATHS]]


def _exported(folder: Path, exports: Any) -> list[str]:
    """By its own list. A part that is for other surroundings only, such as Node's, isn't one here."""
    if isinstance(exports, str | list) or (
        isinstance(exports, dict) and not any(str(key).startswith(".") for key in exports)
    ):
        exports = {".": exports}
    if not isinstance(exports, dict):
        return []
    found: dict[str, None] = {}
    refused = [str(key).removeprefix("./").partition("*")[0] for key, value in exports.items() if value is None]
    for key, value in exports.items():
        target = target_of(value)
        path = str(key).removeprefix(".").removeprefix("/")
        if target is None or not _is_script(target):
            continue
        if "*" in path:
            for each in _expanded(folder, path, target):
                if not any(part and each.startswith(part) for part in refused):
                    found[each] = None
        elif (not path or _PATH.fullmatch(path)) and (folder / target).is_file():
            found[path] = None
    return sorted(found)


def target_of(value: Any) -> str | None:
    """The file that these conditions lead to."""
    if isinstance(value, str):
        return value.removeprefix("./") if value.startswith("./") and ".." not in value.split("/") else None
    if isinstance(value, list):
        return next((found for each in value if (found := target_of(each)) is not None), None)
    if isinstance(value, dict):
        for condition, inner in value.items():
            if condition in CONDITIONS and (found := target_of(inner)) is not None:
                return found
    return None


def _expanded(folder: Path, path: str, target: str) -> list[str]:
    before, _, after = target.partition("*")
    if "*" in after:
        return []
    found = []
    for each in files_in(folder):
        relative = each.relative_to(folder).as_posix()
        if relative.startswith(before) and relative.endswith(after) and _is_script(relative):
            middle = relative[len(before) : len(relative) - len(after)]
            named = path.replace("*", middle, 1)
            if middle and _PATH.fullmatch(named) and not _NO_CODE.search(relative):
                found.append(named)
    return found


def _found(folder: Path, told: dict[str, Any]) -> list[str]:
    """Without a list of its own, by its files: those at its top, and the folders there that are modules."""
    has_main = any((folder / str(told.get(key))).exists() for key in ("module", "main", "browser") if told.get(key))
    found = [""] if has_main or any((folder / f"index{each}").is_file() for each in SCRIPTS) else []
    for each in sorted(folder.iterdir()):
        name = each.name
        if each.is_file() and each.suffix in (".js", ".mjs", ".cjs"):
            if each.stem != "index" and _PATH.fullmatch(each.stem) and not _NO_CODE.search(name):
                # Also by its whole name, as some write it
                found.extend((each.stem, name) if each.suffix == ".js" else (name,))
        elif each.is_dir() and _PATH.fullmatch(name) and not _NO_CODE.search(name) and _is_module(each):
            found.append(name)
    return found


def _is_module(folder: Path) -> bool:
    return folder.name != "node_modules" and any((folder / each).is_file() for each in ("package.json", "index.js"))


def _is_script(path: str) -> bool:
    return path.endswith(SCRIPTS)
