"""Fixtures for tests in Chromium. A test that asks for `page` is a browser test and needs nothing more.

    def test_greets(page: Page, signed_in: SignIn, alice: User) -> None:
        signed_in(alice)
        page.goto("/")

`page` fails the test for console errors, exceptions, refused and failed requests; `problems.allow(...)` excepts what a
test causes on purpose. `@every_variant` runs it in both themes, two widths and both languages.

A fixture that touches the page does so by `browser_thread.run(lambda: page.goto("/"))`: fixtures are set up
in the main thread, where Playwright isn't.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db import connections
from django.test import Client
from playwright.sync_api import BrowserContext, Error, Page, expect

from tests.browser.chromium import NoChromium, find_chromium
from tests.browser.thread import BrowserThread
from tests.browser.variants import Variant
from tests.browser.watch import Problems

SignIn = Callable[[Any], None]

# How long a test waits at most for what comes in a moment, in milliseconds: several processes share the machine
PATIENCE = 30_000


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "browser_thread" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.browser)


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Runs a browser test where Playwright lives."""
    thread = pyfuncitem.funcargs.get("browser_thread")
    if "context" not in pyfuncitem.fixturenames or not isinstance(thread, BrowserThread):
        return None
    arguments = {name: pyfuncitem.funcargs[name] for name in pyfuncitem._fixtureinfo.argnames}

    def body() -> None:
        try:
            pyfuncitem.obj(**arguments)
        except BaseException:
            _picture(pyfuncitem)
            raise
        finally:
            connections.close_all()

    thread.run(body)
    return True


def _picture(failed: pytest.Function) -> None:
    """Of what the page showed when the test failed; a page that is gone shows nothing."""
    page = failed.funcargs.get("page")
    if isinstance(page, Page):
        with suppress(Error):
            page.screenshot(path=failed._request.getfixturevalue("folder") / "failed.png", animations="disabled")


@pytest.fixture(scope="session")
def browser_thread() -> Iterator[BrowserThread]:
    """A Chromium for each test process."""
    try:
        thread = BrowserThread(find_chromium())
    except NoChromium as reason:
        pytest.fail(str(reason), pytrace=False)
    thread.start()
    expect.set_options(timeout=PATIENCE)
    yield thread
    thread.stop()


@pytest.fixture
def variant(request: pytest.FixtureRequest) -> Variant:
    """How the page is looked at; `@every_variant` and `@on_a_phone` say otherwise."""
    return getattr(request, "param", Variant())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where a failed test leaves a picture of its page; LOOKS names one for those who want to see all pages."""
    return Path(os.environ.get("LOOKS") or tmp_path)


@pytest.fixture
def problems() -> Problems:
    return Problems()


@pytest.fixture
def context(
    browser_thread: BrowserThread,
    live_server: Any,
    live_port: int,
    variant: Variant,
    problems: Problems,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[BrowserContext]:
    """A browser of one's own, without cookies, that talks to this test's server and nobody else."""
    # The event loop that Django fears in the browser's thread is Playwright's; no coroutine touches the ORM there
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")

    def enter() -> BrowserContext:
        context = browser_thread.browser.new_context(
            base_url=live_server.url,
            viewport={"width": variant.width, "height": variant.height},
            color_scheme="dark" if variant.theme == "dark" else "light",
            locale=variant.language,
            reduced_motion="reduce",
        )
        context.grant_permissions(["clipboard-read", "clipboard-write"])
        context.set_default_timeout(PATIENCE)
        problems.watch(context)
        return context

    context = browser_thread.run(enter)
    yield context
    browser_thread.run(context.close)


@pytest.fixture
def page(browser_thread: BrowserThread, context: BrowserContext, problems: Problems) -> Iterator[Page]:
    yield browser_thread.run(context.new_page)
    assert not problems.unexpected, "The page had problems:\n" + "\n".join(problems.unexpected)


@pytest.fixture
def signed_in(browser_thread: BrowserThread, context: BrowserContext, variant: Variant, live_server: Any) -> SignIn:
    """`signed_in(alice)`: the page belongs to alice from now on, in the variant's language and theme."""

    def sign_in(user: Any) -> None:
        assert not isinstance(user, AnonymousUser)
        if (user.language, user.theme) != (variant.language, "system"):
            user.language, user.theme = variant.language, "system"
            user.save(update_fields=["language", "theme"])
        client = Client()
        client.force_login(user)
        session = client.cookies[settings.SESSION_COOKIE_NAME].value
        cookie: Any = {"name": settings.SESSION_COOKIE_NAME, "value": session, "url": live_server.url}
        browser_thread.run(lambda: context.add_cookies([cookie]))

    return sign_in
