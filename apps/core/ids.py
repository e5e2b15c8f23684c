"""Ids such as `gw_01k9z3v8q4m7x2c5b1n6t0r3fd`: the kind, then 48 bits of milliseconds and 80 random bits.

They sort by the time they were made, also as text, and those made in one process never tie or go back.
"""

import os
import secrets
import threading
import time
from typing import Any

from django.db import models

# Crockford's alphabet: no i, l, o, u, so that an id can be read out and typed
ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
LENGTH = 26
RANDOM_BITS = 80

_lock = threading.Lock()
_last = 0


def new_id(prefix: str) -> str:
    return f"{prefix}_{_encode(_next_number())}"


def _next_number() -> int:
    global _last
    with _lock:
        number = (time.time_ns() // 1_000_000 << RANDOM_BITS) | secrets.randbits(RANDOM_BITS)
        if number <= _last:
            number = _last + 1
        _last = number
        return number


def _begin_anew() -> None:
    """Forked processes mustn't count on from where theirs stood: while a clock is behind, all would do so alike."""
    global _lock, _last
    # Another thread may have had it
    _lock, _last = threading.Lock(), 0


os.register_at_fork(after_in_child=_begin_anew)


def _encode(number: int) -> str:
    digits = []
    for _ in range(LENGTH):
        number, digit = divmod(number, 32)
        digits.append(ALPHABET[digit])
    return "".join(reversed(digits))


class IdField(models.CharField):  # type: ignore[type-arg]
    """A primary key that is known before the row is saved. Compared byte by byte, so it sorts the same everywhere."""

    def __init__(self, prefix: str = "", **options: Any) -> None:
        self.prefix = prefix
        options.setdefault("primary_key", True)
        options.setdefault("editable", False)
        options["max_length"] = 40
        options["db_collation"] = "C"
        options["default"] = self._new
        super().__init__(**options)

    def _new(self) -> str:
        return new_id(self.prefix)

    def deconstruct(self) -> tuple[str, str, Any, Any]:
        name, path, arguments, options = super().deconstruct()
        for made_here in ("max_length", "db_collation", "default"):
            options.pop(made_here, None)
        options["prefix"] = self.prefix
        return name, path, arguments, options
