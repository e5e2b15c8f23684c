"""Which texts can be kept and sent at all."""

import re

# What JSON and Python can say, and no column of PostgreSQL takes: NUL, and half of a surrogate pair
UNSTORABLE = re.compile("[\0\ud800-\udfff]")
_HALF = re.compile("[\ud800-\udfff]")


def has_half_character(text: str) -> bool:
    """A lone surrogate, which no encoding can write."""
    return _HALF.search(text) is not None
