"""Two texts side by side: which lines went, which came, and what changed within a line."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import zip_longest

WORDS = re.compile(r"\w+|\s+|[^\w\s]")
# Unchanged lines that are shown around a change
CONTEXT = 3
# Pairs of lines that are compared with each other before that gets slow
ALIGNED_UP_TO = 400


@dataclass(frozen=True)
class Piece:
    """A stretch of a line, changed or not."""

    text: str
    is_changed: bool = False


@dataclass(frozen=True)
class Side:
    number: int
    pieces: tuple[Piece, ...]


@dataclass(frozen=True)
class Row:
    """A line of the table: both sides, or one. `skipped` lines are left out before it."""

    old: Side | None
    new: Side | None
    is_changed: bool = False
    skipped: int = 0


@dataclass(frozen=True)
class Diff:
    name: str
    rows: tuple[Row, ...]
    added: int
    removed: int


def side_by_side(name: str, old: str, new: str) -> Diff:
    before, after = old.splitlines(), new.splitlines()
    rows = tuple(_rows(before, after))
    added = sum(row.is_changed and row.new is not None for row in rows)
    removed = sum(row.is_changed and row.old is not None for row in rows)
    return Diff(name, rows, added, removed)


def _rows(before: Sequence[str], after: Sequence[str]) -> Iterator[Row]:
    end = 0
    for group in SequenceMatcher(None, before, after, autojunk=False).get_grouped_opcodes(CONTEXT):
        skipped = group[0][1] - end
        for tag, i1, i2, j1, j2 in group:
            for i, j in _pairs(before, after, (i1, i2), (j1, j2)):
                yield _row(before, after, i, j, tag != "equal", skipped)
                skipped = 0
        end = group[-1][2]


def _pairs(
    before: Sequence[str], after: Sequence[str], old: tuple[int, int], new: tuple[int, int]
) -> Iterator[tuple[int | None, int | None]]:
    """Which line stands beside which. Where their numbers differ, the most alike go together, in order."""
    (i1, i2), (j1, j2) = old, new
    if i2 - i1 == j2 - j1 or not (i2 - i1 and j2 - j1) or (i2 - i1) * (j2 - j1) > ALIGNED_UP_TO:
        yield from zip_longest(range(i1, i2), range(j1, j2))
        return
    i, j = max(
        ((i, j) for i in range(i1, i2) for j in range(j1, j2)),
        key=lambda pair: SequenceMatcher(None, before[pair[0]], after[pair[1]], autojunk=False).ratio(),
    )
    yield from _pairs(before, after, (i1, i), (j1, j))
    yield i, j
    yield from _pairs(before, after, (i + 1, i2), (j + 1, j2))


def _row(
    before: Sequence[str], after: Sequence[str], i: int | None, j: int | None, is_changed: bool, skipped: int
) -> Row:
    old_text, new_text = ("" if i is None else before[i]), ("" if j is None else after[j])
    if is_changed and i is not None and j is not None:
        old_pieces, new_pieces = _pieces(old_text, new_text)
    else:
        old_pieces, new_pieces = (Piece(old_text),), (Piece(new_text),)
    return Row(
        None if i is None else Side(i + 1, old_pieces),
        None if j is None else Side(j + 1, new_pieces),
        is_changed,
        skipped,
    )


def _pieces(old: str, new: str) -> tuple[tuple[Piece, ...], tuple[Piece, ...]]:
    """Word by word; lines that share too little are shown as replaced whole."""
    a, b = WORDS.findall(old), WORDS.findall(new)
    matcher = SequenceMatcher(None, a, b, autojunk=False)
    if matcher.ratio() < 0.4:
        return (Piece(old),), (Piece(new),)
    opcodes = matcher.get_opcodes()
    left = (Piece("".join(a[i1:i2]), tag != "equal") for tag, i1, i2, _, _ in opcodes if i1 != i2)
    right = (Piece("".join(b[j1:j2]), tag != "equal") for tag, _, _, j1, j2 in opcodes if j1 != j2)
    return tuple(left), tuple(right)
