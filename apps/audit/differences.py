"""An event's before and after, as two texts that can stand side by side."""

from collections.abc import Mapping
from typing import Any

import orjson
from django.apps import apps

from apps.audit.models import AuditEvent
from apps.core.diffs import Diff, side_by_side


def difference_of(event: AuditEvent) -> Diff | None:
    """None where no values went with the event."""
    if not event.before and not event.after:
        return None
    name = f"{_kind(event.target_type)} {event.target_label}"
    return side_by_side(name, _lines(event.before or {}), _lines(event.after or {}))


def _kind(target_type: str) -> str:
    """What people call it; a kind that the code no longer has keeps its own name."""
    called = (str(model._meta.verbose_name) for model in apps.get_models() if model._meta.model_name == target_type)
    return next(called, target_type)


def _lines(values: Mapping[str, Any]) -> str:
    return "\n".join(f"{name}: {_text(value)}" for name, value in sorted(_flat(values).items()))


def _flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested names with dots, so that a change deep inside is one line and not two walls of JSON."""
    found: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, Mapping) and value:
            found.update(_flat(value, f"{prefix}{name}."))
        else:
            found[f"{prefix}{name}"] = value
    return found


def _text(value: Any) -> str:
    """Plain text as it is; what has several lines or none, or isn't text, as JSON."""
    if isinstance(value, str) and value and len(value.splitlines()) == 1:
        return value
    return orjson.dumps(value, default=str).decode()
