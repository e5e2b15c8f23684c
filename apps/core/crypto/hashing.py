"""Keyed hashes, for what is only ever compared: tokens, and the secrets in mailed links.

They're as random as a key themselves, so one round of HMAC-SHA256 is enough; the key keeps a copy of the database
from being used to try tokens, or to plant one. A hash names the key that it was made under, as a sealed value does:

    2027-01:5d41402abc4b2a76b9719d911017c592…

A hash can't be moved to another key without the text. So whoever keeps one makes it anew when the text comes by, and
an old key stays in the ring as long as hashes under it are to count.
"""

import hashlib
import hmac
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from django.db.models import QuerySet

from apps.core.crypto.keys import keyring

# The longest key id, the colon, 32 bytes in hex
HASH_LENGTH = 32 + 1 + 64
FORMAT = b"imp keyed hash 1\x00"


def keyed_hash(text: str, *, purpose: str) -> str:
    """Under the current key. The same text has another hash for another purpose."""
    ring = keyring()
    return _under(ring.current_id, ring.current, text, purpose)


def keyed_hashes(text: str, *, purpose: str) -> list[str]:
    """Under every key of the ring, the current one first: to find the row whose text this is."""
    ring = keyring()
    others = [key_id for key_id in ring.keys if key_id != ring.current_id]
    return [_under(key_id, ring.keys[key_id], text, purpose) for key_id in (ring.current_id, *others)]


def is_hash_of(kept: str, text: str, *, purpose: str) -> bool:
    """Whether the kept hash is this text's. Takes equally long wherever they differ."""
    key_id, _colon, _digest = kept.partition(":")
    key = keyring().keys.get(key_id)
    return key is not None and hmac.compare_digest(kept, _under(key_id, key, text, purpose))


def is_current_hash(kept: str) -> bool:
    """Whether the hash was made under the key that is current now."""
    return kept.partition(":")[0] == keyring().current_id


_registered: dict[str, Callable[[], "QuerySet[Any, str]"]] = {}


def register_hashes(name: str, hashes: Callable[[], "QuerySet[Any, str]"]) -> None:
    """Declare hashes that move to a new key by being used; called when the app gets ready."""
    _registered[name] = hashes


def count_hashes() -> Iterator[tuple[str, Counter[str]]]:
    """How many there are under each key, so that it's known what dropping one would end."""
    for name, hashes in _registered.items():
        yield name, Counter(kept.partition(":")[0] for kept in hashes().iterator())


def _under(key_id: str, key: bytes, text: str, purpose: str) -> str:
    # The ring's keys wrap data keys; what hashes is derived from them, another for each purpose
    derived = hmac.digest(key, FORMAT + purpose.encode(), hashlib.sha256)
    return f"{key_id}:{hmac.digest(derived, text.encode(), hashlib.sha256).hex()}"
