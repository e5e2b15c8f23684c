"""A function's files: how many, how large, and under which paths, so that they fit on every disk that they land on."""

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from django.utils.translation import gettext as _

from apps.core.errors import InvalidInput
from apps.core.texts import has_half_character
from apps.functions.compiling.resolving import LOADERS
from apps.functions.models import LONGEST_PATH

MOST_FILES = 100
LARGEST_FILE, LARGEST_WHOLE = 256 * 1024, 1024 * 1024
# What code may import, and of these, what can be run
CODE = (".ts", ".tsx", ".mts", ".js", ".jsx", ".mjs")
EXTENSIONS = tuple(f".{each}" for each in LOADERS)
USUAL_ENTRYPOINTS = ("index.ts", "index.tsx", "index.js", "index.mjs", "src/index.ts", "main.ts", "handler.ts")
# These say something about a whole project elsewhere, and nothing here
RESERVED = frozenset({"package.json", "package-lock.json", "deno.json", "deno.lock", "tsconfig.json"})
# No file on Windows may be called so, whatever its extension
DEVICES = frozenset({"con", "prn", "aux", "nul", *(f"{name}{n}" for name in ("com", "lpt") for n in range(1, 10))})
_WRONG = re.compile(r"[^A-Za-z0-9._@()\[\]/+-]")


@dataclass(frozen=True)
class Unchanged:
    """A file that the other side has already: known by its hash, so that it isn't sent again."""

    sha256: str


Given = Mapping[str, str | Unchanged]


def hash_of(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def hashes_of(files: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """What is shown of each file where its text isn't."""
    return {path: {"sha256": hash_of(files[path]), "size": len(files[path].encode())} for path in sorted(files)}


def whole_files(given: Given, known: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """With the text of what was only named by its hash, from the files that are known. A moved one needn't be sent."""
    wanted = {each.sha256 for each in given.values() if isinstance(each, Unchanged)}
    texts = {hash_of(text): text for files in known for text in files.values()} if wanted else {}
    errors: dict[str, list[Any]] = {}
    found = {}
    for path, each in given.items():
        if isinstance(each, str):
            found[path] = each
        elif each.sha256 in texts:
            found[path] = texts[each.sha256]
        else:
            errors[field_of(path)] = [_("No version that is known here has a file with this hash. Send its content.")]
    if errors:
        raise InvalidInput(fields=errors)
    return found


def checked_files(files: Mapping[str, str]) -> dict[str, str]:
    """All that is wrong, each at its path."""
    if not files:
        raise InvalidInput(fields={"files": [_("Give it one file at least.")]})
    if len(files) > MOST_FILES:
        words = {"count": len(files), "most": MOST_FILES}
        raise InvalidInput(fields={"files": [_("These are %(count)d files; it has %(most)d at most.") % words]})
    errors = {field_of(path): [refusal] for path, text in files.items() if (refusal := _refusal(path, text))}
    errors.update({field_of(path): [text] for path, text in _meetings(files) if field_of(path) not in errors})
    if errors:
        raise InvalidInput(fields=errors)
    if sum(len(text.encode()) for text in files.values()) > LARGEST_WHOLE:
        words = {"most": LARGEST_WHOLE // 1024}
        raise InvalidInput(fields={"files": [_("Together they are larger than %(most)d KB.") % words]})
    return {path: files[path] for path in sorted(files)}


def checked_entrypoint(entrypoint: str, files: Mapping[str, str]) -> str:
    """Which of the files is run; without a word, the one that is usual or the only one."""
    code = [path for path in files if path.endswith(CODE) and not path.endswith(".d.ts")]
    if not entrypoint:
        usual = next((path for path in USUAL_ENTRYPOINTS if path in files), code[0] if len(code) == 1 else "")
        if not usual:
            raise InvalidInput(fields={"entrypoint": [_("Say which of the files holds the handler.")]})
        return usual
    if entrypoint not in files:
        words = {"path": entrypoint}
        raise InvalidInput(fields={"entrypoint": [_("%(path)s is none of its files.") % words]})
    if entrypoint not in code:
        words = {"endings": ", ".join(CODE)}
        raise InvalidInput(fields={"entrypoint": [_("Choose a file with code: %(endings)s.") % words]})
    return entrypoint


def refusal_of_path(path: str) -> str:
    """Why no file can be called so; empty where one can."""
    if not path:
        return _("Give the file a name.")
    if len(path) > LONGEST_PATH:
        return _("Use %(most)d characters or fewer; these are %(count)d.") % {"most": LONGEST_PATH, "count": len(path)}
    if wrong := _WRONG.search(path):
        words = {"character": wrong.group()}
        return _("Use letters, digits and the signs . _ @ ( ) [ ] + - / in a path; %(character)r is none of them.") % (
            words
        )
    parts = path.split("/")
    if "" in parts or ".." in parts or "." in parts:
        return _("Write the path from the function's own folder, such as lib/dates.ts: no . and .., no empty part.")
    for part in parts:
        if refusal := _refusal_of_part(part):
            return refusal
    if not path.endswith(EXTENSIONS):
        return _("Files end in one of these: %(endings)s.") % {"endings": ", ".join(EXTENSIONS)}
    return ""


def field_of(path: str) -> str:
    """Where a problem points to for a file: a JSON pointer."""
    return "/files/" + path.replace("~", "~0").replace("/", "~1")


def _refusal_of_part(part: str) -> str:
    if part.startswith("."):
        return _("%(name)s begins with a dot: such files are hidden on most systems. Name it otherwise.") % {
            "name": part
        }
    if part.endswith("."):
        return _("%(name)s ends with a dot, which some systems take away. Name it otherwise.") % {"name": part}
    if part.split(".")[0].casefold() in DEVICES:
        return _("%(name)s is the name of a device on some systems. Name it otherwise.") % {"name": part}
    if part == "node_modules" or part in RESERVED:
        words = {"name": part}
        return _("%(name)s has no place here: packages are the gateway's, on its page Dependencies.") % words
    return ""


def _refusal(path: str, text: str) -> str:
    if refusal := refusal_of_path(path):
        return refusal
    if "\0" in text:
        return _("A text file holds no NUL character.")
    if len(text.encode(errors="replace")) > LARGEST_FILE:
        return _("It's larger than %(most)d KB.") % {"most": LARGEST_FILE // 1024}
    return _("It holds half of a character (a lone surrogate).") if has_half_character(text) else ""


def _meetings(files: Iterable[str]) -> Iterable[tuple[str, str]]:
    """What can't lie in one folder: names that differ in case alone, and a file that is a folder too."""
    seen: dict[str, str] = {}
    paths = sorted(files)
    folders = {str(folder).casefold() for path in paths for folder in PurePosixPath(path).parents}
    for path in paths:
        folded = path.casefold()
        if folded in seen:
            words = {"other": seen[folded]}
            yield (
                path,
                _("It differs from %(other)s in capital letters alone, which some systems don't tell apart.") % (words),
            )
        elif folded in folders:
            yield path, _("A folder is called so already.")
        seen.setdefault(folded, path)
