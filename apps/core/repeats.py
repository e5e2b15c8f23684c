"""A field that stands twice in an object of JSON: readers keep one of the two in silence, and each another one."""

import json
from typing import Any

from django.utils.translation import gettext as _

LONGEST_SHOWN = 50


class RepeatedField(ValueError):
    def __init__(self, name: str) -> None:
        shown = name if len(name) <= LONGEST_SHOWN else f"{name[:LONGEST_SHOWN]}…"
        self.words = _("“%(name)s” stands twice in one object. Keep one of the two.") % {"name": shown}
        super().__init__(self.words)


def each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """For `object_pairs_hook`."""
    found = dict(pairs)
    if len(found) < len(pairs):
        left = set(found)
        for name, _value in pairs:
            if name not in left:
                raise RepeatedField(name)
            left.remove(name)
    return found


def refuse_repeated(content: bytes) -> None:
    """Of JSON that was read already, by what doesn't tell."""
    json.loads(content.decode(), object_pairs_hook=each_once, parse_int=str, parse_float=str)
