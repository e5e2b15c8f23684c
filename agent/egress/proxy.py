"""Takes what a runtime wants sent out, and brings what comes back. It decides where to; its bodies it only passes on.

A request names its target in a header, and a mark that an answer of the proxy's own repeats: no server can know it.
"""

import asyncio
import contextlib
import json
import re
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from agent.egress.resolving import READ_AHEAD, Refused, connect
from agent.egress.rules import Rules

TARGET, MARK = "x-imp-target", "x-imp-mark"
LONGEST_HEAD = 64 * 1024
HEAD_WITHIN, SILENT_FOR = 10.0, 120.0
# Of one gateway at once; what comes beyond is told to try again
MOST_AT_ONCE = 200
PORTS = {"http": 80, "https": 443}
METHOD = re.compile(r"[A-Z][A-Z-]{0,31}")
# A name or an IPv4 address in whatever spelling, or an IPv6 address in its brackets
HOST = re.compile(r"[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\]")
# These are about one connection, and there are two
OF_CONNECTION = {
    "connection", "host", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te",
    "trailer", "upgrade", TARGET, MARK,
}  # fmt: skip


@dataclass(frozen=True)
class Target:
    scheme: str
    host: str
    port: int
    path: str

    @property
    def name(self) -> str:
        """As a Host header has it."""
        return self.host if self.port == PORTS[self.scheme] else f"{self.host}:{self.port}"


@dataclass(frozen=True)
class Head:
    method: str
    target: Target
    mark: str
    headers: tuple[tuple[str, str], ...]

    @property
    def rendered(self) -> bytes:
        lines = [f"{self.method} {self.target.path} HTTP/1.1", f"host: {self.target.name}"]
        lines += [f"{name}: {value}" for name, value in self.headers if name not in OF_CONNECTION]
        return "\r\n".join([*lines, "connection: close", "", ""]).encode("latin-1")


class Door:
    """Of one gateway: its socket, with the rules that hold now."""

    def __init__(self, rules: Callable[[], Rules], trusted: ssl.SSLContext) -> None:
        self._rules = rules
        self._trusted = trusted
        self._under_way = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._under_way += 1
        try:
            await self._serve(reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            # One of both has gone, or says nothing any more
            pass
        finally:
            self._under_way -= 1
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        mark = ""
        try:
            async with asyncio.timeout(HEAD_WITHIN):
                text = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            mark = _headers(text).get(MARK, "")
            head = read_head(text)
            if self._under_way > MOST_AT_ONCE:
                raise Refused("EGRESS_BUSY", f"{MOST_AT_ONCE} calls to other servers are under way. Try again later.")
            target = head.target
            there = await connect(
                self._rules(), target.host.strip("[]"), target.port,
                secured=target.scheme == "https", trusted=self._trusted,
            )  # fmt: skip
        except Refused as refused:
            writer.write(_refusal(refused, mark))
            await writer.drain()
            return
        their_reader, their_writer = there
        try:
            their_writer.write(head.rendered)
            await _between(reader, their_writer, their_reader, writer)
        finally:
            their_writer.close()


async def _between(
    ours: asyncio.StreamReader,
    theirs_out: asyncio.StreamWriter,
    theirs: asyncio.StreamReader,
    out: asyncio.StreamWriter,
) -> None:
    """Until the answer is whole, or whoever asked has gone."""
    sending = asyncio.create_task(_pass_on(ours, theirs_out))
    bringing = asyncio.create_task(_pass_on(theirs, out))
    try:
        await asyncio.wait({sending, bringing}, return_when=asyncio.FIRST_COMPLETED)
        if not bringing.done() and sending.exception() is not None:
            # A server may answer without having taken the whole body
            await asyncio.wait({bringing}, timeout=SILENT_FOR)
    finally:
        for task in (sending, bringing):
            task.cancel()
        await asyncio.gather(sending, bringing, return_exceptions=True)
    if not bringing.cancelled() and bringing.exception() is None:
        with contextlib.suppress(OSError):
            await out.drain()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while True:
        async with asyncio.timeout(SILENT_FOR):
            chunk = await reader.read(READ_AHEAD)
            if not chunk:
                return
            writer.write(chunk)
            await writer.drain()


def read_head(text: str) -> Head:
    method = text.partition(" ")[0]
    headers = _headers(text)
    if not METHOD.fullmatch(method) or method == "CONNECT":
        raise Refused("EGRESS_REQUEST", f"{method[:32]!r} is no method that can be sent.")
    if "content-length" in headers and "transfer-encoding" in headers:
        raise Refused("EGRESS_REQUEST", "A request has one length.")
    return Head(method, read_target(headers.get(TARGET, "")), headers.get(MARK, ""), tuple(headers.items()))


def read_target(text: str) -> Target:
    try:
        parts = urlsplit(text)
        host = parts.netloc.rpartition("@")[2]
        port = parts.port
    except ValueError:
        raise Refused("EGRESS_ADDRESS", "That is no address.") from None
    if parts.scheme not in PORTS:
        raise Refused("EGRESS_SCHEME", "Functions connect with http: and https: alone.")
    if "@" in parts.netloc:
        raise Refused("EGRESS_ADDRESS", "An address holds no name or password: send an Authorization header.")
    host = host[: host.index("]") + 1] if host.startswith("[") and "]" in host else host.partition(":")[0]
    if not HOST.fullmatch(host) or port == 0:
        raise Refused("EGRESS_ADDRESS", f"{host[:100]!r} is no host.")
    path = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
    if not path.startswith("/") or any(ord(each) <= 32 or ord(each) > 126 for each in path):
        raise Refused("EGRESS_ADDRESS", "That is no address.")
    return Target(parts.scheme, host.lower(), PORTS[parts.scheme] if port is None else port, path)


def _headers(text: str) -> dict[str, str]:
    """The same name twice is one, its values joined; cookies by their own sign."""
    found: dict[str, str] = {}
    for line in text.split("\r\n")[1:]:
        name, colon, value = line.partition(":")
        name = name.lower()
        if colon:
            value = value.strip()
            found[name] = f"{found[name]}{'; ' if name == 'cookie' else ', '}{value}" if name in found else value
    return found


def _refusal(refused: Refused, mark: str) -> bytes:
    body = json.dumps({"code": refused.code, "message": str(refused)}).encode()
    head = f"HTTP/1.1 502 Bad Gateway\r\n{MARK}: {mark}\r\ncontent-type: application/json\r\nconnection: close\r\n"
    return f"{head}content-length: {len(body)}\r\n\r\n".encode("latin-1", "replace") + body
