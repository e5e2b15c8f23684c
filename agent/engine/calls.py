"""Short HTTP calls of the engine's own: to its processes, to Envoy's administration, and through the front door."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

Target = Path | tuple[str, int]
MOST_BYTES = 256 * 1024


class Unanswered(Exception):
    """Nobody is there, or says nothing in time, or nothing that is HTTP."""


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes


async def call(
    target: Target,
    path: str,
    *,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    within: float,
) -> Answer:
    sent = {"host": "localhost", "connection": "close", "content-length": "0", **(headers or {})}
    text = f"{method} {path} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in sent.items()) + "\r\n"
    try:
        async with asyncio.timeout(within):
            return await _exchange(target, text.encode())
    except (TimeoutError, OSError, ValueError, EOFError, asyncio.LimitOverrunError) as error:
        raise Unanswered(f"{type(error).__name__} {error}".strip()) from None


async def _exchange(target: Target, request: bytes) -> Answer:
    if isinstance(target, Path):
        reader, writer = await asyncio.open_unix_connection(str(target))
    else:
        reader, writer = await asyncio.open_connection(*target)
    try:
        writer.write(request)
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        status = int(head[0].split(" ", 2)[1])
        headers = dict(_header(line) for line in head[1:] if line)
        size = int(headers.get("content-length", MOST_BYTES))
        body = b""
        while len(body) < min(size, MOST_BYTES) and (chunk := await reader.read(MOST_BYTES)):
            body += chunk
        return Answer(status, headers, body)
    except IndexError:
        raise ValueError("not HTTP") from None
    finally:
        writer.close()


def _header(line: str) -> tuple[str, str]:
    name, _, value = line.partition(":")
    return name.strip().lower(), value.strip()
