"""A line of a gateway's log, and what is looked for in it: the same rules for what is read and for what is followed."""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any


class Level(StrEnum):
    DEBUG = "debug"
    INFO = "info"
    WARN = "warn"
    ERROR = "error"


LEVELS: tuple[str, ...] = tuple(Level)
# Where a line comes from
SOURCES = ("console", "call", "system", "trigger")
COLUMNS = "id, at, stage, function, version, request_id, level, source, text, fields"


@dataclass(frozen=True, slots=True)
class LogLine:
    id: int
    at: datetime
    stage: str
    # Without its stage
    function: str
    version: int
    request_id: str
    level: str
    source: str
    text: str
    fields: Any

    @classmethod
    def of(cls, row: tuple[Any, ...]) -> "LogLine":
        """Of a row with COLUMNS."""
        line = cls(*row)
        return cls(line.id, line.at.astimezone(UTC), *row[2:])

    @property
    def is_draft(self) -> bool:
        """Only what isn't saved has no version."""
        return self.version == 0 and self.function != ""

    @property
    def stack(self) -> str:
        found = self.fields.get("stack") if isinstance(self.fields, dict) else None
        return found if isinstance(found, str) else ""

    @property
    def others(self) -> dict[str, Any]:
        """What it was given besides, without the stack."""
        if not isinstance(self.fields, dict):
            return {} if self.fields is None else {"": self.fields}
        return {name: value for name, value in self.fields.items() if name != "stack"}

    @property
    def dropped(self) -> int:
        """How many lines a limit kept out in its place."""
        found = self.fields.get("left_out") if self.source == "system" and isinstance(self.fields, dict) else None
        return found if isinstance(found, int) and not isinstance(found, bool) and found > 0 else 0

    def as_json(self) -> dict[str, Any]:
        return {
            # Beyond what JavaScript counts exactly, after long enough
            "id": str(self.id),
            "at": self.at.isoformat(timespec="microseconds").replace("+00:00", "Z"),
            "stage": self.stage,
            "function": self.function,
            "version": self.version,
            "request_id": self.request_id,
            "level": self.level,
            "source": self.source,
            "text": self.text,
            "fields": self.fields,
        }


@dataclass(frozen=True, slots=True)
class LogFilter:
    """What is wanted; what is empty narrows nothing. `since` is within it, `until` isn't."""

    stages: frozenset[str] = frozenset()
    function: str = ""
    request_id: str = ""
    levels: frozenset[str] = frozenset()
    text: str = ""
    since: datetime | None = None
    until: datetime | None = None

    def conditions(self) -> tuple[list[str], dict[str, Any]]:
        """For WHERE, with named parameters."""
        found: list[str] = []
        values: dict[str, Any] = {}
        for condition, name, value in (
            ("stage = ANY(%(stages)s)", "stages", sorted(self.stages)),
            ("function = %(function)s", "function", self.function),
            ("request_id = %(request_id)s AND request_id <> ''", "request_id", self.request_id),
            ("level = ANY(%(levels)s)", "levels", sorted(self.levels)),
            ("(text ILIKE %(text)s OR fields::text ILIKE %(text)s)", "text", self.text and f"%{escaped(self.text)}%"),
            ("at >= %(since)s", "since", self.since),
            ("at < %(until)s", "until", self.until),
        ):
            if value:
                found.append(condition)
                values[name] = value
        return found, values


def escaped(text: str) -> str:
    r"""For LIKE, whose wildcards are letters here."""
    return text.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")
