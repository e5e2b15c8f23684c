"""The format of a sealed value, version 1:

    "imp" 01 | length of the key id, key id | nonce, wrapped data key | nonce, ciphertext

Both the wrapped key and the ciphertext are authenticated together with the format and the context, the wrapped key
also with the key's id. Rotation replaces the part before the ciphertext and leaves the ciphertext as it is.
"""

import os
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from apps.core.crypto.errors import CantOpen
from apps.core.crypto.keys import KEY_BYTES, keyring

Context = tuple[str, ...]

FORMAT = b"imp\x01"
NONCE_BYTES = 12
TAG_BYTES = 16
WRAPPED_BYTES = NONCE_BYTES + KEY_BYTES + TAG_BYTES


@dataclass(frozen=True, repr=False)
class Sealed:
    """A sealed value as it lies in the database. It says under which key, and nothing else."""

    data: bytes

    def __repr__(self) -> str:
        return f"<sealed under {key_id_of(self.data)!r}>"

    @property
    def key_id(self) -> str:
        return key_id_of(self.data)


@dataclass(frozen=True)
class _Parts:
    key_id: str
    wrapped_key: bytes
    body: bytes


def seal(plaintext: str | bytes, *, context: Context) -> bytes:
    """Encrypt for one place only; the same context is needed to open it."""
    data_key = AESGCM.generate_key(KEY_BYTES * 8)
    nonce = os.urandom(NONCE_BYTES)
    clear = plaintext.encode() if isinstance(plaintext, str) else plaintext
    body = nonce + AESGCM(data_key).encrypt(nonce, clear, _bound_to(context))
    return _wrap(data_key, context=context) + body


def open_sealed(sealed: bytes, *, context: Context) -> bytes:
    parts = _split(sealed)
    nonce, ciphertext = parts.body[:NONCE_BYTES], parts.body[NONCE_BYTES:]
    try:
        return AESGCM(_unwrap(parts, context=context)).decrypt(nonce, ciphertext, _bound_to(context))
    except InvalidTag:
        raise _cant_open(context) from None


def rewrap(sealed: bytes, *, context: Context) -> bytes:
    """The same value under the current key. The ciphertext stays; only its data key is wrapped anew."""
    parts = _split(sealed)
    if parts.key_id == keyring().current_id:
        return sealed
    return _wrap(_unwrap(parts, context=context), context=context) + parts.body


def key_id_of(sealed: bytes) -> str:
    return _split(sealed).key_id


def current_header() -> bytes:
    """What every value under the current key begins with, so that a query can find those that don't."""
    return _header(keyring().current_id)


def _wrap(data_key: bytes, *, context: Context) -> bytes:
    ring = keyring()
    header = _header(ring.current_id)
    nonce = os.urandom(NONCE_BYTES)
    return header + nonce + AESGCM(ring.current).encrypt(nonce, data_key, header + _bound_to(context))


def _unwrap(parts: _Parts, *, context: Context) -> bytes:
    key = keyring().key(parts.key_id)
    nonce, wrapped = parts.wrapped_key[:NONCE_BYTES], parts.wrapped_key[NONCE_BYTES:]
    try:
        return AESGCM(key).decrypt(nonce, wrapped, _header(parts.key_id) + _bound_to(context))
    except InvalidTag:
        raise _cant_open(context) from None


def _header(key_id: str) -> bytes:
    return FORMAT + bytes([len(key_id)]) + key_id.encode()


def _split(sealed: bytes) -> _Parts:
    if not sealed.startswith(FORMAT):
        raise CantOpen("This isn't a sealed value of a format that this version knows.")
    start = len(FORMAT) + 1
    end_of_id = start + sealed[start - 1] if len(sealed) >= start else len(sealed)
    end_of_key = end_of_id + WRAPPED_BYTES
    if len(sealed) < end_of_key + NONCE_BYTES + TAG_BYTES:
        raise CantOpen("The sealed value is cut short.")
    key_id = sealed[start:end_of_id].decode("ascii", errors="replace")
    return _Parts(key_id, sealed[end_of_id:end_of_key], sealed[end_of_key:])


def _bound_to(context: Context) -> bytes:
    """Each part with its length before it, so that ("ab", "c") and ("a", "bc") differ."""
    if not context or not all(context):
        raise ValueError("A sealed value needs a context without empty parts, such as (table, column, row).")
    parts = [part.encode() for part in context]
    return FORMAT + b"".join(len(part).to_bytes(4, "big") + part for part in parts)


def _cant_open(context: Context) -> CantOpen:
    return CantOpen(f"The sealed value at {'/'.join(context)} was changed, moved here, or sealed under another key.")
