"""The console's languages, without the gettext programs.

python tools/messages.py compile    .po → .mo, for running; needs nothing but Python
python tools/messages.py check      every text of the source is translated; needs requirements/test.txt
python tools/messages.py collect    writes new texts into the .po files, to be translated, and drops old ones
"""

import ast
import re
import struct
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

BASE = Path(__file__).resolve().parent.parent
LOCALES = BASE / "locale"
SOURCES = ("apps", "portal", "templates")

# A text's key: its context, the text, and its plural form
Key = tuple[str, str, str]


def main(arguments: list[str]) -> int:
    commands: dict[str, Callable[[], int]] = {"compile": compile_all, "check": check_all, "collect": collect_all}
    if len(arguments) != 1 or arguments[0] not in commands:
        print(__doc__)
        return 2
    return commands[arguments[0]]()


def catalogues() -> list[Path]:
    return sorted(LOCALES.glob("*/LC_MESSAGES/*.po"))


# --- Compiling, with the standard library alone ----------------------------------------------------


def compile_all() -> int:
    for path in catalogues():
        target = path.with_suffix(".mo")
        if target.exists() and target.stat().st_mtime >= path.stat().st_mtime:
            continue
        partial = target.with_suffix(f".mo.{id(target)}")
        partial.write_bytes(mo_bytes(read_po(path.read_text(encoding="utf-8"))))
        # At once, so that a process that starts meanwhile never reads half of it
        partial.replace(target)
        print(f"Compiled {target.relative_to(BASE)}")
    return 0


def read_po(text: str) -> dict[str, str]:
    """Texts by key as a .mo has them: context, \\x04, text, \\x00, plural. Fuzzy and obsolete ones are left out."""
    found: dict[str, str] = {}
    for block in re.split(r"\n\s*\n", text):
        fields: dict[str, str] = {}
        is_fuzzy, current = False, ""
        for line in block.splitlines():
            if line.startswith("#,"):
                is_fuzzy = is_fuzzy or "fuzzy" in line
            match = re.match(r'(?:(msgctxt|msgid_plural|msgid|msgstr(?:\[\d+\])?)\s+)?(".*")\s*$', line)
            if match:
                current = match[1] or current
                fields[current] = fields.get(current, "") + ast.literal_eval(match[2])
        if "msgid" not in fields or is_fuzzy:
            continue
        forms = [value for name, value in sorted(fields.items()) if name.startswith("msgstr")]
        if not all(forms):
            continue
        key = fields["msgid"]
        if "msgctxt" in fields:
            key = f"{fields['msgctxt']}\x04{key}"
        if "msgid_plural" in fields:
            key = f"{key}\x00{fields['msgid_plural']}"
        found[key] = "\x00".join(forms)
    return found


def mo_bytes(texts: dict[str, str]) -> bytes:
    """The GNU layout: header, table of keys, table of values, then both as C strings, sorted by key."""
    pairs = sorted((key.encode(), value.encode()) for key, value in texts.items())
    keys_at = 7 * 4
    values_at = keys_at + 8 * len(pairs)
    offset = values_at + 8 * len(pairs)
    tables: list[tuple[int, int]] = []
    body = b""
    for each in [key for key, _ in pairs] + [value for _, value in pairs]:
        tables.append((len(each), offset + len(body)))
        body += each + b"\0"
    header = struct.pack("<7I", 0x950412DE, 0, len(pairs), keys_at, values_at, 0, offset)
    return header + b"".join(struct.pack("<2I", *entry) for entry in tables) + body


# --- Collecting the texts of the source ------------------------------------------------------------

SINGULAR = {"_", "gettext", "gettext_lazy", "gettext_noop"}
PLURAL = {"ngettext", "ngettext_lazy"}
WITH_CONTEXT = {"pgettext", "pgettext_lazy"}
PLURAL_WITH_CONTEXT = {"npgettext", "npgettext_lazy"}


def source_texts() -> dict[Key, list[str]]:
    """Every text that is marked for translation, and where."""
    found: dict[Key, list[str]] = defaultdict(list)
    for folder in SOURCES:
        for path in sorted((BASE / folder).rglob("*")):
            place = str(path.relative_to(BASE))
            if path.suffix == ".py":
                texts = python_texts(path.read_text(encoding="utf-8"), place)
            elif path.suffix in (".html", ".txt") and "templates" in path.parts:
                texts = template_texts(path.read_text(encoding="utf-8"), place)
            else:
                continue
            for key in texts:
                if place not in found[key]:
                    found[key].append(place)
    return found


def python_texts(source: str, place: str) -> Iterator[Key]:
    for node in ast.walk(ast.parse(source, place)):
        if isinstance(node, ast.Call):
            yield from _call_texts(node, place)


def _call_texts(node: ast.Call, place: str) -> Iterator[Key]:
    name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
    shapes = {
        **dict.fromkeys(SINGULAR, ("text",)),
        **dict.fromkeys(PLURAL, ("text", "plural")),
        **dict.fromkeys(WITH_CONTEXT, ("context", "text")),
        **dict.fromkeys(PLURAL_WITH_CONTEXT, ("context", "text", "plural")),
    }
    shape = shapes.get(name)
    if shape is None or len(node.args) < len(shape):
        return
    texts = node.args[: len(shape)]
    if any(isinstance(each, ast.JoinedStr | ast.BinOp | ast.Call) for each in texts):
        raise SystemExit(f"{place}:{node.lineno}: {name}() takes its texts as they are, not computed ones.")
    values = [each.value if isinstance(each, ast.Constant) else None for each in texts]
    if not all(isinstance(value, str) for value in values):
        return  # a name: what it stands for is marked where it's written, with gettext_noop
    named = dict(zip(shape, values, strict=True))
    yield (str(named.get("context", "")), str(named["text"]), str(named.get("plural", "")))


def template_texts(source: str, place: str) -> Iterator[Key]:
    """Django turns a template into calls that xgettext understands; Python's own parser does as well."""
    from django.utils.translation.template import templatize

    # Comments are skipped by the first pattern, so a text in one isn't collected
    calls = r"\b(?:gettext|ngettext|pgettext|npgettext|_)\("
    turned = templatize(source, origin=place)
    for match in re.finditer(calls, turned):
        call = _balanced(turned, match.start(), match.end())
        yield from python_texts(call, place)


def _balanced(text: str, start: int, after_paren: int) -> str:
    """The call from its name to its closing parenthesis, which may also occur inside of its strings."""
    depth, quote, position = 1, "", after_paren
    while depth:
        letter = text[position]
        if quote:
            if letter == "\\":
                position += 1
            elif letter == quote:
                quote = ""
        elif letter in "'\"":
            quote = letter
        else:
            depth += {"(": 1, ")": -1}.get(letter, 0)
        position += 1
    call = text[start:position]
    # Number and counter of a plural are names of the template, of no meaning here
    return re.sub(r"\bu(?=['\"])", "", call)


# --- Checking --------------------------------------------------------------------------------------

PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%[sd]|\{\w*\}|</?\w+")


def check_all() -> int:
    problems = [problem for path in catalogues() for problem in problems_of(path, source_texts())]
    if not catalogues():
        problems.append("There is no catalogue in locale/.")
    for problem in problems:
        print(problem)
    if problems:
        print(f"{len(problems)} to mend. `python tools/messages.py collect` adds what is missing.")
    return 1 if problems else 0


def problems_of(path: Path, texts: Iterable[Key]) -> list[str]:
    import polib

    catalogue = polib.pofile(str(path))
    language = path.parent.parent.name
    entries = {(entry.msgctxt or "", entry.msgid, entry.msgid_plural or ""): entry for entry in catalogue}
    wanted = set(texts)
    problems = [f"{language}: missing {key[1]!r}" for key in sorted(wanted - set(entries))]
    problems += [f"{language}: no longer used {key[1]!r}" for key in sorted(set(entries) - wanted)]
    for key in sorted(wanted & set(entries)):
        problems += [f"{language}: {fault} {key[1]!r}" for fault in _faults(entries[key])]
    return problems


def _faults(entry: Any) -> Iterator[str]:
    if entry.fuzzy:
        yield "fuzzy"
    forms = list(entry.msgstr_plural.values()) if entry.msgid_plural else [entry.msgstr]
    if not all(forms):
        yield "not translated"
        return
    expected = sorted(PLACEHOLDER.findall(entry.msgid_plural or entry.msgid))
    for form in forms:
        if sorted(PLACEHOLDER.findall(form)) != expected:
            yield "other placeholders or tags in"
        if form.startswith("\n") != entry.msgid.startswith("\n") or form.endswith("\n") != entry.msgid.endswith("\n"):
            yield "other line ends in"


# --- Bringing the catalogues up to date ------------------------------------------------------------


def collect_all() -> int:
    import polib

    texts = source_texts()
    for path in catalogues():
        catalogue = polib.pofile(str(path), wrapwidth=0)
        known = {(entry.msgctxt or "", entry.msgid, entry.msgid_plural or ""): entry for entry in catalogue}
        fresh = polib.POFile(wrapwidth=0)
        fresh.metadata = catalogue.metadata
        fresh.header = catalogue.header
        for key, places in sorted(texts.items(), key=lambda item: (item[1][0], item[0])):
            entry = known.get(key) or _entry(key, forms=_plural_forms(catalogue))
            entry.occurrences = [(place, "") for place in places]
            entry.flags = []
            fresh.append(entry)
        fresh.save(str(path))
        missing = [entry for entry in fresh if not entry.translated()]
        print(f"{path.relative_to(BASE)}: {len(fresh)} texts, {len(missing)} to translate")
    return 0


def _entry(key: Key, *, forms: int) -> Any:
    import polib

    context, text, plural = key
    entry = polib.POEntry(msgctxt=context or None, msgid=text)
    if plural:
        entry.msgid_plural = plural
        entry.msgstr_plural = dict.fromkeys(range(forms), "")
    return entry


def _plural_forms(catalogue: Any) -> int:
    match = re.search(r"nplurals=(\d+)", catalogue.metadata.get("Plural-Forms", ""))
    return int(match[1]) if match else 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
