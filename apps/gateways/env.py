"""Reads the text of a .env file. Nothing in it is replaced by something else: what stands there is the value."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from django.utils.translation import gettext as _

# Nothing that was matched is tried in another way: the time that takes would grow with the square of the length
_NAME = re.compile(r"\s*+(?:export\s++)?+([^=\s]*+)\s*+=[ \t]*+")
_COMMENT = re.compile(r"\s#.*$")
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\", "$": "$"}


@dataclass(frozen=True)
class EnvLine:
    """Its number counts from 1, and is that of the line where it begins."""

    number: int
    name: str
    value: str


@dataclass(frozen=True)
class EnvMistake:
    number: int
    text: str


@dataclass(frozen=True)
class Env:
    lines: tuple[EnvLine, ...]
    mistakes: tuple[EnvMistake, ...]


def read_env(text: str) -> Env:
    """All that can be read, and each line that can't, with what is wrong there."""
    found: list[EnvLine] = []
    mistakes: list[EnvMistake] = []
    numbers: dict[str, int] = {}
    for each in _read(text.removeprefix("\ufeff").replace("\r\n", "\n").split("\n")):
        if isinstance(each, EnvMistake):
            mistakes.append(each)
        elif each.name in numbers:
            words = {"name": each.name, "line": numbers[each.name]}
            mistakes.append(EnvMistake(each.number, _("%(name)s stands in line %(line)d already.") % words))
        else:
            numbers[each.name] = each.number
            found.append(each)
    return Env(tuple(found), tuple(mistakes))


def _read(lines: list[str]) -> Iterator[EnvLine | EnvMistake]:
    at = 0
    while at < len(lines):
        line, number = lines[at], at + 1
        at += 1
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        begun = _NAME.match(line)
        if begun is None:
            yield EnvMistake(number, _("Write NAME=value; there is no equals sign."))
            continue
        name, rest = begun.group(1), line[begun.end() :]
        if not name:
            yield EnvMistake(number, _("Write a name before the equals sign."))
        elif rest[:1] not in ("'", '"'):
            yield EnvLine(number, name, _COMMENT.sub("", f" {rest}").strip())
        else:
            # A value in quotes may go on over several lines
            mark, parts, ended = rest[0], [], _end_in(rest[1:], rest[0])
            rest = rest[1:]
            while ended is None and at < len(lines):
                parts.append(rest)
                rest, at = lines[at], at + 1
                ended = _end_in(rest, mark)
            if ended is None:
                at = number
                yield EnvMistake(number, _("The quotation mark that begins the value is never closed."))
            elif rest[ended + 1 :].strip() and not rest[ended + 1 :].strip().startswith("#"):
                yield EnvMistake(number, _("Something stands behind the closing quotation mark."))
            else:
                inside = "\n".join([*parts, rest[:ended]])
                yield EnvLine(number, name, inside if mark == "'" else _unescape(inside))


def _end_in(line: str, mark: str) -> int | None:
    """Where the quotation mark is closed. A backslash at the end of a line is one before its end, and no more."""
    at = 0
    while at < len(line):
        if line[at] == mark:
            return at
        at += 2 if mark == '"' and line[at] == "\\" else 1
    return None


def _unescape(text: str) -> str:
    return re.sub(r"\\(.)", lambda found: _ESCAPES.get(found[1], found[0]), text, flags=re.DOTALL)
