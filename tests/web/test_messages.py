"""Every text of the console is there in every language, and the program that makes it so notices when it isn't."""

import gettext
from pathlib import Path

import pytest
from django.conf import settings
from django.utils import translation
from django.utils.translation import ngettext

from tools import messages

HEADER = (
    'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=UTF-8\\n"\n"Plural-Forms: nplurals=1; plural=0;\\n"\n\n'
)


@pytest.fixture
def catalogue(tmp_path: Path) -> Path:
    path = tmp_path / "ko" / "LC_MESSAGES" / "django.po"
    path.parent.mkdir(parents=True)
    return path


@pytest.mark.parametrize("path", messages.catalogues(), ids=lambda path: path.parent.parent.name)
def test_every_text_of_the_source_is_translated(path: Path) -> None:
    assert not messages.problems_of(path, messages.source_texts())


def test_every_language_but_english_has_a_catalogue() -> None:
    languages = {path.parent.parent.name for path in messages.catalogues()}
    assert languages == {code for code, _ in settings.LANGUAGES} - {"en"}


@pytest.mark.parametrize(
    ("entry", "fault"),
    [
        ("", "missing"),
        ('msgid "%(name)s left"\nmsgstr ""', "not translated"),
        ('#, fuzzy\nmsgid "%(name)s left"\nmsgstr "%(name)s 남음"', "fuzzy"),
        ('msgid "%(name)s left"\nmsgstr "%(nam)s 남음"', "other placeholders"),
        ('msgid "%(name)s left"\nmsgstr "<b>%(name)s</b> 남음"', "other placeholders"),
        ('msgid "%(name)s left"\nmsgstr "%(name)s 남음"\n\nmsgid "old"\nmsgstr "옛"', "no longer used"),
    ],
)
def test_fault_is_named(catalogue: Path, entry: str, fault: str) -> None:
    catalogue.write_text(HEADER + entry + "\n", encoding="utf-8")
    problems = messages.problems_of(catalogue, [("", "%(name)s left", "")])
    assert [problem for problem in problems if fault in problem], problems


def test_whole_catalogue_has_no_fault(catalogue: Path) -> None:
    catalogue.write_text(HEADER + 'msgid "%(name)s left"\nmsgstr "%(name)s 남음"\n', encoding="utf-8")
    assert not messages.problems_of(catalogue, [("", "%(name)s left", "")])


def test_texts_are_found_in_python_and_in_templates() -> None:
    source = '_("one")\nngettext("%d row", "%d rows", n)\npgettext("date", "j M")\nunmarked("two")\ngettext(name)'
    assert set(messages.python_texts(source, "x.py")) == {
        ("", "one", ""),
        ("", "%d row", "%d rows"),
        ("date", "j M", ""),
    }
    template = (
        '{% load i18n %}{% translate "a (b" %}{% comment %}{% translate "no" %}{% endcomment %}{{ x|default:_("c") }}'
        "{% blocktranslate count n=n with name=x %}{{ name }}: {{ n }} row{% plural %}{{ name }}: {{ n }} rows"
        '{% endblocktranslate %}{% include "x.html" with title=_("d") only %}'
    )
    assert set(messages.template_texts(template, "x.html")) == {
        ("", "a (b", ""),
        ("", "c", ""),
        ("", "d", ""),
        ("", "%(name)s: %(n)s row", "%(name)s: %(n)s rows"),
    }


def test_computed_text_is_refused() -> None:
    with pytest.raises(SystemExit, match=r"x\.py:1"):
        list(messages.python_texts('_(f"{name} left")', "x.py"))


def test_compiled_catalogue_is_what_gettext_reads(tmp_path: Path) -> None:
    po = HEADER + (
        'msgid "quote \\"x\\" and\\n"\n"next"\nmsgstr "인용 \\"x\\"\\n"\n"다음"\n\n'
        'msgctxt "date"\nmsgid "j M"\nmsgstr "n월 j일"\n\n'
        'msgid "%d row"\nmsgid_plural "%d rows"\nmsgstr[0] "%d행"\n\n'
        '#, fuzzy\nmsgid "unsure"\nmsgstr "몰라"\n\n#~ msgid "gone"\n#~ msgstr "없음"\n'
    )
    path = tmp_path / "x.mo"
    path.write_bytes(messages.mo_bytes(messages.read_po(po)))
    with path.open("rb") as file:
        found = gettext.GNUTranslations(file)
    assert found.gettext('quote "x" and\nnext') == '인용 "x"\n다음'
    assert found.pgettext("date", "j M") == "n월 j일"
    assert found.ngettext("%d row", "%d rows", 7) == "%d행"
    assert (found.gettext("unsure"), found.gettext("gone")) == ("unsure", "gone")


def test_counts_dates_and_words_are_korean() -> None:
    with translation.override("ko"):
        assert translation.gettext("Audit log") == "감사 로그"
        assert ngettext("%(count)d day", "%(count)d days", 3) % {"count": 3} == "3일"
