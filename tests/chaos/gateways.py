"""Gateways through create, stop, start and delete while all that they need is killed; then the books must balance."""

import contextlib
import http.client
import json
import os
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import psycopg

from tests.chaos.books import DONE, LEFT, TWICE, counts, less
from tests.chaos.room import layout_of, processes_of
from tests.chaos.victims import Killer
from tests.faults.product import Product, stretched, wait_until

# The lease of a life cycle, and what the sweep and the queue may add to it
LONGEST_STALL = 15.0 + 15.0
WISHES = (("create", "started"), ("stop", "stopped"), ("start", "started"), ("delete", "deleted"))
SAMPLE = 0.25
ROWS = """
SELECT name, phase, due_at IS NULL AND NOT has_stopped, due_at <= clock_timestamp(),
       concat_ws(' ', phase, checkpoint, attempts, wakes, fence, due_at), because
FROM gateways_functiongateway WHERE name LIKE 'chaos-%'
"""
TIMELINE = """
SELECT e.at::time(3) || ' ' || concat_ws(' ', e.kind, e.phase, e.step, e.because, e.because_of, e.ms, e.worker)
FROM core_lifecycleevent e JOIN gateways_functiongateway g ON g.id = e.subject_id WHERE g.name = %s ORDER BY e.id
"""
STAGES = 3
# Each of namespace, configuration, runtime and routes
BUNDLES = 4


@dataclass
class Watch:
    """How long each gateway was due, there was a database to work with, and nothing became of it."""

    longest: float = 0.0
    worst: str = ""
    name: str = ""
    # How long there was no database: in all, and the longest at a time
    away: float = 0.0
    longest_away: float = 0.0
    _gone_since: float | None = None
    _seen: dict[str, tuple[str, float]] = field(default_factory=dict)

    def look(self, rows: list[Any] | None, now: float) -> None:
        """None: no database says anything."""
        if rows is None:
            self._gone_since = self._gone_since or now
            return
        if self._gone_since is not None:
            gone = now - self._gone_since
            self.away, self.longest_away, self._gone_since = self.away + gone, max(self.longest_away, gone), None
        now -= self.away
        for name, phase, at_rest, is_due, standing, because in rows:
            before = self._seen.get(name)
            if at_rest or not is_due or before is None or before[0] != standing:
                self._seen[name] = (standing, now)
            elif now - before[1] > self.longest:
                self.longest, self.name = now - before[1], name
                self.worst = f"{name} {phase}: {because or standing}"


@dataclass
class Outcome:
    count: int
    seconds: dict[str, float]
    stall: Watch
    killed: dict[str, int]
    # What there was of all of them, and what is left
    made: dict[str, int]
    left: dict[str, int]
    steps: int
    # Of the machine, the highest
    load: float

    def told(self) -> str:
        ways = ", ".join(f"{wish} {seconds:.0f} s" for wish, seconds in self.seconds.items())
        deaths = ", ".join(f"{kind} {number}" for kind, number in sorted(self.killed.items()))
        made = ", ".join(f"{number} {name}" for name, number in self.made.items() if number)
        left = ", ".join(f"{number} {name}" for name, number in self.left.items())
        stall = f"{self.stall.longest:.1f} s of the {LONGEST_STALL:.0f} s that it may be"
        if self.stall.longest > LONGEST_STALL:
            stall = f"{self.stall.longest:.1f} s, MORE than {LONGEST_STALL:.0f} s: the load was up to {self.load:.0f}"
        return "\n".join(
            [
                f"Gateways: {self.count} and {processes_of(self.count)} processes, through {ways}.",
                f"  killed         {deaths}: {sum(self.killed.values())} in all",
                f"  ended          all {self.count} where the last wish says, after each wish",
                f"  longest stall  {stall} ({self.stall.worst or 'nothing'})",
                f"  no database    for {self.stall.away:.0f} s in all, {self.stall.longest_away:.1f} s at the longest",
                f"  steps          {self.steps:,} done, none of them twice",
                f"  made           {made}",
                f"  left           {left}",
            ]
        )


class GatewayTrial:
    def __init__(self, product: Product, *, seed: int, count: int, say: Callable[[str], None]) -> None:
        self.product = product
        self.say = say
        self.layouts = {f"chaos-{number}": layout_of(number) for number in range(count)}
        self.watch = Watch()
        self.load = self._told = 0.0
        self.killer = Killer(product, seed=seed, say=say, agent_deaths=max(1, count // 25))

    def run(self) -> Outcome:
        self._wait_for_demo()
        before = counts(self.product)
        made: dict[str, int] = {}
        seconds = {}
        self.killer.start()
        for wish, phase in WISHES:
            began = time.monotonic()
            for name in self.layouts:
                self._ask(name, wish)
            self._wait(wish, phase)
            seconds[wish] = time.monotonic() - began
            self.say(f"     {len(self.layouts)} gateways: {wish} in {seconds[wish]:.1f} s")
            if phase == "started":
                self._answer()
                with self.killer.resting():
                    made = made or self._made(before)
        self.killer.end()
        self.product.wait_until_healthy()
        self._wait_for_demo()
        left, steps = self._balance(before)
        return Outcome(len(self.layouts), seconds, self.watch, dict(self.killer.killed), made, left, steps, self.load)

    def _ask(self, name: str, wish: str) -> None:
        """Until the product says that it has it; each of these may be said again."""
        path = f"/chaos/gateway/{name}/{wish}?layout={self.layouts[name]}"
        request = urllib.request.Request(f"http://127.0.0.1:{self.product.port}{path}", method="POST")

        def is_taken() -> bool:
            try:
                with urllib.request.urlopen(request, timeout=5) as answer:
                    return bool(answer.status == http.HTTPStatus.OK)
            except urllib.error.HTTPError as error:
                if error.code < http.HTTPStatus.INTERNAL_SERVER_ERROR:
                    raise AssertionError(f"{wish} {name}: {error.code} {error.read().decode()[:500]}") from None
                return False
            except (OSError, http.client.HTTPException):
                return False

        wait_until(is_taken, within=stretched(60), what=f"{wish} {name} taken")

    def _wait(self, wish: str, phase: str) -> None:
        within = stretched(60 + 3.0 * len(self.layouts))
        give_up_at = time.monotonic() + within
        while True:
            rows = self._rows()
            self.load = max(self.load, os.getloadavg()[0])
            self.watch.look(rows, time.monotonic())
            if rows is not None:
                late = [row for row in rows if not (row[1] == phase and row[2])]
                if len(rows) == len(self.layouts) and not late:
                    break
                assert time.monotonic() < give_up_at, (
                    f"{len(late)} of {len(rows)} gateways aren't {phase} within {within:.0f} s: {late[:5]}\n"
                    f"{self.product.log()[-4000:]}"
                )
            time.sleep(SAMPLE)
        limit = stretched(LONGEST_STALL)
        if self.watch.longest > max(LONGEST_STALL, self._told):
            self._tell_timeline(self.watch.name)
            self._told = self.watch.longest
        assert self.watch.longest <= limit, (
            f"{wish}: stalled for {self.watch.longest:.1f} s, at a load of {os.getloadavg()[0]:.0f}: {self.watch.worst}"
        )

    def _rows(self) -> list[Any] | None:
        try:
            with self.product.connect() as connection:
                return connection.execute(ROWS).fetchall()
        except psycopg.Error:
            return None

    def _tell_timeline(self, name: str) -> None:
        with contextlib.suppress(psycopg.Error), self.product.connect() as connection:
            lines = connection.execute(TIMELINE, [name]).fetchall()
            self.say("\n".join([f"     {name} stalled for {self.watch.longest:.1f} s:", *(line for (line,) in lines)]))

    def _answer(self) -> None:
        """Every gateway, also when its process was killed a moment ago; its own runtime says so."""
        for name in self.layouts:
            what = f"an answer of {name}\n{self.product.log()[-4000:]}"
            wait_until(lambda name=name: self._is_answered(name), within=stretched(60), what=what)  # type: ignore[misc]

    def _is_answered(self, name: str) -> bool:
        return self._asked(name).get("gateway") == name

    def _asked(self, name: str) -> dict[str, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", self.product.gateway_port, timeout=3)
        try:
            connection.request("GET", "/", headers={"Host": f"{name}.dev.localhost"})
            found: dict[str, Any] = json.loads(connection.getresponse().read())
        except (OSError, http.client.HTTPException, ValueError):
            return {}
        finally:
            connection.close()
        return found

    def _wait_for_demo(self) -> None:
        for name in ("parcel-tracking", "billing-hooks", "address-check"):
            wait_until(lambda name=name: self._is_answered(name), within=stretched(60), what=name)  # type: ignore[misc]

    def _made(self, before: dict[str, int]) -> dict[str, int]:
        """Of everything as much as the gateways need, once what was killed a moment ago is back."""
        count = len(self.layouts)
        wanted = {
            "databases": count,
            # Of its functions, and of its runtimes
            "roles": 2 * count,
            "stages": STAGES * count,
            "domains": count,
            "bundles": BUNDLES * count,
            "routes in Envoy": STAGES * count,
            "folders": count,
            "sockets": processes_of(count),
            "processes": processes_of(count),
            "open ports": 0,
        }
        self._require(lambda found: less(found, before), wanted, within=60)
        return wanted

    def _balance(self, before: dict[str, int]) -> tuple[dict[str, int], int]:
        with self.product.connect() as connection:
            twice = connection.execute(TWICE).fetchall()
            left = connection.execute(LEFT).fetchall()
            steps = connection.execute(DONE).fetchone()
        assert not twice, f"steps committed twice: {twice[:10]}"
        assert not left, f"left behind: {left[:10]}"
        for name in self.layouts:
            assert str(self._asked(name).get("type")).endswith("/errors/no-such-host"), f"{name} still has a route"
        nothing = dict.fromkeys(before, 0)
        self._require(lambda found: less(found, before), nothing, within=15)
        self.product.assert_no_orphans()
        assert steps is not None
        return nothing, int(steps[0])

    def _require(
        self, of: Callable[[dict[str, int]], dict[str, int]], wanted: dict[str, int], *, within: float
    ) -> None:
        seen: dict[str, int] = {}

        def is_so() -> bool:
            try:
                seen.update(of(counts(self.product)))
            except (OSError, ValueError, http.client.HTTPException, psycopg.Error):
                # Something of it was killed this moment
                return False
            return seen == wanted

        try:
            wait_until(is_so, within=stretched(within), what="what there should be of the gateways")
        except AssertionError as error:
            wrong = {name: number for name, number in seen.items() if number != wanted[name]}
            raise AssertionError(f"{error}: {wrong}, and not {wanted}") from None
