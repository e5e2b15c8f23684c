import pytest

from apps.core.names import tidy_name


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("  Tidewater \n Freight ", "Tidewater Freight"),
        ("\u202egnilleS\u202c Tidewater", "gnilleS Tidewater"),
        ("Tide\u200bwater\ufeff", "Tidewater"),
        ("Tide\0water\x1b[31m", "Tidewater[31m"),
        ("\u2067\u2069", ""),
        ("박수진", "박수진"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("👩\u200d💻", "👩\u200d💻"),
    ],
)
def test_a_name_is_one_line_of_what_can_be_seen(typed, name):
    assert tidy_name(typed) == name
