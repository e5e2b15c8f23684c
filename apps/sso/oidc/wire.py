"""Asking a provider over HTTP. A web process has few threads, so nothing here may take long or bring much."""

import json
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import urllib3
from urllib3.exceptions import HTTPError

from apps.sso.oidc.problems import ProviderConfused, ProviderUnreachable

CONNECT_SECONDS = 3.0
# From the first byte sent to the last one read
TOTAL_SECONDS = 6.0
LARGEST = 1024 * 1024


@dataclass(frozen=True)
class Answer:
    status: int
    body: dict[str, Any]


def get(url: str, *, headers: Mapping[str, str] | None = None) -> Answer:
    return _ask("GET", url, headers=headers)


def post(url: str, fields: Mapping[str, str], *, headers: Mapping[str, str] | None = None) -> Answer:
    return _ask("POST", url, fields=fields, headers=headers)


def _ask(
    method: str, url: str, *, fields: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None
) -> Answer:
    """The answer's JSON. Redirects aren't followed: a secret would go wherever one leads."""
    options: dict[str, Any] = {"fields": fields, "encode_multipart": False} if fields is not None else {}
    deadline = time.monotonic() + TOTAL_SECONDS
    try:
        with _pool(url) as pool, _hanging_up(pool, url):
            response = pool.request(
                method,
                url,
                headers={"Accept": "application/json", **(headers or {})},
                timeout=urllib3.Timeout(connect=CONNECT_SECONDS, total=TOTAL_SECONDS),
                retries=False,
                redirect=False,
                preload_content=False,
                **options,
            )
            content = _read(response, deadline)
    except (HTTPError, ssl.SSLError, OSError, ValueError) as error:
        raise ProviderUnreachable(reason=f"{_host(url)}: {type(error).__name__}") from error
    if response.status >= 500:
        raise ProviderUnreachable(reason=f"{_host(url)} answered {response.status}")
    try:
        body = json.loads(content)
    # The latter of one that nests lists a thousand deep
    except (ValueError, RecursionError):
        raise ProviderConfused(reason=f"{_host(url)} answered {response.status} without JSON") from None
    if not isinstance(body, dict):
        raise ProviderConfused(reason=f"{_host(url)} answered JSON that is no object")
    return Answer(response.status, body)


def _read(response: urllib3.BaseHTTPResponse, deadline: float) -> bytes:
    """The timeout is for each piece as it comes; a provider that trickles is cut off by the deadline."""
    content = b""
    while piece := response.read1(64 * 1024):
        content += piece
        if len(content) > LARGEST:
            raise ValueError("too large")
        if time.monotonic() > deadline:
            raise TimeoutError
    # A header that was hung up on looks as if it had ended
    if time.monotonic() > deadline:
        raise TimeoutError
    return content


@contextmanager
def _hanging_up(manager: urllib3.PoolManager, url: str) -> Iterator[None]:
    """Ends the connection at the deadline: urllib3's timeouts begin anew with each byte of a handshake or a header."""
    twins: list[socket.socket] = []
    pool = manager.connection_from_url(url)

    class Watched(pool.ConnectionCls):  # type: ignore[name-defined]
        def _new_conn(self) -> socket.socket:
            made: socket.socket = super()._new_conn()
            # The same connection by a number of its own, as TLS takes the first one over
            twins.append(made.dup())
            return made

    def hang_up() -> None:
        for twin in twins:
            with suppress(OSError):
                twin.shutdown(socket.SHUT_RDWR)

    pool.ConnectionCls = Watched
    timer = threading.Timer(TOTAL_SECONDS, hang_up)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()
        for twin in twins:
            twin.close()


def _pool(url: str) -> urllib3.PoolManager:
    """Through the proxy that the environment names, if it names one. Trusts whom the machine trusts."""
    parts = urlsplit(url)
    proxy = getproxies().get(parts.scheme)
    if proxy and parts.hostname and not proxy_bypass(parts.hostname):
        return urllib3.ProxyManager(proxy)
    return urllib3.PoolManager()


def _host(url: str) -> str:
    return urlsplit(url).hostname or url
