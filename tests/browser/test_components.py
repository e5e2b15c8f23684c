"""The page of parts: whole, accessible and narrow enough in every look."""

import re

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect

from apps.accounts.models import User
from tests.browser.checks import check_accessibility, check_fits
from tests.browser.plugin import SignIn
from tests.browser.variants import every_variant
from tests.browser.watch import Problems

COMPONENTS = "/components"


@every_variant
def test_the_page_is_accessible_and_fits(page: Page, development: None) -> None:
    page.goto(COMPONENTS)
    expect(page.get_by_role("heading", level=1, name="Components")).to_be_visible()
    check_accessibility(page)
    check_fits(page)


@every_variant
@pytest.mark.parametrize("opener", ["open-dialog", "open-danger", "open-sheet", "open-key"])
def test_each_overlay_is_accessible_and_fits(page: Page, development: None, opener: str) -> None:
    page.goto(COMPONENTS)
    page.locator(f"#{opener}").click()
    expect(page.locator("dialog[data-overlay]:modal")).to_be_visible()
    check_accessibility(page, "dialog:modal")
    check_fits(page)


@pytest.mark.parametrize("name", ["components_form", "components_dialog", "components_sheet", "components_key"])
def test_each_overlay_has_a_page_of_its_own(page: Page, development: None, name: str) -> None:
    page.goto(reverse(name))
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    check_accessibility(page)
    check_fits(page)


def test_the_page_is_for_development_only(page: Page, signed_in: SignIn, soojin: User, problems: Problems) -> None:
    problems.allow("404: GET .*/components$")
    signed_in(soojin)
    response = page.goto(COMPONENTS)
    assert response is not None
    assert response.status == 404
    expect(page.locator(f'.sidebar a[href="{COMPONENTS}"]')).to_have_count(0)


def test_every_symbol_of_the_sprite_is_drawn(page: Page, development: None) -> None:
    page.goto(COMPONENTS)
    page.wait_for_function(
        "() => [...document.querySelectorAll('.icons use')].every(use => use.getBoundingClientRect().width > 0)"
    )
    assert page.locator(".icons li").count() > 60


def test_a_skeleton_gives_way_to_what_it_stands_for(page: Page, development: None) -> None:
    page.goto(COMPONENTS)
    card = page.locator(".card", has=page.get_by_role("heading", name="First load")).last
    card.scroll_into_view_if_needed()
    expect(card.get_by_text("seoul-a")).to_be_visible()
    expect(card.locator(".skeleton")).to_have_count(0)


def test_the_head_of_a_table_ticks_its_rows(page: Page, development: None) -> None:
    page.goto(COMPONENTS)
    bar = page.locator("#tables .bulkbar")
    expect(bar).to_be_hidden()
    page.get_by_label("Select parcel-tracking").check()
    expect(bar).to_have_text(re.compile("1 selected"))
    head = page.get_by_label("Select all")
    assert head.evaluate("box => box.indeterminate")
    head.check()
    expect(page.get_by_label("Select billing-hooks")).to_be_checked()
    expect(bar).to_have_text(re.compile("3 selected"))


def test_a_chart_has_its_numbers_as_a_table(page: Page, development: None) -> None:
    page.goto(COMPONENTS)
    figure = page.locator("figure", has_text="Stacked bars")
    figure.get_by_text("Show as a table").click()
    expect(figure.get_by_role("row", name=re.compile("^00:00"))).to_be_visible()
