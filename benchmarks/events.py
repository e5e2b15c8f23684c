"""From commit to page: an event to 500 open pages, and to the 20 of one person, while nothing else happens.

The live process runs as `manage.py up` starts it. Beside the pages, in the same process and event loop, a bare
connection listens for the same notifications: that's what Postgres and the machine take, and the baseline.
"""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[0] = str(ROOT)

import asyncio  # noqa: E402
import json  # noqa: E402
import re  # noqa: E402
import subprocess  # noqa: E402
import tempfile  # noqa: E402
import time  # noqa: E402
from functools import partial  # noqa: E402
from typing import Any  # noqa: E402
from urllib.parse import quote  # noqa: E402

from benchmarks.harness import percentile, record, scratch_database  # noqa: E402

PEOPLE = 25
PAGES_OF_EACH = 20
EVENTS = 150
PAUSE = 0.1
GOAL_MS = 100.0
GOAL_KB = 64.0
GOAL_STOP = 2.0
REF = re.compile(rb'"ref":"(\d+)"')


class Page(asyncio.Protocol):
    """One stream; it notes when each event arrived, and does nothing else that would take time."""

    def __init__(self, request: bytes, arrivals: dict[int, list[int]], opened: asyncio.Semaphore) -> None:
        self.request = request
        self.arrivals = arrivals
        self.opened = opened
        self.is_open = False

    def connection_made(self, transport: Any) -> None:
        transport.write(self.request)

    def data_received(self, data: bytes) -> None:
        now = time.monotonic_ns()
        if not self.is_open and b"event: " in data:
            self.is_open = True
            self.opened.release()
        for ref in REF.findall(data):
            self.arrivals.setdefault(int(ref), []).append(now)


async def browse(port: int, database: str, people: dict[str, str]) -> None:
    """In a process of its own: open the pages, say so, and tell what arrived when the input ends."""
    import psycopg

    pages: dict[int, list[int]] = {}
    bare: list[int] = []
    opened = asyncio.Semaphore(0)
    loop = asyncio.get_running_loop()

    async def listen() -> None:
        async with await psycopg.AsyncConnection.connect(database, autocommit=True) as connection:
            await connection.execute("LISTEN imp_events")
            async for _ in connection.notifies():
                bare.append(time.monotonic_ns())  # noqa: PERF401 (each at its moment)

    listening = asyncio.create_task(listen())
    for person, session in people.items():
        path = f"/live/events?topic=audit&topic={quote(f'audit:{person}')}"
        request = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nCookie: sessionid={session}\r\n\r\n".encode()
        for _ in range(PAGES_OF_EACH):
            await loop.create_connection(partial(Page, request, pages, opened), "127.0.0.1", port)
            await opened.acquire()
    print("open", flush=True)
    await loop.run_in_executor(None, sys.stdin.readline)
    listening.cancel()
    print(json.dumps({"pages": pages, "bare": bare}), flush=True)
    await loop.run_in_executor(None, sys.stdin.readline)


def main() -> None:
    import django

    django.setup()
    from tests.events.live import LiveProcess

    with scratch_database() as url, tempfile.TemporaryDirectory() as folder:
        people = sign_in_people()
        live = LiveProcess(
            Path(folder) / "log", target="portal.asgi:application", DJANGO_SETTINGS_MODULE="portal.settings.dev"
        )
        try:
            measure(live, url, people)
        finally:
            live.stop()


def sign_in_people() -> dict[str, str]:
    """Operators, who may hear everything; their sessions by their ids."""
    from django.contrib.auth import get_user_model
    from django.test import Client

    sessions = {}
    for number in range(PEOPLE):
        person = get_user_model().objects.create_superuser(f"person{number}@example.com")
        client = Client()
        client.force_login(person)
        sessions[person.pk] = client.cookies["sessionid"].value
    return sessions


def measure(live: Any, url: str, people: dict[str, str]) -> None:
    import psutil

    # The first stream brings in what all of them share
    with Browsers(live.port, url, dict(list(people.items())[:1])):
        pass
    worker = max(psutil.Process(live.process.pid).children(recursive=True), key=lambda each: each.memory_info().rss)
    before = worker.memory_info().rss
    with Browsers(live.port, url, people) as pages:
        grown = (worker.memory_info().rss - before) / 1000 / (PEOPLE * PAGES_OF_EACH)
        one = next(iter(people))
        sent = {topic: publish_to(topic, first) for topic, first in (("audit", 0), (f"audit:{one}", EVENTS))}
        # The last ones may still be on their way
        time.sleep(2)
        arrived = pages.ask()
        bare = dict(zip(range(2 * EVENTS), arrived["bare"], strict=True))
        for topic, count, what in (("audit", 500, "500 pages"), (f"audit:{one}", 20, "the 20 pages of one person")):
            times = sent[topic]
            latencies = [
                (at - times[int(ref)]) / 1e6 for ref, ats in arrived["pages"].items() if int(ref) in times for at in ats
            ]
            if len(latencies) != EVENTS * count:
                sys.exit(f"{len(latencies)} of {EVENTS * count} events arrived.")
            baseline = [(bare[number] - at) / 1e6 for number, at in times.items()]
            for percent in (50, 99):
                ours = percentile(latencies, percent)
                goal = GOAL_MS if percent == 99 else None
                record(
                    name=f"events: commit to {what}, p{percent}",
                    value=ours,
                    unit="ms",
                    baseline=percentile(baseline, percent),
                    goal=f"≤ {goal:g}" if goal else None,
                    holds=ours <= goal if goal else None,
                )
        record(name="events: memory of a page", value=grown, unit="kB", goal=f"≤ {GOAL_KB:g}", holds=grown <= GOAL_KB)
        took = live.stop()
        record(
            name="events: stop with 500 pages", value=took, unit="s", goal=f"≤ {GOAL_STOP:g}", holds=took <= GOAL_STOP
        )


def publish_to(topic: str, first: int) -> dict[int, int]:
    """When each event began to be written; the commit itself is part of what is measured."""
    from apps.core.events import publish

    sent = {}
    for number in range(first, first + EVENTS):
        sent[number] = time.monotonic_ns()
        publish(topic, "recorded", str(number))
        time.sleep(PAUSE)
    return sent


class Browsers:
    """The process that holds the pages."""

    def __init__(self, port: int, database: str, people: dict[str, str]) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(ROOT / "benchmarks" / "events.py"), "--browse", str(port), database],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._say(json.dumps(people))
        if self._read() != "open\n":
            sys.exit("The pages could not be opened.")

    def ask(self) -> dict[str, Any]:
        self._say("tell")
        told: dict[str, Any] = json.loads(self._read())
        return told

    def __enter__(self) -> "Browsers":
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.communicate()

    def _say(self, line: str) -> None:
        assert self.process.stdin
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def _read(self) -> str:
        assert self.process.stdout
        return self.process.stdout.readline()


if __name__ == "__main__":
    if sys.argv[1:2] == ["--browse"]:
        asyncio.run(browse(int(sys.argv[2]), sys.argv[3], json.loads(sys.stdin.readline())))
    else:
        main()
