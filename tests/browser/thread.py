"""One thread that owns Playwright and Chromium, for as long as a test process lives.

Playwright's synchronous API keeps an event loop running in the thread that started it. In the main thread every later
test would pay for that: Django refuses the ORM there, and asyncio.run() fails. So it lives here, and the tests that
have a page run here too.
"""

import gc
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from playwright.sync_api import Browser, Playwright, sync_playwright

from tests.browser.chromium import Chromium

T = TypeVar("T")

# A forked process has the greenlets of this thread without the thread: clearing them away, it would crash
os.register_at_fork(after_in_child=gc.freeze)


class BrowserThread:
    def __init__(self, chromium: Chromium) -> None:
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="browser")
        self._ident = self._pool.submit(threading.get_ident).result()
        self._chromium = chromium
        self._playwright: Playwright
        self.browser: Browser

    def run(self, function: Callable[[], T]) -> T:
        """Calls it in the browser's thread, from there or elsewhere, and waits; what it raises is raised here."""
        if threading.get_ident() == self._ident:
            return function()
        return self._pool.submit(function).result()

    def start(self) -> None:
        self.run(self._start)

    def stop(self) -> None:
        self.run(self._stop)
        self._pool.shutdown()

    def _start(self) -> None:
        self._playwright = sync_playwright().start()
        # Chromium's own sandbox refuses to run as root
        is_root = hasattr(os, "geteuid") and os.geteuid() == 0
        self.browser = self._playwright.chromium.launch(
            executable_path=self._chromium.program,
            args=[
                "--disable-background-networking",
                "--disable-dev-shm-usage",
                "--force-color-profile=srgb",
                *self._chromium.arguments,
            ],
            chromium_sandbox=not is_root,
            env={**os.environ, **self._chromium.environment},
        )

    def _stop(self) -> None:
        self.browser.close()
        self._playwright.stop()
