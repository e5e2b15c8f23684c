"""Envelope encryption: AES-256-GCM, a data key for each value, wrapped by a key that has an id.

A value is bound to its place (table, column, row) by its context: moved elsewhere, it doesn't open.
"""

from apps.core.crypto.envelope import Context, Sealed, key_id_of, open_sealed, rewrap, seal
from apps.core.crypto.errors import CantOpen, KeyMissing
from apps.core.crypto.fields import SecretField
from apps.core.crypto.hashing import (
    HASH_LENGTH,
    is_current_hash,
    is_hash_of,
    keyed_hash,
    keyed_hashes,
    register_hashes,
)
from apps.core.crypto.secret import MASK, Secret

__all__ = [
    "HASH_LENGTH",
    "MASK",
    "CantOpen",
    "Context",
    "KeyMissing",
    "Sealed",
    "Secret",
    "SecretField",
    "is_current_hash",
    "is_hash_of",
    "key_id_of",
    "keyed_hash",
    "keyed_hashes",
    "open_sealed",
    "register_hashes",
    "rewrap",
    "seal",
]
