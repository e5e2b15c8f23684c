"""What a function's files may be: counts, sizes, and paths that fit on every disk."""

import pytest

from apps.core.errors import InvalidInput
from apps.functions.files import (
    LARGEST_FILE,
    MOST_FILES,
    Unchanged,
    checked_entrypoint,
    checked_files,
    hash_of,
    hashes_of,
    refusal_of_path,
    whole_files,
)


@pytest.mark.parametrize(
    "path", ["handler.ts", "lib/dates.ts", "a/b/c/d.tsx", "fixtures/jeju.json", "routes/[id].ts", "x@2.mjs", "text.txt"]
)
def test_these_can_be_paths(path: str) -> None:
    assert refusal_of_path(path) == ""


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("", "Give the file a name"),
        ("../secrets.ts", "no . and .."),
        ("a/../../b.ts", "no . and .."),
        ("/etc/passwd.ts", "no . and .."),
        ("a//b.ts", "no . and .."),
        ("./a.ts", "no . and .."),
        ("a\\b.ts", "none of them"),
        ("C:/a.ts", "none of them"),
        ("a b.ts", "none of them"),
        ("a\x00.ts", "none of them"),
        ("ａ.ts", "none of them"),
        (".env.ts", "begins with a dot"),
        ("lib/.hidden/a.ts", "begins with a dot"),
        ("lib./a.ts", "ends with a dot"),
        ("con.ts", "a device"),
        ("lib/LPT1.ts", "a device"),
        ("aux/a.ts", "a device"),
        ("node_modules/zod/index.ts", "on its page Dependencies"),
        ("package.json", "on its page Dependencies"),
        ("lib/deno.json", "on its page Dependencies"),
        ("run.sh", "Files end in one of these"),
        ("handler", "Files end in one of these"),
        ("a.wasm", "Files end in one of these"),
        ("x" * 201 + ".ts", "200 characters"),
    ],
)
def test_these_can_not_and_are_told_why(path: str, why: str) -> None:
    assert why in refusal_of_path(path)


def refused(files: dict[str, str]) -> dict[str, list[str]]:
    with pytest.raises(InvalidInput) as raised:
        checked_files(files)
    return raised.value.fields


def test_all_that_is_wrong_is_told_at_once_each_at_its_path() -> None:
    told = refused({"a b.ts": "", "lib/x.sh": "", "c.ts": "nul\0", "ok.ts": ""})
    assert set(told) == {"/files/a b.ts", "/files/lib~1x.sh", "/files/c.ts"}


def test_names_that_meet_on_some_disks_are_refused() -> None:
    assert "capital letters alone" in refused({"a.ts": "", "A.ts": ""})["/files/a.ts"][0]
    assert "A folder is called so" in refused({"a.ts": "", "a.ts/b.ts": ""})["/files/a.ts"][0]
    assert "A folder is called so" in refused({"LIB.ts": "", "lib.ts/b.ts": ""})["/files/LIB.ts"][0]


def test_counts_and_sizes_have_limits() -> None:
    assert "files" in refused({})
    assert "100 at most" in refused({f"f{n}.ts": "" for n in range(MOST_FILES + 1)})["files"][0]
    assert "256 KB" in refused({"a.ts": "x" * (LARGEST_FILE + 1)})["/files/a.ts"][0]
    assert "256 KB" in refused({"a.ts": "한" * (LARGEST_FILE // 3 + 1)})["/files/a.ts"][0]
    assert "1024 KB" in refused({f"f{n}.ts": "x" * LARGEST_FILE for n in range(5)})["files"][0]
    assert checked_files({f"f{n}.ts": "x" * LARGEST_FILE for n in range(4)})


def test_half_of_a_character_is_refused() -> None:
    assert "lone surrogate" in refused({"a.ts": "\ud83d"})["/files/a.ts"][0]


@pytest.mark.parametrize(
    ("files", "found"),
    [
        (["only.ts"], "only.ts"),
        (["lib.ts", "index.ts"], "index.ts"),
        (["lib.ts", "handler.ts", "data.json"], "handler.ts"),
        (["only.ts", "types.d.ts", "data.json"], "only.ts"),
    ],
)
def test_the_entrypoint_is_the_usual_or_the_only_one(files: list[str], found: str) -> None:
    assert checked_entrypoint("", dict.fromkeys(files, "")) == found


@pytest.mark.parametrize(
    ("entrypoint", "files"), [("", ["a.ts", "b.ts"]), ("c.ts", ["a.ts"]), ("a.json", ["a.json"]), ("", ["a.json"])]
)
def test_one_that_is_none_is_refused(entrypoint: str, files: list[str]) -> None:
    with pytest.raises(InvalidInput) as raised:
        checked_entrypoint(entrypoint, dict.fromkeys(files, ""))
    assert set(raised.value.fields) == {"entrypoint"}


def test_what_is_known_by_its_hash_need_not_be_sent_even_where_it_moved() -> None:
    known = {"a.ts": "first", "b.ts": "second"}
    given = {"lib/a.ts": Unchanged(hash_of("first")), "b.ts": "changed"}
    assert whole_files(given, [known]) == {"lib/a.ts": "first", "b.ts": "changed"}
    with pytest.raises(InvalidInput) as raised:
        whole_files({"x/a.ts": Unchanged(hash_of("never seen"))}, [known])
    assert "Send its content" in raised.value.fields["/files/x~1a.ts"][0]


def test_hashes_are_of_the_text_in_utf_8() -> None:
    assert hashes_of({"a.ts": "한"}) == {
        "a.ts": {"sha256": "89233692031a62c60e6ef602b4cd9f3cb52a6dd8013fe9873c36101a7e3920e0", "size": 3}
    }
