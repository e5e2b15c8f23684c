"""What a test may ask of a page beyond what it shows."""

import os
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from django.conf import settings
from playwright.sync_api import Locator, Page, TimeoutError, expect

from tests.browser.plugin import PATIENCE

AXE = settings.BASE_DIR / "node_modules" / "axe-core" / "axe.min.js"


def check_accessibility(page: Page, within: str = "html") -> None:
    """Fails with a line for each element that axe-core finds fault with."""
    page.evaluate(_axe())
    report: dict[str, Any] = page.evaluate(
        "within => axe.run(within, {resultTypes: ['violations'], reporter: 'v2'})", within
    )
    assert report["passes"], f"axe-core looked at nothing; is {within!r} there?"
    faults = [
        f"{rule['id']} ({rule['impact']}): {rule['help']}\n    {' '.join(map(str, node['target']))}\n    {node['html']}"
        for rule in report["violations"]
        for node in rule["nodes"]
    ]
    assert not faults, f"{len(faults)} accessibility faults at {page.url}:\n" + "\n".join(faults)


def wait_for(page: Page, happens: Callable[[], object], *, within: float = PATIENCE / 1000) -> None:
    """For what no locator shows. Lets the page's events arrive meanwhile, which sleeping wouldn't."""
    until = time.monotonic() + within
    while not happens() and time.monotonic() < until:
        page.wait_for_timeout(50)


def text_copied(page: Page, starts: str) -> str:
    """What is on the clipboard once it starts like this: copying takes a moment."""
    wait_for(page, lambda: _clipboard(page).startswith(starts))
    return _clipboard(page)


def _clipboard(page: Page) -> str:
    text: str = page.evaluate("() => navigator.clipboard.readText()")
    return text


def check_fits(page: Page) -> None:
    """Nothing makes the page scroll sideways."""
    widest: list[str] = page.evaluate(
        """() => document.documentElement.scrollWidth <= innerWidth ? [] :
            [...document.querySelectorAll('body *')]
                .filter(each => each.getBoundingClientRect().right > innerWidth + 1)
                .slice(0, 5).map(each => each.outerHTML.slice(0, 160))"""
    )
    assert not widest, f"{page.url} is wider than the window:\n" + "\n".join(widest)


def press_until(press: Callable[[], None], shown: Locator) -> None:
    """For what may not be ready yet without showing so, such as the editor's suggestions; a person tries again."""
    until = time.monotonic() + PATIENCE / 1000
    while True:
        try:
            press()
            expect(shown).to_be_visible(timeout=3_000)
            return
        except (AssertionError, TimeoutError):
            if time.monotonic() > until:
                raise


def look(page: Page, folder: Path, name: str) -> None:
    """A picture of the whole page, where somebody asks for pictures with LOOKS: it takes longer than the page."""
    if os.environ.get("LOOKS"):
        page.screenshot(path=folder / f"{name}.png", full_page=True, animations="disabled")


@cache
def _axe() -> str:
    return AXE.read_text()
