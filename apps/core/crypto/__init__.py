"""Envelope encryption: AES-256-GCM, a data key for each value, wrapped by a key that has an id.

A value is bound to its place (table, column, row) by its context: moved elsewhere, it doesn't open.
"""

from apps.core.crypto.envelope import Context, Sealed, key_id_of, open_sealed, rewrap, seal
from apps.core.crypto.errors import CantOpen, KeyMissing
from apps.core.crypto.fields import SecretField
from apps.core.crypto.secret import MASK, Secret

__all__ = [
    "MASK",
    "CantOpen",
    "Context",
    "KeyMissing",
    "Sealed",
    "Secret",
    "SecretField",
    "key_id_of",
    "open_sealed",
    "rewrap",
    "seal",
]
