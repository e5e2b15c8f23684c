"""The keys that wrap data keys. In production they come from IMP_ENCRYPTION_KEYS, else from a file made once."""

import base64
import binascii
import os
import re
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from apps.core.crypto.errors import KeyMissing

KEY_BYTES = 32
KEY_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}")
# 32 random bytes have about 30 different values; a typed or repeated key has few
FEWEST_DIFFERENT_BYTES = 16
HOW_TO_MAKE_ONE = "Make one with `openssl rand -base64 32` and write it as id:key, such as 2027-01:kq3…="


@dataclass(frozen=True, repr=False)
class Keyring:
    """The first key seals; the others only open, until `manage.py reencrypt` has moved everything to the first."""

    current_id: str
    keys: dict[str, bytes]

    def __repr__(self) -> str:
        return f"Keyring(current={self.current_id!r}, ids={sorted(self.keys)})"

    def key(self, key_id: str) -> bytes:
        try:
            return self.keys[key_id]
        except KeyError:
            raise KeyMissing(key_id) from None

    @property
    def current(self) -> bytes:
        return self.keys[self.current_id]


@lru_cache(maxsize=8)
def parse_keys(text: str) -> Keyring:
    """Read `id:base64, id:base64`; an error names the entry by its position or id, never its content."""
    keys: dict[str, bytes] = {}
    for position, entry in enumerate((part.strip() for part in text.split(",")), start=1):
        if not entry:
            continue
        key_id, colon, encoded = entry.partition(":")
        if not colon or not KEY_ID.fullmatch(key_id):
            raise ImproperlyConfigured(
                f"IMP_ENCRYPTION_KEYS: entry {position} has no usable id before a colon. {HOW_TO_MAKE_ONE}"
            )
        if key_id in keys:
            raise ImproperlyConfigured(
                f"IMP_ENCRYPTION_KEYS: the id {key_id!r} is there twice. Each key needs its own."
            )
        keys[key_id] = _decode(key_id, encoded)
    if not keys:
        raise ImproperlyConfigured(f"IMP_ENCRYPTION_KEYS is empty. {HOW_TO_MAKE_ONE}")
    return Keyring(current_id=next(iter(keys)), keys=keys)


def _decode(key_id: str, encoded: str) -> bytes:
    try:
        key = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        raise ImproperlyConfigured(f"IMP_ENCRYPTION_KEYS: the key {key_id!r} isn't base64. {HOW_TO_MAKE_ONE}") from None
    if len(key) != KEY_BYTES:
        raise ImproperlyConfigured(
            f"IMP_ENCRYPTION_KEYS: the key {key_id!r} has {len(key)} bytes instead of {KEY_BYTES}. {HOW_TO_MAKE_ONE}"
        )
    if len(set(key)) < FEWEST_DIFFERENT_BYTES:
        raise ImproperlyConfigured(f"IMP_ENCRYPTION_KEYS: the key {key_id!r} isn't random. {HOW_TO_MAKE_ONE}")
    return key


def keyring() -> Keyring:
    if settings.ENCRYPTION_KEYS:
        return parse_keys(settings.ENCRYPTION_KEYS)
    if settings.ENCRYPTION_KEY_FILE is None:
        raise ImproperlyConfigured(f"IMP_ENCRYPTION_KEYS isn't set. {HOW_TO_MAKE_ONE}")
    return _keyring_of_file(Path(settings.ENCRYPTION_KEY_FILE))


@lru_cache(maxsize=8)
def _keyring_of_file(path: Path) -> Keyring:
    if not path.exists():
        _make_key_file(path)
    return parse_keys(path.read_text().strip())


def _make_key_file(path: Path) -> None:
    """Whole or not at all, and once: of several processes that start together, the first one's key counts."""
    path.parent.mkdir(parents=True, exist_ok=True)
    key = base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()
    with _private_file(path.parent) as draft:
        draft.write_text(f"local-{secrets.token_hex(3)}:{key}\n")
        try:
            os.link(draft, path)
        except FileExistsError:
            return


@contextmanager
def _private_file(folder: Path) -> Iterator[Path]:
    descriptor, name = tempfile.mkstemp(dir=folder, prefix=".encryption_keys-")  # made with mode 0600
    os.close(descriptor)
    try:
        yield Path(name)
    finally:
        os.unlink(name)
