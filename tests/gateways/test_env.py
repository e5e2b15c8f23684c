"""Reading the text of a .env file."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.gateways.env import read_env


@pytest.mark.parametrize(
    ("text", "name", "value"),
    [
        ("A=1", "A", "1"),
        ("A = 1 ", "A", "1"),
        ("export A=1", "A", "1"),
        ("  A=1", "A", "1"),
        ("\ufeffA=1", "A", "1"),
        ("A=", "A", ""),
        ("A=   ", "A", ""),
        ("A=1 # why", "A", "1"),
        ("A=# why", "A", ""),
        ("A=http://x/#part", "A", "http://x/#part"),
        ("A=b=c", "A", "b=c"),
        ("A=$HOME ${B}", "A", "$HOME ${B}"),
        ("A='$x \\n # no'", "A", "$x \\n # no"),
        ('A="a\\nb\\"c\\\\d" # why', "A", 'a\nb"c\\d'),
        ('A="\\q"', "A", "\\q"),
        ('A=""', "A", ""),
        ('A="-----BEGIN\n# kept\n-----END"', "A", "-----BEGIN\n# kept\n-----END"),
        ("A=1\r\n", "A", "1"),
        ("A=it's", "A", "it's"),
    ],
)
def test_one_is_read(text: str, name: str, value: str) -> None:
    env = read_env(text)
    assert [(line.name, line.value) for line in env.lines] == [(name, value)]
    assert not env.mistakes


@pytest.mark.parametrize(
    ("text", "number", "reason"),
    [
        ("\n\nnonsense", 3, "no equals sign"),
        ("=1", 1, "a name before"),
        ("A='1", 1, "never closed"),
        ('B=1\nA="1\nC=2', 2, "never closed"),
        ("A='1' 2", 1, "behind the closing"),
        ("A=1\nB=2\nA=3", 3, "in line 1 already"),
        ("export A B=1", 1, "no equals sign"),
    ],
)
def test_a_mistake_is_told_by_its_line(text: str, number: int, reason: str) -> None:
    (mistake,) = read_env(text).mistakes
    assert mistake.number == number
    assert reason in mistake.text


def test_after_a_mistake_the_others_are_read() -> None:
    env = read_env("A=1\nnonsense\nB='2\nC=3\n")
    assert [(line.number, line.name) for line in env.lines] == [(1, "A"), (4, "C")]
    assert [mistake.number for mistake in env.mistakes] == [2, 3]


@pytest.mark.parametrize(
    "text",
    [
        "".join(f"A{number}=\n" for number in range(50_000)),
        'A="\n' + "b\n" * 200_000,
        "A='" + "\n" * 400_000,
        " " * 400_000 + "x",
        "export" + " " * 400_000 + "x",
        "x" * 400_000,
        'A="' + "\\" * 400_001 + '"',
    ],
    ids=["names", "open", "open at once", "blanks", "blanks of an export", "a name", "backslashes"],
)
def test_a_text_made_to_take_long_is_read_in_a_moment(text: str) -> None:
    """Read in the server's own threads; a time that grows with the square would be minutes or hours here."""
    began_at = time.process_time()
    read_env(text)
    assert time.process_time() - began_at < 5


@given(st.text(alphabet="AB= #'\"\\\nx$", max_size=60))
def test_every_text_is_read_to_its_end(text: str) -> None:
    env = read_env(text)
    assert all(1 <= each.number <= text.count("\n") + 1 for each in (*env.lines, *env.mistakes))


@given(st.text(max_size=80).filter(lambda value: "\r" not in value))
def test_whatever_is_quoted_comes_out_as_it_went_in(value: str) -> None:
    quoted = value.replace("\\", "\\\\").replace('"', '\\"')
    (line,) = read_env(f'A="{quoted}"').lines
    assert line.value == value
