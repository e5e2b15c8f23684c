"""Template tags and the shape of forms."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django import forms
from django.template import Context, Template
from django.urls import NoReverseMatch
from django.utils import translation

from apps.core.templatetags.imp import initials, relative
from apps.core.web import addresses
from apps.core.web.widgets import Choices, OneTimeCode, Switch

NOW = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("ago", "text"),
    [
        (timedelta(seconds=3), "now"),
        (timedelta(seconds=43), "43 s ago"),
        (timedelta(minutes=59, seconds=59), "59 min ago"),
        (timedelta(hours=23), "23 h ago"),
        (timedelta(days=1), "1 day ago"),
        (timedelta(days=6, hours=23), "6 days ago"),
        (timedelta(days=7), "25 Feb"),
        (timedelta(days=100), "24 Nov 2025"),
        (-timedelta(days=3), "in 3 days"),
    ],
)
def test_a_time_is_relative_for_a_week(ago: timedelta, text: str) -> None:
    with time_machine.travel(NOW, tick=False):
        assert relative(NOW - ago) == text


def test_the_full_time_is_in_the_title() -> None:
    with time_machine.travel(NOW, tick=False):
        html = Template("{% load imp %}{% when at %}").render(Context({"at": NOW - timedelta(hours=3)}))
    assert 'datetime="2026-03-04T09:00:00+00:00"' in html
    assert "4 March 2026, 09:00:00 UTC" in html


def test_no_time_is_a_dash() -> None:
    assert Template("{% load imp %}{% when at %}").render(Context({"at": None})) == "–"


@pytest.mark.parametrize(
    ("name", "letters"),
    [("Soo-jin Park", "SP"), ("박수진", "박"), ("한빛 데이터", "한"), ("ada@x.example", "A"), ("", "?"), ("  ", "?")],
)
def test_an_avatar_has_the_initials(name: str, letters: str) -> None:
    assert initials(name) == letters


def test_a_symbol_is_hidden_unless_it_has_a_label() -> None:
    template = Template('{% load imp %}{% icon "ok" "is-sm" %}|{% icon "ok" "" label %}')
    hidden, labelled = template.render(Context({"label": "Done <1>"})).split("|")
    assert 'class="icon is-sm" aria-hidden="true"' in hidden
    assert 'role="img" aria-label="Done &lt;1&gt;"' in labelled


def test_words_are_in_the_language_of_each_rendering() -> None:
    template = Template(
        '{% load i18n %}{% translate "Role" %}, {% translate "Role" as role %}{{ role }}, '
        '{% translate "off" context "second factor" %}, {% translate "Role"|lower %}, {% translate word %}'
    )
    english, korean = "Role, Role, off, role, Person", "역할, 역할, 꺼짐, 역할, 사용자"
    for language, words in [("en", english), ("ko", korean), ("en", english)]:
        with translation.override(language):
            assert template.render(Context({"word": "Person"})) == words


def test_a_full_time_is_in_the_language_of_each_rendering() -> None:
    template = Template("{% load imp %}{% when at %}")
    for language, day in [("en", "4 March 2026"), ("ko", "2026년 3월 4일"), ("en", "4 March 2026")]:
        with translation.override(language):
            assert day in template.render(Context({"at": NOW}))


def test_an_address_is_that_of_the_workspace_one_is_in_and_of_the_table_that_holds(settings: Any) -> None:
    settings.ROOT_URLCONF = "tests.tenants.small_urls"
    for slug in ("tidewater", "hanbit", "tidewater"):
        with addresses.nowhere():
            addresses.enter(slug)
            assert addresses.address("small:one", "x") == f"/t/{slug}/small/one/x"
            assert addresses.address("small:one", pk="y") == f"/t/{slug}/small/one/y"
    settings.ROOT_URLCONF = "tests.urls"
    with pytest.raises(NoReverseMatch):
        addresses.address("small:one", "x", within="tidewater")


class Sample(forms.Form):
    name = forms.CharField(label="Name", help_text="Lower case.")
    note = forms.CharField(label="Note", required=False)
    stage = forms.ChoiceField(
        label="Stage", choices=[("dev", "dev"), ("prod", "prod")], widget=Choices(refused={"prod": "Release first."})
    )
    live = forms.BooleanField(label="Live", required=False, widget=Switch)
    code = forms.CharField(label="Code", widget=OneTimeCode)
    token = forms.CharField(widget=forms.HiddenInput)


def test_a_field_is_tied_to_its_label_hint_and_error() -> None:
    html = str(Sample({"token": "t"})["name"].as_field_group())
    assert '<label for="id_name">Name</label>' in html
    assert 'aria-invalid="true"' in html
    described = html.split('aria-describedby="')[1].split('"')[0].split()
    assert described == ["id_name_helptext", "id_name_error"]
    assert all(f'id="{each}"' in html for each in described)


def test_only_what_may_be_left_out_says_so() -> None:
    form = Sample()
    assert "optional" in form["note"].as_field_group()
    assert "optional" not in form["name"].as_field_group()
    assert "optional" not in form["live"].as_field_group()


def test_a_refused_choice_stays_with_its_reason() -> None:
    html = str(Sample()["stage"].as_field_group())
    prod = html.split('value="prod"')[1]
    assert "disabled" in prod.split(">")[0]
    assert "Release first." in prod


def test_several_wrong_fields_are_listed_with_links_and_the_hidden_one_stays_hidden() -> None:
    html = str(Sample({"token": "t", "live": "on"}))
    assert "3 things need another look" in html
    assert '<a href="#id_name">Name: This field is required.</a>' in html
    assert html.count('name="token"') == 1


def test_an_error_of_the_whole_form_stands_alone() -> None:
    form = Sample({"name": "a", "stage": "dev", "code": "123456", "token": "t"})
    form.add_error(None, "Somebody saved first.")
    assert "<b>Somebody saved first.</b>" in str(form)


def test_markup_in_a_name_stays_text() -> None:
    form = Sample({"name": "<script>x</script>"})
    assert "<script>" not in str(form)


def test_dates_follow_the_language() -> None:
    with time_machine.travel(NOW, tick=False), translation.override("ko"):
        assert "2" in relative(NOW - timedelta(days=10))
        assert "Feb" not in relative(NOW - timedelta(days=10))
