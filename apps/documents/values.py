"""Documents, filters and orders as people write them: JSON."""

import json
from typing import Any

from django.utils.translation import gettext as _

from apps.core.errors import InvalidInput

LONGEST = 1024 * 1024


def read_object(text: str, field: str) -> dict[str, Any]:
    """Empty is {}; what is wrong is said with its place."""
    if len(text) > LONGEST:
        raise InvalidInput(fields={field: [_("Write at most a million characters.")]})
    try:
        found = json.loads(text.strip() or "{}", parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        where = getattr(error, "lineno", None)
        if where is None:
            raise InvalidInput(fields={field: [_("This can't be read as JSON.")]}) from None
        words = {"line": where, "column": error.colno, "what": error.msg}  # type: ignore[union-attr]
        said = _("This can't be read as JSON: line %(line)d, column %(column)d: %(what)s.") % words
        raise InvalidInput(fields={field: [said]}) from None
    if not isinstance(found, dict):
        raise InvalidInput(fields={field: [_("Write an object: { … }.")]})
    return found


def _refuse(name: str) -> Any:
    raise ValueError(name)


def id_first(document: dict[str, Any]) -> dict[str, Any]:
    """The database keeps its fields in an order of its own, which hides what people look for first."""
    return {"_id": document["_id"], **document}


def written(value: Any) -> str:
    """For people to read and to change."""
    return json.dumps(value, ensure_ascii=False, indent=2)


def in_one_line(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
