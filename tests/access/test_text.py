"""The shape of a token: found by a pattern, checked without the database, never made twice."""

import re
from pathlib import Path

from django.conf import settings
from hypothesis import given
from hypothesis import strategies as st

from apps.access import text

KNOWN = "imp_pat_4vQm9TzKc2WnR8yLxJ6bHs0fEaGk3UpD"


def test_every_new_one_has_the_shape_and_differs() -> None:
    made = {text.new_text() for _ in range(200)}
    assert len(made) == 200
    for token in made:
        assert text.PATTERN.fullmatch(token)
        assert text.is_well_formed(token)
        assert text.start_of(token) == token[:16]


def test_the_checksum_is_the_one_that_others_compute() -> None:
    """CRC-32 of what stands before it, to base 62, with 0-9 A-Z a-z as digits. Never changes: scanners rely on it."""
    assert text.checksum(KNOWN) == "4J9rKs"
    assert text.checksum("") == "000000"
    assert text.is_well_formed(f"{KNOWN}_{text.checksum(KNOWN)}")


@given(st.integers(0, 46), st.characters(codec="ascii"))
def test_one_wrong_character_is_noticed(place: int, instead: str) -> None:
    token = f"{KNOWN}_{text.checksum(KNOWN)}"
    wrong = token[:place] + instead + token[place + 1 :]
    assert text.is_well_formed(wrong) == (wrong == token)


def test_what_was_cut_or_wrapped_is_no_token() -> None:
    token = text.new_text()
    for wrong in ("", token[:-1], token + "x", f" {token}", f"{token}\n", token.upper(), token.replace("_", "-")):
        assert not text.is_well_formed(wrong), wrong


def test_the_pattern_for_scanners_finds_it_in_the_middle_of_anything() -> None:
    page = Path(settings.BASE_DIR, "docs/tokens.md").read_text()
    published = re.search(r"^    (imp_pat_\[\S+)$", page, re.MULTILINE)
    assert published, "docs/tokens.md has no pattern on a line of its own"
    token = text.new_text()
    for around in (f"TOKEN={token}\n", f'"{token}",', f"https://x/?t={token}&y", f"Bearer {token};"):
        assert re.findall(published[1], around) == [token]
    assert not re.findall(published[1], "imp_pat_4vQm9TzK…")
