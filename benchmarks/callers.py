"""Callers in a process of their own, who call without pause for as long as something is done to what they call.

Of each host half of them keep their connection, and half open one for each call. A line on standard input names what
is being done from now on; at its end comes, as JSON, what they met under each name.
"""

import asyncio
import contextlib
import json
import sys
import time
from dataclasses import asdict, dataclass, field

# Callers of a host: of each kind
CALLERS = 1
PAUSE = 0.01
PATIENCE = 10.0


@dataclass
class Met:
    """Under one name: by host, as one that fails mustn't hide behind the others."""

    answers: int = 0
    failures: dict[str, int] = field(default_factory=dict)
    ms: list[float] = field(default_factory=list)
    # The longest that any host gave no answer
    longest_gap: float = 0.0


class Callers:
    def __init__(self, port: int, hosts: list[str]) -> None:
        self._port = port
        self._met: dict[str, Met] = {}
        self._now = ""
        self._answered_at = dict.fromkeys(hosts, time.perf_counter())

    async def call(self) -> dict[str, Met]:
        callers = [
            asyncio.create_task(self._call(host, keeps=keeps))
            for host in self._answered_at
            for keeps in (True, False)
            for _ in range(CALLERS)
        ]
        reader = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        async for line in reader:
            self._now = line.decode().strip()
            sys.stdout.write(f"{self._now}\n")
            sys.stdout.flush()
        for caller in callers:
            caller.cancel()
        await asyncio.gather(*callers, return_exceptions=True)
        return self._met

    async def _call(self, host: str, *, keeps: bool) -> None:
        ends = "keep-alive" if keeps else "close"
        request = f"GET /load HTTP/1.1\r\nhost: {host}\r\nconnection: {ends}\r\n\r\n".encode()
        opened: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        while True:
            met = self._met.setdefault(self._now, Met())
            began = time.perf_counter()
            try:
                async with asyncio.timeout(PATIENCE):
                    opened = opened or await asyncio.open_connection("127.0.0.1", self._port)
                    opened[1].write(request)
                    problem, stays = await _answer(opened[0])
            except (OSError, EOFError, ValueError, TimeoutError) as error:
                problem, stays = f"{type(error).__name__} {error}"[:80], False
            if problem:
                met.failures[problem] = met.failures.get(problem, 0) + 1
            else:
                now = time.perf_counter()
                met.answers += 1
                met.ms.append((now - began) * 1000)
                met.longest_gap = max(met.longest_gap, now - self._answered_at[host])
                self._answered_at[host] = now
            if opened and not (keeps and stays):
                opened[1].close()
                with contextlib.suppress(OSError):
                    await opened[1].wait_closed()
                opened = None
            await asyncio.sleep(PAUSE)


async def _answer(reader: asyncio.StreamReader) -> tuple[str, bool]:
    """What is wrong with it, and whether its connection stays."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
    status = head.split(" ", 2)[1]
    lines = dict(line.partition(": ")[::2] for line in head.split("\r\n")[1:] if line)
    await reader.readexactly(int(lines.get("content-length", "0")))
    # Without functions its runtime says so itself; nobody else has this header
    problem = "" if status == "404" and lines.get("x-imp-gateway") else f"status {status}"
    return problem, lines.get("connection") != "close"


def main() -> None:
    met = asyncio.run(Callers(int(sys.argv[1]), sys.argv[2:]).call())
    for each in met.values():
        each.ms.sort()
    sys.stdout.write(json.dumps({name: asdict(each) for name, each in met.items()}) + "\n")


if sys.argv[0].endswith("callers.py"):
    main()
