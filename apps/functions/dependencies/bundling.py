"""One script of all packages, from which a runtime takes each by its name: `module.exports = (name) => …`.

Each package is evaluated when it's first asked for, and once. What it needs of Node is refused here, by the package's
name, instead of failing in a call.
"""

import re
import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import orjson
import structlog

from apps.functions.compiling.service import Ended, Service
from apps.functions.dependencies.installing import Installed
from apps.functions.dependencies.refusing import (
    BUNDLE_TOO_LARGE,
    NATIVE,
    NOT_BUNDLED,
    OF_NODE,
    TOO_LONG,
    Refused,
)

log = structlog.get_logger(__name__)

# All tries together
WITHIN = 20.0
LARGEST = 8 * 1024 * 1024
MOST_MESSAGES = 20
LONGEST_SAID = 300
FLAGS = [
    "--bundle",
    "--format=cjs",
    # What functions have is what the web has
    "--platform=browser",
    "--main-fields=browser,module,main",
    "--conditions=worker",
    "--target=es2024",
    "--minify-whitespace",
    "--minify-syntax",
    # Names stay, for stack traces
    "--keep-names",
    "--charset=utf8",
    "--legal-comments=none",
    '--define:process.env.NODE_ENV="production"',
    "--define:process.env={}",
    "--define:global=globalThis",
    "--tsconfig-raw={}",
    "--outfile=vendor.js",
    "--color=false",
    "--log-level=silent",
    f"--log-limit={MOST_MESSAGES}",
]
# Asked for each file before it's read
PLUGIN = {
    "name": "packages",
    "onStart": False,
    "onEnd": False,
    "onResolve": [],
    "onLoad": [{"id": 0, "filter": ".*", "namespace": "file"}],
}
# An import is seen as ES modules see it, also of a package that is none
HEAD = """
const made = new Map();
const seen = (space) => {
  const found = {};
  for (const name of Object.getOwnPropertyNames(space)) {
    Object.defineProperty(found, name, { get: () => space[name], enumerable: true });
  }
  return Object.defineProperty(found, "__esModule", { value: true });
};
module.exports = (name) => {
  if (!Object.hasOwn(table, name)) {
    throw new Error(`${name} is no dependency of this gateway, or exports no such path.`);
  }
  if (!made.has(name)) made.set(name, seen(table[name]().space));
  return made.get(name);
};
"""
_UNRESOLVED = re.compile(r'Could not resolve "([^"]+)"')
_OF_NODE = re.compile(r"built into node|platform.*node", re.IGNORECASE)
_PACKAGE = re.compile(r"node_modules/((?:@[^/]+/)?[^/]+)/(?!.*node_modules/)")


def bundle(found: Installed, entries: Mapping[str, Sequence[str]]) -> tuple[str, dict[str, list[str]]]:
    """The script's text, and what can be imported of each package from it.

    A package comes as a whole, or else alone without the paths below it: some of those are for Node or for its tests.
    """
    whole, give_up_at = {name: list(paths) for name, paths in entries.items()}, time.monotonic() + WITHIN
    try:
        return _bundled(found, whole, give_up_at), whole
    except Refused:
        fitting = {name: _fitting(found, name, paths, give_up_at) for name, paths in whole.items()}
    return _bundled(found, fitting, give_up_at), fitting


def _fitting(found: Installed, name: str, paths: list[str], give_up_at: float) -> list[str]:
    try:
        _bundled(found, {name: paths}, give_up_at)
    except Refused as refused:
        itself = [path for path in paths if path == name]
        try:
            if not itself or itself == paths:
                raise refused
            _bundled(found, {name: itself}, give_up_at)
        except Refused as because:
            because.package = name
            raise
        return itself
    return paths


def _bundled(found: Installed, entries: Mapping[str, Sequence[str]], give_up_at: float) -> str:
    names = [path for paths in entries.values() for path in paths]
    if not names:
        return ""
    folder = found.folder / "entries"
    folder.mkdir(exist_ok=True)
    for number, name in enumerate(names):
        quoted = orjson.dumps(name).decode()
        (folder / f"{number}.mjs").write_text(f"import * as space from {quoted};\nexport {{ space }};\n")
    table = ",\n".join(
        f'  {orjson.dumps(name).decode()}: () => require("./{number}.mjs")' for number, name in enumerate(names)
    )
    (folder / "vendor.js").write_text(f"const table = {{\n{table}\n}};\n{HEAD}")
    answer = _build(folder, give_up_at)
    if errors := answer.get("errors"):
        raise _refusal(errors[0])
    code: str = next(each["contents"] for each in answer["outputFiles"] if each["path"].endswith("vendor.js")).decode()
    if "\0" in code:
        # Which the compiler leaves in what a template is tagged for, and no database keeps
        raise Refused(NOT_BUNDLED, {"name": "", "said": "NUL"})
    size = len(code.encode())
    if size > LARGEST:
        told = {"size": f"{size / 1024 / 1024:.1f}", "most": LARGEST // 1024 // 1024}
        raise Refused(BUNDLE_TOO_LARGE, told)
    return code


def _build(folder: Path, give_up_at: float) -> dict[str, Any]:
    """In a process of its own: a package that makes it end takes nobody's save with it."""
    if (left := give_up_at - time.monotonic()) <= 0:
        raise Refused(TOO_LONG, {"seconds": int(WITHIN)})
    request = {
        "command": "build",
        "flags": FLAGS,
        "write": False,
        "stdinContents": None,
        "stdinResolveDir": None,
        "absWorkingDir": str(folder),
        "nodePaths": [],
        "context": False,
        "entries": [["", str(folder / "vendor.js")]],
        "plugins": [PLUGIN],
    }
    service = Service()
    try:
        return service.build(request, partial(_answer, folder.parent), within=left)
    except TimeoutError:
        raise Refused(TOO_LONG, {"seconds": int(WITHIN)}) from None
    except Ended as ended:
        log.warning("compiler ended over packages", said=str(ended))
        raise Refused(NOT_BUNDLED, {"name": "", "said": str(ended)[:LONGEST_SAID]}) from None
    finally:
        service.end()


def _answer(whole: Path, question: dict[str, Any]) -> dict[str, Any]:
    """A package may name any file of this machine: what is outside of the packages is never read."""
    if question.get("command") != "on-load":
        return {"errors": [], "warnings": []}
    if Path(question["path"]).resolve().is_relative_to(whole):
        return {}
    text = f"It imports {question['path']}, which is no file of a package"
    return {
        "id": 0,
        "errors": [{"id": "", "pluginName": "", "text": text, "location": None, "notes": [], "detail": -1}],
    }


def _refusal(message: Mapping[str, Any]) -> Refused:
    text = str(message["text"])
    place = message.get("location") or {}
    file = str(place.get("file", ""))
    owner = _PACKAGE.search(file)
    name = owner[1] if owner else file
    if unresolved := _UNRESOLVED.search(text):
        notes = " ".join(str(note.get("text", "")) for note in message.get("notes") or ())
        if unresolved[1].startswith("node:") or _OF_NODE.search(notes):
            return Refused(OF_NODE, {"name": name, "module": unresolved[1].removeprefix("node:")}, package=name)
    if text.startswith("No loader is configured for"):
        return Refused(NATIVE, {"name": name, "file": text.rpartition(": ")[2][-80:]}, package=name)
    return Refused(NOT_BUNDLED, {"name": name, "said": text[:LONGEST_SAID]}, package=name)
