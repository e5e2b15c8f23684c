"""From a save over HTTP to the first answer of the new code: one function, five hundred beside it, and under load.

Each save compiles three files; a caller asks for the function through Envoy all the while. The baseline takes turns
with it: a change of the gateway's title through the same API, which compiles, publishes and waits for nothing.

python -m benchmarks.save
"""

import http.client
import os
import threading
import time
from collections.abc import Callable

from benchmarks.engine import wait_until
from benchmarks.harness import percentile, record
from benchmarks.saving import Caller, Saving, saving

ROUNDS = 200
WARM_UP = 10
MANY = 500
UNDER_LOAD = 200
CALLERS = 3
GOALS = {50: 40.0, 99: 120.0}
# Between two calls of the one who waits for the new answer
PAUSE = 0.0005


def main() -> None:
    record(name="save: load of the machine at the beginning", value=os.getloadavg()[0], unit="")
    with saving() as place:
        place.make("dev/hello")
        alone(place, "of one function", ROUNDS, promised=True)
        for number in range(MANY):
            place.make(f"dev/many/f{number}")
        alone(place, f"with {MANY} more", ROUNDS, promised=True)
        under_load(place)


class Waiter:
    """Asks for a function again and again, and says when it first answered with a version."""

    def __init__(self, place: Saving, path: str) -> None:
        self._caller = Caller(place.found.gateway_port, path)
        self._wanted: tuple[int, threading.Event] | None = None
        self._ended = False
        self.seen_at = 0.0
        self._thread = threading.Thread(target=self._wait, daemon=True)
        self._thread.start()

    def expect(self, version: int) -> threading.Event:
        there = threading.Event()
        self._wanted = (version, there)
        return there

    def _wait(self) -> None:
        while not self._ended:
            wanted = self._wanted
            if wanted is None:
                time.sleep(PAUSE)
                continue
            if self._caller.version() >= wanted[0]:
                self.seen_at = time.perf_counter()
                self._wanted = None
                wanted[1].set()
            time.sleep(PAUSE)

    def end(self) -> None:
        self._ended = True
        self._thread.join()
        self._caller.close()


def alone(place: Saving, what: str, rounds: int, *, promised: bool) -> None:
    connection = place.connect()
    waiter = Waiter(place, "/hello")
    version = current(place)
    first, answered, titles = [], [], []
    parts: dict[str, list[float]] = {"compile_ms": [], "store_ms": [], "load_ms": []}
    not_live = 0
    try:
        for turn in range(WARM_UP + rounds):
            there = waiter.expect(version + 1)
            began = time.perf_counter()
            answer = place.save(connection, "dev/hello", version)
            ended = time.perf_counter()
            version += 1
            if not there.wait(10):
                raise SystemExit(f"Version {version} didn't answer: {answer['live']}")
            title = timed(lambda turn=turn: place.ask(connection, "PATCH", place.path, {"title": f"Saved {turn}"}))  # type: ignore[misc]
            if turn < WARM_UP:
                continue
            not_live += answer["live"]["state"] != "live"
            first.append((waiter.seen_at - began) * 1000)
            answered.append((ended - began) * 1000)
            titles.append(title)
            for name, found in parts.items():
                found.append(answer["live"][name])
    finally:
        waiter.end()
        connection.close()
    for percent, goal in GOALS.items():
        value = percentile(first, percent)
        record(
            name=f"save: HTTP save to first new answer, {what}, p{percent}", value=value, unit="ms",
            baseline=percentile(titles, percent), goal=goal if promised else None, holds=value <= goal,
        )  # fmt: skip
    for percent in GOALS:
        record(
            name=f"save: HTTP save to its answer that it is live, {what}, p{percent}",
            value=percentile(answered, percent), unit="ms", baseline=percentile(titles, percent),
        )  # fmt: skip
    for name, found in parts.items():
        record(name=f"save: of it {name.removesuffix('_ms')}, {what}, p50", value=percentile(found, 50), unit="ms",
               baseline=percentile(titles, 50))  # fmt: skip
    record(name=f"save: answered before it was live, {what}", value=not_live, unit="", goal=0, holds=not_live == 0)


def timed(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return (time.perf_counter() - began) * 1000


def current(place: Saving) -> int:
    from apps.functions.models import Function

    row = Function.objects.filter(gateway=place.gateway, stage="dev", base_name="hello")
    wait_until(lambda: row.filter(live_version__gt=0).exists(), "the function")
    return int(row.get().version)


class Load(threading.Thread):
    """Calls without pause. What was acknowledged before a call began, or something newer, has to answer it."""

    acknowledged = 0
    ended = False

    def __init__(self, place: Saving, query: str = "") -> None:
        super().__init__(daemon=True)
        self._caller = Caller(place.found.gateway_port, "/hello")
        self._query = query
        self.calls = self.failed = self.older = 0

    def run(self) -> None:
        while not Load.ended:
            least = Load.acknowledged
            try:
                version = self._caller.version(self._query)
            except (OSError, http.client.HTTPException):
                version = 0
            self.calls += 1
            self.failed += version == 0
            self.older += 0 < version < least
        self._caller.close()


def under_load(place: Saving) -> None:
    """Fast calls, and slow ones that are in flight across several saves."""
    version = current(place)
    Load.acknowledged = version
    callers = [Load(place) for _ in range(CALLERS)] + [Load(place, "?slow=200") for _ in range(CALLERS)]
    for each in callers:
        each.start()
    connection = place.connect()
    seconds = []
    for _ in range(UNDER_LOAD):
        began = time.perf_counter()
        answer = place.save(connection, "dev/hello", version)
        version += 1
        if answer["live"]["state"] == "live":
            Load.acknowledged = version
        seconds.append((time.perf_counter() - began) * 1000)
    Load.ended = True
    for each in callers:
        each.join()
    connection.close()
    calls = sum(each.calls for each in callers)
    for what, value in (
        ("failed", sum(each.failed for each in callers)),
        ("older", sum(each.older for each in callers)),
    ):
        record(name=f"save: of {calls} calls during {UNDER_LOAD} saves, {what}", value=value, unit="", goal=0,
               holds=value == 0)  # fmt: skip
    for percent in GOALS:
        record(
            name=f"save: HTTP save to its answer under load, p{percent}", value=percentile(seconds, percent), unit="ms"
        )


if __name__ == "__main__":
    main()
