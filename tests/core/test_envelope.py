"""What is sealed opens in its own place, under a known key, unchanged; and in no other case."""

import stat
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured
from hypothesis import given
from hypothesis import strategies as st

from apps.core.crypto import CantOpen, KeyMissing, key_id_of, open_sealed, rewrap, seal
from apps.core.crypto.keys import _make_key_file, keyring, parse_keys
from tests.core.keys import new_key

HERE = ("vault_credential", "token", "crd_1")
OLD, NEW = new_key("old"), new_key("new")


@pytest.fixture(autouse=True)
def _one_key(settings):
    settings.ENCRYPTION_KEYS = OLD


@given(st.binary(max_size=2000))
def test_any_bytes_come_back(plaintext):
    assert open_sealed(seal(plaintext, context=HERE), context=HERE) == plaintext


def test_the_same_text_is_sealed_differently_each_time():
    assert seal("s3cret", context=HERE) != seal("s3cret", context=HERE)


def test_the_sealed_value_holds_neither_the_text_nor_the_key():
    sealed = seal("s3cret-and-long-enough-to-find", context=HERE)
    assert b"s3cret" not in sealed
    assert keyring().current not in sealed


def test_a_change_of_any_byte_is_noticed():
    sealed = seal("s3cret", context=HERE)
    for position in range(len(sealed)):
        changed = bytearray(sealed)
        changed[position] ^= 1
        with pytest.raises(CantOpen):
            open_sealed(bytes(changed), context=HERE)


def test_a_value_that_was_cut_is_noticed():
    sealed = seal("s3cret", context=HERE)
    for length in range(len(sealed)):
        with pytest.raises(CantOpen):
            open_sealed(sealed[:length], context=HERE)


@pytest.mark.parametrize(
    "elsewhere",
    [
        ("vault_credential", "token", "crd_2"),
        ("vault_credential", "other", "crd_1"),
        ("other", "token", "crd_1"),
        ("vault_credential", "tokencrd_1"),
        ("vault_credentialtoken", "crd_1"),
        ("vault_credential", "tokenc", "rd_1"),
    ],
)
def test_a_value_moved_to_another_place_does_not_open(elsewhere):
    sealed = seal("s3cret", context=HERE)
    with pytest.raises(CantOpen, match="changed, moved here, or sealed under another key"):
        open_sealed(sealed, context=elsewhere)
    with pytest.raises(CantOpen):
        _with_keys_then(sealed, elsewhere)


def _with_keys_then(sealed, context):
    from django.test import override_settings

    with override_settings(ENCRYPTION_KEYS=f"{NEW},{OLD}"):
        rewrap(sealed, context=context)


@pytest.mark.parametrize("context", [(), ("",), ("vault_credential", "token", "")])
def test_a_place_must_be_named(context):
    with pytest.raises(ValueError, match="needs a context"):
        seal("s3cret", context=context)


def test_half_of_one_value_and_half_of_another_do_not_open():
    first, second = seal("a" * 20, context=HERE), seal("b" * 20, context=HERE)
    middle = len(first) - 12 - 20 - 16
    with pytest.raises(CantOpen):
        open_sealed(first[:middle] + second[middle:], context=HERE)


def test_another_key_under_the_same_id_does_not_open(settings):
    sealed = seal("s3cret", context=HERE)
    settings.ENCRYPTION_KEYS = new_key("old")
    with pytest.raises(CantOpen, match="sealed under another key"):
        open_sealed(sealed, context=HERE)


def test_a_missing_key_is_named_and_says_what_to_do(settings):
    sealed = seal("s3cret", context=HERE)
    settings.ENCRYPTION_KEYS = NEW
    with pytest.raises(KeyMissing, match=r"the key 'old', which isn't configured. Add it to IMP_ENCRYPTION_KEYS again"):
        open_sealed(sealed, context=HERE)


def test_rotation_changes_the_wrapping_and_keeps_the_ciphertext(settings):
    sealed = seal("s3cret", context=HERE)
    settings.ENCRYPTION_KEYS = f"{NEW},{OLD}"
    assert open_sealed(sealed, context=HERE) == b"s3cret"
    moved = rewrap(sealed, context=HERE)
    assert (key_id_of(sealed), key_id_of(moved)) == ("old", "new")
    assert moved[-34:] == sealed[-34:]  # nonce, six bytes, tag
    settings.ENCRYPTION_KEYS = NEW
    assert open_sealed(moved, context=HERE) == b"s3cret"


def test_what_is_under_the_current_key_stays_as_it_is():
    sealed = seal("s3cret", context=HERE)
    assert rewrap(sealed, context=HERE) is sealed


# --- Keys ------------------------------------------------------------------------------------------


def test_the_first_key_seals_and_the_others_open(settings):
    settings.ENCRYPTION_KEYS = f" {NEW} , {OLD} ,"
    assert keyring().current_id == "new"
    assert set(keyring().keys) == {"new", "old"}


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "is empty"),
        (" , ", "is empty"),
        ("bm9rZXk=", "entry 1 has no usable id"),
        ("{old},:abc", "entry 2 has no usable id"),
        ("{old},a b:abc", "entry 2 has no usable id"),
        ("{old},{old}", "the id 'old' is there twice"),
        ("k1:not base64!", "the key 'k1' isn't base64"),
        ("k1:c2hvcnQ=", "the key 'k1' has 5 bytes instead of 32"),
        ("k1:" + "A" * 43 + "=", "the key 'k1' isn't random"),
    ],
)
def test_a_wrong_list_of_keys_says_what_is_wrong_and_shows_no_key(text, complaint):
    with pytest.raises(ImproperlyConfigured) as caught:
        # Not in the parameters: they name the test, and every process must name it alike
        parse_keys(text.format(old=OLD))
    assert complaint in str(caught.value)
    assert OLD.partition(":")[2] not in str(caught.value)


def test_without_keys_and_without_a_file_it_refuses(settings):
    settings.ENCRYPTION_KEYS = ""
    settings.ENCRYPTION_KEY_FILE = None
    with pytest.raises(ImproperlyConfigured, match=r"IMP_ENCRYPTION_KEYS isn't set. Make one with `openssl rand"):
        keyring()


def test_a_keyring_prints_no_keys(settings):
    assert repr(keyring()) == "Keyring(current='old', ids=['old'])"


def test_a_development_key_is_made_once_and_only_for_its_owner(settings, tmp_path):
    settings.ENCRYPTION_KEYS = ""
    settings.ENCRYPTION_KEY_FILE = path = tmp_path / "state" / "encryption_keys"
    made = keyring()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert parse_keys(path.read_text().strip()) == made == keyring()
    assert list(path.parent.iterdir()) == [path]


def _make_and_read(path: Path) -> str:
    _make_key_file(path)
    return path.read_text()


def test_processes_that_start_together_get_one_key(tmp_path):
    path = tmp_path / "encryption_keys"
    with ProcessPoolExecutor(4) as pool:
        seen = set(pool.map(_make_and_read, [path] * 12))
    assert len(seen) == 1
    assert list(tmp_path.iterdir()) == [path]
