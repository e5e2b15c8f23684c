"""The harness sees what goes wrong in a page."""

import asyncio
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.browser.checks import check_accessibility, check_fits, wait_for
from tests.browser.watch import Problems


@pytest.mark.parametrize(
    ("script", "noticed"),
    [
        ("console.error('a bad day')", "console: a bad day"),
        ("setTimeout(() => { throw new Error('thrown') })", "exception: thrown"),
        ("fetch('/nowhere')", "404: GET"),
        ("fetch('http://127.0.0.1:9/').catch(() => {})", "Content Security Policy"),
        ("document.body.insertAdjacentHTML('beforeend', '<p style=\"color: red\">')", "Content Security Policy"),
    ],
)
def test_a_problem_is_noticed(page: Page, problems: Problems, script: str, noticed: str) -> None:
    page.goto("/errors/")
    page.evaluate(f"() => {{ {script} }}")
    wait_for(page, lambda: noticed in "\n".join(problems.unexpected))
    assert noticed in "\n".join(problems.unexpected)
    problems.allow(noticed)
    assert not problems.unexpected


def test_an_inaccessible_page_is_refused(page: Page) -> None:
    page.goto("/errors/")
    page.evaluate("() => document.querySelector('main').insertAdjacentHTML('beforeend', '<img src=\"data:,\">')")
    with pytest.raises(AssertionError, match="image-alt"):
        check_accessibility(page)


def test_a_page_that_is_too_wide_is_refused(page: Page) -> None:
    page.goto("/errors/")
    page.evaluate(
        """() => {
            const wide = document.createElement('div');
            wide.style.width = '3000px';
            wide.textContent = 'wide';
            document.body.append(wide);
        }"""
    )
    with pytest.raises(AssertionError, match="wider than the window"):
        check_fits(page)


def test_no_event_loop_is_left_running_for_other_tests(browser_thread: Any) -> None:
    async def answer() -> int:
        return 42

    assert browser_thread.browser.is_connected()
    assert asyncio.run(answer()) == 42
