"""Documents, filters and orders as people write them: JSON."""

import json
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from apps.core.errors import InvalidInput
from apps.core.repeats import RepeatedField, each_once

LONGEST = 1024 * 1024
LONGEST_SHOWN = 50
# A few more than the runtime takes, which says it better
DEEPEST = 120


def read_object(text: str, field: str) -> dict[str, Any]:
    """Empty is {}; what is wrong is said with its place."""
    if len(text) > LONGEST:
        raise InvalidInput(fields={field: [_("Write at most a million characters.")]})
    try:
        found = json.loads(
            text if text.strip() else "{}",
            object_pairs_hook=each_once,
            parse_constant=_refuse,
            parse_int=_exact_whole,
            parse_float=_exact,
        )
    except (InexactNumber, RepeatedField) as error:
        raise InvalidInput(fields={field: [error.words]}) from None
    except RecursionError:
        raise InvalidInput(fields={field: [_too_deep()]}) from None
    except json.JSONDecodeError as error:
        words = {"line": error.lineno, "column": error.colno, "what": error.msg}
        said = _("This can't be read as JSON: line %(line)d, column %(column)d: %(what)s.") % words
        raise InvalidInput(fields={field: [said]}) from None
    except ValueError:
        raise InvalidInput(fields={field: [_("This can't be read as JSON.")]}) from None
    if not isinstance(found, dict):
        raise InvalidInput(fields={field: [_("Write an object: { … }.")]})
    if _is_deeper(found, DEEPEST):
        raise InvalidInput(fields={field: [_too_deep()]})
    return found


def _is_deeper(value: Any, levels: int) -> bool:
    """Level by level, as recursion has an end of its own."""
    level = [value]
    for _level in range(levels):
        held = (each.values() if isinstance(each, dict) else each for each in level if isinstance(each, dict | list))
        level = [each for several in held for each in several]
    return bool(level)


def _too_deep() -> str:
    return _("This nests too deeply. Documents and filters have at most 100 levels.")


class InexactNumber(Exception):
    """One that would be kept as another one."""

    def __init__(self, number: str) -> None:
        shown = number if len(number) <= LONGEST_SHOWN else f"{number[:LONGEST_SHOWN]}…"
        said = _("%(number)s has more digits than a number keeps, or is too great for one: write it as a text.")
        self.words = said % {"number": shown}
        super().__init__(self.words)


def whole(text: str) -> int | float:
    """Beyond 2**53, what writes the API's answers may know no whole number; JavaScript has none there either."""
    number = float(text)
    return int(text) if abs(number) < 2**53 else number


def _exact_whole(text: str) -> int | float:
    _exact(text)
    return whole(text)


def _exact(text: str) -> float:
    number = float(text)
    try:
        if Decimal(repr(number)) == Decimal(text):
            return number
    except ArithmeticError:
        # An exponent beyond all
        pass
    raise InexactNumber(text)


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
