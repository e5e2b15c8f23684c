"""A keyed hash is found again under any key that is still there, and under no other key, purpose or text."""

from typing import Any

import pytest

from apps.core.crypto import HASH_LENGTH, is_current_hash, is_hash_of, keyed_hash, keyed_hashes
from tests.core.keys import new_key

OLD, NEW = new_key("2026"), new_key("2027")
TEXT = "a text that nobody guesses"


@pytest.fixture(autouse=True)
def _old_key(settings: Any) -> None:
    settings.ENCRYPTION_KEYS = OLD


def test_the_same_text_has_the_same_hash_and_says_under_which_key() -> None:
    kept = keyed_hash(TEXT, purpose="token")
    assert kept == keyed_hash(TEXT, purpose="token")
    assert kept.startswith("2026:")
    assert TEXT not in kept
    assert is_hash_of(kept, TEXT, purpose="token")


def test_another_text_or_purpose_has_another_hash() -> None:
    kept = keyed_hash(TEXT, purpose="token")
    assert not is_hash_of(kept, TEXT + "x", purpose="token")
    assert not is_hash_of(kept, TEXT, purpose="invitation")
    assert keyed_hash(TEXT, purpose="invitation") != kept


def test_another_key_has_another_hash_even_under_the_same_id(settings: Any) -> None:
    kept = keyed_hash(TEXT, purpose="token")
    settings.ENCRYPTION_KEYS = new_key("2026")
    assert not is_hash_of(kept, TEXT, purpose="token")


def test_a_hash_under_an_older_key_counts_as_long_as_the_key_is_there(settings: Any) -> None:
    kept = keyed_hash(TEXT, purpose="token")
    assert is_current_hash(kept)
    settings.ENCRYPTION_KEYS = f"{NEW},{OLD}"
    assert is_hash_of(kept, TEXT, purpose="token")
    assert not is_current_hash(kept)
    assert keyed_hashes(TEXT, purpose="token") == [keyed_hash(TEXT, purpose="token"), kept]
    settings.ENCRYPTION_KEYS = NEW
    assert not is_hash_of(kept, TEXT, purpose="token")
    assert kept not in keyed_hashes(TEXT, purpose="token")


def test_the_longest_key_id_fits_its_column(settings: Any) -> None:
    settings.ENCRYPTION_KEYS = new_key("k" * 32)
    assert len(keyed_hash(TEXT, purpose="token")) == HASH_LENGTH


def test_what_is_no_hash_is_nobodys(settings: Any) -> None:
    for kept in ("", ":", "2026:", "2026", "unknown:00"):
        assert not is_hash_of(kept, TEXT, purpose="token")
