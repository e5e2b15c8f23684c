"""What a function may be called, and which two names answer the very same calls."""

import pytest

from apps.functions.names import Name, clashes, parameters_of, path_of, pattern_of, read_name, refusal_of_name, written


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("user/me", Name("dev", "user/me")),
        ("dev/user/me", Name("dev", "user/me")),
        (" prod/user/:id ", Name("prod", "user/:id")),
        ("staging/dev/x", Name("staging", "dev/x")),
        ("developers/x", Name("dev", "developers/x")),
        ("prod", Name("prod", "")),
        ("prod/", Name("prod", "")),
        ("", Name("dev", "")),
    ],
)
def test_a_name_without_a_stage_is_in_dev(written: str, read: Name) -> None:
    assert read_name(written) == read


def test_the_stage_that_is_meant_may_be_another_one() -> None:
    assert read_name("user/me", stage="prod") == Name("prod", "user/me")
    assert str(read_name("dev/user/me", stage="prod")) == "dev/user/me"


@pytest.mark.parametrize(("base", "path"), [("user/:id", "/user/:id"), ("index", "/"), ("user/index", "/user/index")])
def test_index_answers_where_nothing_is_named(base: str, path: str) -> None:
    assert path_of(base) == path


@pytest.mark.parametrize("base", ["user/me", "prod/report", "dev", "staging/:id"])
def test_what_is_written_is_read_again(base: str) -> None:
    name = Name("dev", base)
    assert read_name(written(name), stage="dev") == name


@pytest.mark.parametrize(
    "base",
    ["me", "user/me", "user/:id", "user/:id/orders/:order_id", "files/*rest", "v1.2/a-b_c~d", ":any", "*all", "a/_imp"],
)
def test_these_can_be_names(base: str) -> None:
    assert refusal_of_name(base) == ""


@pytest.mark.parametrize(
    ("base", "why"),
    [
        ("", "Give it a name"),
        ("/user", "none at the beginning"),
        ("user/", "none at the beginning or end"),
        ("a//b", "nor two in a row"),
        ("x" * 161, "160 characters"),
        ("/".join("a" * 17), "16 parts"),
        ("_imp/run", "kept for the platform"),
        ("_impostor", "kept for the platform"),
        ("~drf_1", "kept for the platform"),
        ("a b", "' ' is none of them"),
        ("user/é", "'é' is none of them"),
        ("a%2Fb", "'%' is none of them"),
        ("a/../b", "browsers take it out"),
        ("./a", "browsers take it out"),
        ("user/:", "can't be a parameter"),
        ("user/:1st", "can't be a parameter"),
        ("user/:a-b", "can't be a parameter"),
        ("user/*", "can't be a parameter"),
        ("files/*rest/end", "has to stand last"),
        ("a/:id/b/:id", "there twice"),
        ("a/:id/*id", "there twice"),
        ("a/x:id", "':' is none of them"),
        ("a\x00b", "none of them"),
        ("a\nb", "none of them"),
    ],
)
def test_these_can_not_and_are_told_why(base: str, why: str) -> None:
    assert why in refusal_of_name(base)


@pytest.mark.parametrize(
    ("base", "other", "clash"),
    [
        ("user/:id", "user/:name", True),
        ("user/:id", "user/me", False),
        ("user/:id/x", "user/:id", False),
        ("files/*a", "files/*b", True),
        ("files/*a", "files/:b", False),
        ("user/me", "user/me", True),
        ("user/me", "user/Me", False),
        (":a/:b", ":x/:y", True),
    ],
)
def test_two_that_answer_the_very_same_calls_clash(base: str, other: str, clash: bool) -> None:
    assert clashes(base, ["elsewhere", other]) == (other if clash else "")
    assert (pattern_of(base) == pattern_of(other)) is clash


def test_parameters_are_told_in_order() -> None:
    assert parameters_of("user/:id/files/*path") == ("id", "path")
    assert parameters_of("user/me") == ()
