"""What holds for every template."""

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.template.loader import get_template

TEMPLATES: Path = settings.BASE_DIR / "templates"
# The sprite, not every symbol of it, is what a template can misspell
SYMBOLS = set(re.findall(r'id="i-([a-z]+)"', (settings.BASE_DIR / "static" / "src" / "icons.svg").read_text()))
ALL = sorted(path.relative_to(TEMPLATES).as_posix() for path in TEMPLATES.rglob("*.html"))


@pytest.mark.parametrize("name", ALL)
def test_a_template_compiles(name: str) -> None:
    get_template(name)


# A mail is shown by other programs, which know no policy and no style sheets
@pytest.mark.parametrize("name", [name for name in ALL if not name.startswith("mail/")])
def test_a_template_runs_under_the_policy(name: str) -> None:
    text = (TEMPLATES / name).read_text()
    assert not re.search(r"\sstyle=|<style|\son[a-z]+=|javascript:", text), "no inline styles or handlers"
    assert not re.search(r"<script(?![^>]*\bsrc=)", text), "no inline scripts"


@pytest.mark.parametrize("name", ALL)
def test_a_template_names_symbols_that_exist(name: str) -> None:
    used = set(re.findall(r'\{% icon "([^"]+)"', (TEMPLATES / name).read_text()))
    assert used <= SYMBOLS


@pytest.mark.parametrize("name", [name for name in ALL if name.startswith("parts/")])
def test_a_part_says_what_it_takes(name: str) -> None:
    assert re.search(r"\{% comment %\}.+\{% endcomment %\}", (TEMPLATES / name).read_text()), "document its parameters"
