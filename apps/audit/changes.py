"""What goes into before and after: only what differs, as plain JSON, with secrets masked."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.utils.functional import Promise

from apps.core.crypto import MASK, Sealed, Secret
from apps.core.secret_names import names_a_secret


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Both sides, cut to the names whose values differ."""
    differing = [name for name in {**before, **after} if _differs(name, before, after)]
    return (
        {name: before[name] for name in differing if name in before},
        {name: after[name] for name in differing if name in after},
    )


def fields_of(instance: Any, names: Iterable[str]) -> dict[str, Any]:
    """An object's values by name, for `before` and `after`."""
    return {name: getattr(instance, name) for name in names}


def _differs(name: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    if (name in before) != (name in after):
        return True
    return bool(before[name] != after[name])


def masked(value: Any, *, name: str = "") -> Any:
    """As plain JSON. A secret becomes the mask, whether by its type or by the name it goes under."""
    if value is None or value == "":
        return value
    if isinstance(value, Secret | Sealed) or (names_a_secret(name) and not isinstance(value, bool)):
        return MASK
    if isinstance(value, Mapping):
        return {str(key): masked(item, name=str(key)) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [masked(item, name=name) for item in value]
    if isinstance(value, set | frozenset):
        return sorted((masked(item, name=name) for item in value), key=str)
    if isinstance(value, str):  # first, as choices are text with a type of their own
        return str(value)
    if isinstance(value, bool | int | float | datetime | date | time | timedelta | Decimal | UUID):
        return value
    if isinstance(value, Promise):
        return str(value)
    raise TypeError(f"{name or 'A value'} of the type {type(value).__name__} can't go into the audit log; pass its id.")
