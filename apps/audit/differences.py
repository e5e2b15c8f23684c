"""An event's before and after, side by side."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from apps.audit.models import AuditEvent

ABSENT = object()


@dataclass(frozen=True)
class DifferenceLine:
    """One name. None on a side: it wasn't there."""

    name: str
    before: str | None
    after: str | None

    @property
    def is_same(self) -> bool:
        return self.before == self.after


@dataclass(frozen=True)
class Difference:
    lines: tuple[DifferenceLine, ...]

    @property
    def added(self) -> int:
        return sum(1 for line in self.lines if line.after is not None and not line.is_same)

    @property
    def removed(self) -> int:
        return sum(1 for line in self.lines if line.before is not None and not line.is_same)


def difference_of(event: AuditEvent) -> Difference:
    before, after = _flat(event.before or {}), _flat(event.after or {})
    names = sorted({*before, *after})
    return Difference(
        tuple(DifferenceLine(name, _text(before, name), _text(after, name)) for name in names),
    )


def _flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested names with dots, so that a change deep inside is one line and not two walls of JSON."""
    found: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, Mapping) and value:
            found.update(_flat(value, f"{prefix}{name}."))
        else:
            found[f"{prefix}{name}"] = value
    return found


def _text(values: Mapping[str, Any], name: str) -> str | None:
    value = values.get(name, ABSENT)
    if value is ABSENT:
        return None
    return value if isinstance(value, str) and value else orjson.dumps(value, default=str).decode()
