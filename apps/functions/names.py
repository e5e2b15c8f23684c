"""What a function may be called: its stage, and a base name that is the path of its calls.

`user/:id` answers `/user/7`: segments, parameters such as `:id`, and, as the last one, `*rest` for all that follows.
`index` answers `/`.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from django.utils.translation import gettext as _

from apps.functions.models import LONGEST_NAME
from apps.gateways.sizes import StageName

MOST_SEGMENTS = 16
# Kept for the platform, as the beginning of a name
RESERVED_PREFIXES = ("_imp", "~")
_SEGMENT = re.compile(r"[A-Za-z0-9._~-]+")
_WRONG = re.compile(r"[^A-Za-z0-9._~-]")
_PARAMETER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
PARAMETER, REST = ":", "*"
# Answers `/` of its stage, which no other name stands for
INDEX = "index"


@dataclass(frozen=True)
class Name:
    """`dev/user/me`, taken apart."""

    stage: str
    base: str

    def __str__(self) -> str:
        return f"{self.stage}/{self.base}"


def read_name(text: str, *, stage: str = StageName.DEV) -> Name:
    """As people write it: one without a stage is in the given one."""
    first, slash, rest = text.strip().partition("/")
    if first in StageName.values and (slash or not rest):
        return Name(first, rest)
    return Name(stage, text.strip())


def written(name: Name) -> str:
    """As `read_name` reads it in its stage: a base name that begins like a stage needs its own before it."""
    return name.base if read_name(name.base, stage=name.stage) == name else str(name)


def refusal_of_name(base: str) -> str:
    """Why it can't be a base name; empty where it can. Whether another has it, only the database knows."""
    if not base:
        return _("Give it a name, such as user/me.")
    if len(base) > LONGEST_NAME:
        return _("Use %(most)d characters or fewer; these are %(count)d.") % {"most": LONGEST_NAME, "count": len(base)}
    if base.startswith("/") or base.endswith("/") or "//" in base:
        return _("Write names between slashes, such as user/me: none at the beginning or end, nor two in a row.")
    segments = base.split("/")
    if len(segments) > MOST_SEGMENTS:
        words = {"most": MOST_SEGMENTS, "count": len(segments)}
        return _("Use %(most)d parts between slashes or fewer; these are %(count)d.") % words
    if segments[0].startswith(RESERVED_PREFIXES):
        prefix = next(each for each in RESERVED_PREFIXES if segments[0].startswith(each))
        return _("Names that begin with %(prefix)s are kept for the platform. Choose another name.") % {
            "prefix": prefix
        }
    return next(filter(None, (_refusal_of_segment(each) for each in segments)), "") or _refusal_of_whole(segments)


def pattern_of(base: str) -> tuple[str, ...]:
    """Which calls it answers, whatever its parameters are called: `user/:id` and `user/:name` have the same one."""
    return tuple(each[0] if each[0] in (PARAMETER, REST) else each for each in base.split("/"))


def clashes(base: str, others: Iterable[str]) -> str:
    """The first of the others that would answer the very same calls; empty where none does."""
    pattern = pattern_of(base)
    return next((other for other in others if pattern_of(other) == pattern), "")


def path_of(base: str) -> str:
    """Where its calls go, with its parameters as they stand in its name."""
    return "/" if base == INDEX else f"/{base}"


def example_of(base: str) -> str:
    """A path that it answers."""
    return "/".join("7" if each[:1] in (PARAMETER, REST) else each for each in path_of(base).split("/"))


def parameters_of(base: str) -> tuple[str, ...]:
    """`id` of `user/:id`, in order."""
    return tuple(each[1:] for each in base.split("/") if each[0] in (PARAMETER, REST))


def _refusal_of_segment(segment: str) -> str:
    if segment[0] in (PARAMETER, REST):
        if _PARAMETER.fullmatch(segment[1:]):
            return ""
        words = {"segment": segment, "mark": segment[0]}
        return (
            _("%(segment)s can't be a parameter: after %(mark)s, write letters, digits and _, and begin with no digit.")
            % words
        )
    if segment in (".", ".."):
        return _("%(segment)s can't be a part of a name, as browsers take it out of paths.") % {"segment": segment}
    if _SEGMENT.fullmatch(segment):
        return ""
    found = _WRONG.search(segment)
    words = {"character": found.group() if found else segment}
    return _("Use letters, digits and the signs . _ ~ - in a name; %(character)r is none of them.") % words


def _refusal_of_whole(segments: list[str]) -> str:
    for segment in segments[:-1]:
        if segment[0] == REST:
            return _("%(segment)s takes all that follows, so it has to stand last.") % {"segment": segment}
    names = [each[1:] for each in segments if each[0] in (PARAMETER, REST)]
    twice = next((name for at, name in enumerate(names) if name in names[:at]), "")
    return _("The parameter %(name)s is there twice.") % {"name": twice} if twice else ""
