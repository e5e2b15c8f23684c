"""`python -m agent.egress`: told on its standard input where to listen for the engine; that says what to serve."""

import asyncio
import contextlib
import json
import os
import sys
from pathlib import Path
from typing import Any

from agent.egress.proxy import LONGEST_HEAD, Door
from agent.egress.resolving import trusted_authorities
from agent.egress.rules import Network, Rules, read_networks

LONGEST_WISH = 16 * 1024 * 1024


class Egress:
    """All gateways' doors."""

    def __init__(self, opened: tuple[Network, ...]) -> None:
        self._opened = opened
        self._rules: dict[str, Rules] = {}
        self._servers: dict[str, asyncio.Server] = {}
        self._trusted = trusted_authorities()

    async def serve(self, wanted: dict[str, Any]) -> None:
        """These sockets and no others, by these rules."""
        for socket in set(self._servers) - set(wanted):
            self._rules[socket] = Rules("none")
            self._servers.pop(socket).close()
            with contextlib.suppress(OSError):
                os.unlink(socket)
        for socket, rules in wanted.items():
            self._rules[socket] = Rules(rules["mode"], tuple(rules["hosts"]), self._opened)
            if socket not in self._servers:
                self._servers[socket] = await self._open(socket)

    async def _open(self, socket: str) -> asyncio.Server:
        # Of a process before this one
        with contextlib.suppress(OSError):
            os.unlink(socket)
        door = Door(lambda: self._rules[socket], self._trusted)
        return await asyncio.start_unix_server(door.serve, socket, limit=LONGEST_HEAD, backlog=1024)


async def main(given: dict[str, Any]) -> None:
    egress = Egress(read_networks(given["opened"]))

    async def hear(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, ValueError, asyncio.IncompleteReadError):
            await egress.serve(json.loads(await reader.readuntil(b"\n")))
            writer.write(b"ok\n")
            await writer.drain()
        writer.close()

    control = Path(given["control"])
    with contextlib.suppress(OSError):
        control.unlink()
    async with await asyncio.start_unix_server(hear, control, limit=LONGEST_WISH):
        sys.stdout.write('{"event":"ready"}\n')
        sys.stdout.flush()
        await asyncio.Event().wait()


if __name__ == "__main__":
    os.umask(0o077)
    asyncio.run(main(json.load(sys.stdin)))
