"""What somebody wants a function to be: checked as a whole before anything is locked or written."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from django.utils.translation import gettext as _

from apps.core.errors import InvalidInput
from apps.core.names import require_short, tidy_name
from apps.functions.files import checked_entrypoint, checked_files
from apps.functions.models import (
    LONGEST_DESCRIPTION,
    LONGEST_NOTE,
    LONGEST_TAG,
    FunctionVersion,
)

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
MOST_TAGS = 20
SHORTEST_TIMEOUT_MS, LONGEST_TIMEOUT_MS, USUAL_TIMEOUT_MS = 50, 60_000, 10_000


Checked = TypeVar("Checked")


@dataclass(frozen=True)
class Wish:
    """All of a version that people decide about, beside its name."""

    files: dict[str, str]
    entrypoint: str
    description: str = ""
    tags: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    timeout_ms: int = USUAL_TIMEOUT_MS

    @classmethod
    def of(cls, version: FunctionVersion) -> "Wish":
        return cls(
            dict(version.files),
            version.entrypoint,
            version.description,
            tuple(version.tags),
            tuple(version.methods),
            version.timeout_ms,
        )

    def has_code_of(self, other: "Wish") -> bool:
        return (self.files, self.entrypoint) == (other.files, other.entrypoint)

    def but(
        self,
        *,
        files: Mapping[str, str] | None = None,
        entrypoint: str | None = None,
        description: str | None = None,
        tags: Sequence[str] | None = None,
        methods: Sequence[str] | None = None,
        timeout_ms: int | None = None,
    ) -> "Wish":
        """With what is given, checked: everything that is wrong is told at once."""
        told = _Telling()
        wanted: dict[str, Any] = {}
        if files is not None:
            wanted["files"] = told.of(lambda: checked_files(files), self.files)
        if (files is not None or entrypoint is not None) and not told.fields:
            there = wanted.get("files", self.files)
            # The files may have been moved since: what isn't said is looked for
            asked = entrypoint if entrypoint is not None else self.entrypoint if self.entrypoint in there else ""
            wanted["entrypoint"] = told.of(lambda: checked_entrypoint(asked, there), self.entrypoint)
        if description is not None:
            wanted["description"] = told.of(lambda: checked_description(description), self.description)
        if tags is not None:
            wanted["tags"] = told.of(lambda: checked_tags(tags), self.tags)
        if methods is not None:
            wanted["methods"] = told.of(lambda: checked_methods(methods), self.methods)
        if timeout_ms is not None:
            wanted["timeout_ms"] = told.of(lambda: checked_timeout(timeout_ms), self.timeout_ms)
        told.end()
        return replace(self, **wanted)


EMPTY = Wish({}, "")


def checked_description(description: str) -> str:
    description = tidy_name(description)
    require_short(description, LONGEST_DESCRIPTION, field="description")
    return description


def checked_note(note: str) -> str:
    note = tidy_name(note)
    require_short(note, LONGEST_NOTE, field="note")
    return note


def checked_tags(tags: Collection[str]) -> tuple[str, ...]:
    found = dict.fromkeys(filter(None, (tidy_name(tag) for tag in tags)))
    if len(found) > MOST_TAGS:
        words = {"count": len(found), "most": MOST_TAGS}
        raise InvalidInput(fields={"tags": [_("These are %(count)d tags; it has %(most)d at most.") % words]})
    if long := next((tag for tag in found if len(tag) > LONGEST_TAG), ""):
        told = _("%(tag)s is too long: use %(limit)d characters or fewer.") % {"tag": long, "limit": LONGEST_TAG}
        raise InvalidInput(fields={"tags": [told]})
    if comma := next((tag for tag in found if "," in tag), ""):
        raise InvalidInput(fields={"tags": [_("A tag has no comma: %(tag)s.") % {"tag": comma}]})
    return tuple(found)


def checked_methods(methods: Collection[str]) -> tuple[str, ...]:
    """In the usual order; all of them is the same as none in particular."""
    wanted = {method.strip().upper() for method in methods}
    if wrong := sorted(wanted - set(METHODS)):
        words = {"wrong": wrong[0], "methods": ", ".join(METHODS)}
        raise InvalidInput(fields={"methods": [_("%(wrong)s is none of these: %(methods)s.") % words]})
    found = tuple(method for method in METHODS if method in wanted)
    return () if found == METHODS else found


def checked_timeout(timeout_ms: int) -> int:
    if not SHORTEST_TIMEOUT_MS <= timeout_ms <= LONGEST_TIMEOUT_MS:
        words = {"least": SHORTEST_TIMEOUT_MS, "most": LONGEST_TIMEOUT_MS}
        raise InvalidInput(fields={"timeout_ms": [_("Choose %(least)d to %(most)d milliseconds.") % words]})
    return timeout_ms


class _Telling:
    """Gathers refusals, so that nobody mends one only to hear of the next."""

    def __init__(self) -> None:
        self.fields: dict[str, list[Any]] = {}

    def of(self, check: Callable[[], Checked], otherwise: Checked) -> Checked:
        try:
            return check()
        except InvalidInput as refusal:
            self.fields.update(refusal.fields)
            return otherwise

    def end(self) -> None:
        if self.fields:
            raise InvalidInput(fields=self.fields)
