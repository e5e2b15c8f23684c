"""The real provider that the tests talk to, and somebody's browser on it."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit
from urllib.request import HTTPCookieProcessor, HTTPRedirectHandler, ProxyHandler, Request, build_opener

from django.conf import settings

FOLDER = Path(__file__).parent / "provider"
CALLBACK = "http://testserver/sso/keycloak/callback"
SECRET = "a secret: with a colon & more"


class RunningProvider:
    """`oidc-provider` in a process of its own, on a free port of this machine."""

    def __init__(self) -> None:
        environment = {
            **os.environ,
            "DENO_DIR": str(Path(settings.STATE_DIR) / "deno"),
            "DENO_NO_UPDATE_CHECK": "1",
            "DENO_TLS_CA_STORE": os.environ.get("DENO_TLS_CA_STORE", "system,mozilla"),
            "NO_COLOR": "1",
        }
        deno = Path(sys.executable).parent / "deno"
        command = [str(deno), "run", "--frozen", "--quiet", "--no-prompt", "--allow-net=127.0.0.1", "--allow-env"]
        self.process = subprocess.Popen(
            [*command, "--allow-read", "--allow-sys", "provider.ts"],
            cwd=FOLDER,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout
        assert self.process.stderr
        for line in self.process.stdout:
            if line.startswith("{"):
                self.issuer = f"http://127.0.0.1:{json.loads(line)['port']}"
                return
        raise AssertionError(f"The provider didn't start: {self.process.stderr.read()}")

    def set(self, **changed: Any) -> dict[str, Any]:
        """People, clients, faults, or new keys with `rotated=True`. Forgets which requests there were."""
        body = json.dumps(changed).encode()
        return _json(Request(f"{self.issuer}/_test", data=body, headers={"Content-Type": "application/json"}))

    def requests(self) -> list[str]:
        found: list[str] = _json(Request(f"{self.issuer}/_test"))["requests"]
        return found

    def set_up(self, callback: str = CALLBACK, after: str = "http://testserver/sign-in") -> None:
        """As at the start of each test: nobody known, our client and somebody else's, nothing wrong."""
        ours = {
            "client_id": "imp",
            "client_secret": SECRET,
            "redirect_uris": [callback, callback.replace("keycloak", "other")],
            "post_logout_redirect_uris": [after],
        }
        public = {**ours, "client_id": "imp-public", "token_endpoint_auth_method": "none"}
        post = {**ours, "client_id": "imp-post", "token_endpoint_auth_method": "client_secret_post"}
        del public["client_secret"]
        self.set(people={}, clients=[ours, public, post], inIdToken=False, fault=None)

    def stop(self) -> None:
        self.process.communicate("", timeout=60)


class Visitor:
    """A browser at the provider, with cookies of its own. It stops where the way leads back to us."""

    def __init__(self) -> None:
        self._opener = build_opener(ProxyHandler({}), HTTPCookieProcessor(CookieJar()), _NoRedirects())

    def go(self, url: str, *, login: str, cancels: bool = False) -> str:
        """From the authorization URL through the forms there to the address that leads back."""
        origin = urlsplit(url).netloc
        data: bytes | None = None
        for _step in range(12):
            if urlsplit(url).netloc != origin:
                return url
            with self._opener.open(Request(url, data=data)) as answer:
                page, status, location = answer.read().decode(), answer.status, answer.headers.get("Location")
            data = None
            if location:
                url = urljoin(url, location)
                continue
            form = _Form(page)
            assert form.action, f"{status} without a form at {url}: {page[-1500:]}"
            if cancels:
                url = urljoin(url, form.cancel)
                continue
            fields = dict(form.fields)
            if fields.get("prompt") == "login":
                fields |= {"login": login, "password": "any"}
            url, data = urljoin(url, form.action), urlencode(fields | form.button).encode()
        raise AssertionError(f"The provider sends us in circles; last at {url}")


class _Form(HTMLParser):
    """The form of a page of the provider: where it goes, what is in it, its first button with a name, and Cancel."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.action, self.cancel = "", ""
        self.fields: dict[str, str] = {}
        self.button: dict[str, str] = {}
        self.feed(page)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attributes}
        if tag == "form":
            self.action = found["action"]
        elif tag == "input" and found.get("type") == "hidden":
            self.fields[found["name"]] = found.get("value", "")
        elif tag == "button" and "name" in found and not self.button:
            self.button = {found["name"]: found.get("value", "")}
        elif tag == "a" and found.get("href", "").endswith("/abort"):
            self.cancel = found["href"]


class _NoRedirects(HTTPRedirectHandler):
    def http_error_302(self, request: Any, answer: Any, *_: Any) -> Any:
        return answer

    http_error_301 = http_error_303 = http_error_307 = http_error_302


def _json(request: Request) -> dict[str, Any]:
    with build_opener(ProxyHandler({})).open(request, timeout=60) as answer:
        found: dict[str, Any] = json.loads(answer.read())
    return found


def running() -> Iterator[RunningProvider]:
    provider = RunningProvider()
    try:
        yield provider
    finally:
        provider.stop()
