"""Two people's changes in one, and what is told where they meet."""

import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.functions.conflicts import BOTH_ADDED, BOTH_CHANGED, ONE_REMOVED, merge_files, merge_texts, unified

BASE = "one\ntwo\nthree\nfour\nfive\n"
texts = st.lists(st.sampled_from(["a", "b", "c", "d", ""]), max_size=12).map(
    lambda lines: "".join(f"{line}\n" for line in lines)
)
ragged = st.text(alphabet="ab\n\r\u2028", max_size=30)


def test_changes_apart_from_each_other_are_both_kept() -> None:
    merged = merge_texts(base=BASE, theirs=BASE.replace("one", "ONE"), mine=BASE.replace("five", "FIVE"))
    assert (merged.text, merged.conflicts) == ("ONE\ntwo\nthree\nfour\nFIVE\n", 0)


def test_the_same_change_by_both_is_one() -> None:
    changed = BASE.replace("three", "THREE")
    assert merge_texts(base=BASE, theirs=changed, mine=changed) == merge_texts(base=BASE, theirs=changed, mine=BASE)


def test_changes_that_meet_stand_there_both() -> None:
    merged = merge_texts(base=BASE, theirs=BASE.replace("three", "drei"), mine=BASE.replace("three", "trois"))
    assert merged.conflicts == 1
    assert merged.text == "one\ntwo\n<<<<<<< saved\ndrei\n=======\ntrois\n>>>>>>> yours\nfour\nfive\n"


def test_two_lines_added_at_the_same_place_meet() -> None:
    """Which of them comes first, nobody knows."""
    merged = merge_texts(base="a\nb\n", theirs="a\ntheirs\nb\n", mine="a\nmine\nb\n")
    assert merged.conflicts == 1


def test_a_change_beside_a_removal_meets_it() -> None:
    merged = merge_texts(base="a\nb\nc\n", theirs="a\nc\n", mine="a\nb\nnew\nc\n")
    assert merged.conflicts == 1


def test_a_last_line_without_an_end_is_kept_so() -> None:
    assert merge_texts(base="a\nb", theirs="A\nb", mine="a\nb").text == "A\nb"


@given(texts, texts)
def test_what_only_one_changed_is_taken_as_it_is(base: str, changed: str) -> None:
    for sides in ({"theirs": changed, "mine": base}, {"theirs": base, "mine": changed}):
        merged = merge_texts(base=base, **sides)
        assert (merged.text, merged.conflicts) == (changed, 0)


@given(texts, texts, texts)
def test_whoever_is_whom_changes_nothing_but_the_order_between_the_marks(base: str, one: str, other: str) -> None:
    there, back = merge_texts(base=base, theirs=one, mine=other), merge_texts(base=base, theirs=other, mine=one)
    assert there.conflicts == back.conflicts
    if not there.conflicts:
        assert there.text == back.text


@given(ragged, ragged)
def test_odd_line_ends_are_nothing_special(base: str, changed: str) -> None:
    assert merge_texts(base=base, theirs=changed, mine=base).text == changed


def test_files_are_merged_each_by_itself() -> None:
    base = {"kept.ts": "k", "theirs.ts": "1", "mine.ts": "1", "gone.ts": "g", "both.ts": "x\n"}
    theirs = {"kept.ts": "k", "theirs.ts": "2", "mine.ts": "1", "both.ts": "y\n", "new.ts": "n"}
    mine = {"kept.ts": "k", "theirs.ts": "1", "mine.ts": "3", "gone.ts": "g", "both.ts": "z\n"}
    merge = merge_files(base=base, theirs=theirs, mine=mine)
    assert merge.files.keys() == {"kept.ts", "theirs.ts", "mine.ts", "both.ts", "new.ts"}
    assert (merge.files["theirs.ts"], merge.files["mine.ts"]) == ("2", "3")
    assert merge.conflicts == {"both.ts": BOTH_CHANGED}
    assert not merge.is_clean


def test_what_one_removed_and_the_other_changed_is_kept_and_told() -> None:
    merge = merge_files(base={"a.ts": "1"}, theirs={}, mine={"a.ts": "2"})
    assert (merge.files, merge.conflicts) == ({"a.ts": "2"}, {"a.ts": ONE_REMOVED})
    merge = merge_files(base={"a.ts": "1"}, theirs={"a.ts": "2"}, mine={})
    assert (merge.files, merge.conflicts) == ({"a.ts": "2"}, {"a.ts": ONE_REMOVED})


def test_what_both_added_is_told_where_it_differs() -> None:
    assert merge_files(base={}, theirs={"a.ts": "1"}, mine={"a.ts": "1"}).is_clean
    assert merge_files(base={}, theirs={"a.ts": "1\n"}, mine={"a.ts": "2\n"}).conflicts == {"a.ts": BOTH_ADDED}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (BASE, BASE.replace("three", "drei")),
        (BASE, ""),
        ("", BASE),
        ("a\nb", "a\nc"),
        ("a\n", "a"),
        ("".join(f"{n}\n" for n in range(60)), "".join(f"{n * (n % 20 != 7)}\n" for n in range(60))),
    ],
)
def test_a_unified_diff_is_one_that_patch_understands(before: str, after: str, tmp_path: Path) -> None:
    (tmp_path / "a.ts").write_text(before)
    diff = unified("a.ts", before, after)
    run = ["git", "apply", "--unidiff-zero", "-"]
    subprocess.run(
        run, cwd=tmp_path, input=diff, text=True, check=True, env={"GIT_DIR": "/nowhere", "PATH": "/usr/bin:/bin"}
    )
    left = tmp_path / "a.ts"
    assert (left.read_text() if left.exists() else "") == after


def test_what_is_new_or_gone_is_told_of_nothing() -> None:
    assert unified("a.ts", None, "x\n") == "--- /dev/null\n+++ b/a.ts\n@@ -0,0 +1,1 @@\n+x\n"
    assert unified("a.ts", "x\n", None).startswith("--- a/a.ts\n+++ /dev/null\n")
    assert unified("a.ts", "x\n", "x\n") == ""
