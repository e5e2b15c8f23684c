"""Writes down what goes wrong in a page, so that a test fails for it without asking."""

import re

from playwright.sync_api import BrowserContext, ConsoleMessage, Page, Request, Response

# The refusal or failure itself is noted with its status and address; an aborted request is no problem at all
KNOWN_ELSEWHERE = ("Failed to load resource", "htmx:sendAbort", "htmx:afterRequest")


class Problems:
    """Console errors (a violated Content-Security-Policy is one), exceptions, requests that failed or were refused."""

    def __init__(self) -> None:
        self.found: list[str] = []
        self._allowed: list[re.Pattern[str]] = []

    def allow(self, pattern: str) -> None:
        """For a problem that the test causes on purpose."""
        self._allowed.append(re.compile(pattern))

    @property
    def unexpected(self) -> list[str]:
        return [text for text in self.found if not any(pattern.search(text) for pattern in self._allowed)]

    def watch(self, context: BrowserContext) -> None:
        context.on("page", self._watch_page)

    def _watch_page(self, page: Page) -> None:
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.found.append(f"exception: {error}"))
        page.on("requestfailed", self._note_failure)
        page.on("response", self._note_refusal)

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type == "error" and not message.text.startswith(KNOWN_ELSEWHERE):
            self.found.append(f"console: {message.text}")

    def _note_failure(self, request: Request) -> None:
        # Aborted: the page went on, or a newer search replaced an older one
        if request.failure != "net::ERR_ABORTED":
            self.found.append(f"request failed: {request.method} {request.url} {request.failure}")

    def _note_refusal(self, response: Response) -> None:
        if response.status >= 400:
            self.found.append(f"{response.status}: {response.request.method} {response.url}")
