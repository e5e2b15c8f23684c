"""Two texts side by side."""

from hypothesis import given
from hypothesis import strategies as st

from apps.core.diffs import Diff, Side, side_by_side

texts = st.lists(st.sampled_from(["a", "b b", "c(1)", "", "  return x"]), max_size=14).map("\n".join)


def text_of(side: Side | None) -> str | None:
    return None if side is None else "".join(piece.text for piece in side.pieces)


def rows(diff: Diff) -> list[tuple[str | None, str | None]]:
    return [(text_of(row.old), text_of(row.new)) for row in diff.rows]


def test_lines_that_are_alike_stand_beside_each_other() -> None:
    diff = side_by_side("f", "find(a)\nlimit(50)\n", "find(zone, a)\nsort(-1)\nlimit(200)\n")
    assert rows(diff) == [("find(a)", "find(zone, a)"), (None, "sort(-1)"), ("limit(50)", "limit(200)")]
    assert (diff.added, diff.removed) == (3, 2)


def test_what_changed_within_a_line_is_marked() -> None:
    row = side_by_side("f", "return average(past)", "return percentile(past)").rows[0]
    assert row.new is not None
    assert [piece.text for piece in row.new.pieces if piece.is_changed] == ["percentile"]


def test_a_line_that_is_replaced_whole_isnt_marked_word_by_word() -> None:
    row = side_by_side("f", "const a = 1", "import { x } from './zones.ts'").rows[0]
    assert row.old is not None
    assert not any(piece.is_changed for piece in row.old.pieces)


def test_what_stays_far_from_a_change_is_left_out_and_counted() -> None:
    lines = [str(i) for i in range(40)]
    changed = [*lines[:20], "new", *lines[21:]]
    diff = side_by_side("f", "\n".join(lines), "\n".join(changed))
    assert diff.rows[0].skipped == 17
    assert len(diff.rows) == 7


def test_the_same_text_has_no_rows() -> None:
    assert side_by_side("f", "a\nb", "a\nb").rows == ()


@given(texts, texts)
def test_every_change_is_there_once_and_in_order(old: str, new: str) -> None:
    diff = side_by_side("f", old, new)
    for numbers in (
        [row.old.number for row in diff.rows if row.old],
        [row.new.number for row in diff.rows if row.new],
    ):
        assert numbers == sorted(set(numbers))
    before, after = old.splitlines(), new.splitlines()
    assert all(text_of(row.old) == before[row.old.number - 1] for row in diff.rows if row.old)
    assert all(text_of(row.new) == after[row.new.number - 1] for row in diff.rows if row.new)
    assert all(text_of(row.old) == text_of(row.new) for row in diff.rows if not row.is_changed)
    assert len(after) - len(before) == diff.added - diff.removed
