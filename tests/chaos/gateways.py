"""Gateways through create, stop, start and delete while all that they need is killed; then the books must balance."""

import http.client
import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import psycopg

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
# A step that is done again without the phase having been entered again
TWICE = """
WITH lines AS (
    SELECT subject_id, step, kind, id,
           count(*) FILTER (WHERE kind IN ('moved', 'wished')) OVER (PARTITION BY subject_id ORDER BY id) AS visit
    FROM core_lifecycleevent WHERE machine IN ('gateway', 'domain')
)
SELECT subject_id, visit, step, count(*) FROM lines WHERE kind = 'done' GROUP BY 1, 2, 3 HAVING count(*) > 1
"""
LEFT = """
SELECT 'bundle ' || key FROM fleet_bundle WHERE split_part(key, '/', 2) IN
    (SELECT id FROM gateways_functiongateway WHERE name LIKE 'chaos-%')
UNION ALL SELECT 'database ' || datname FROM pg_database WHERE datname LIKE 'gw_db_%' AND datname NOT IN
    (SELECT d.name FROM gateways_gatewaydatabase d)
UNION ALL SELECT 'role ' || rolname FROM pg_roles WHERE rolname LIKE 'gw_db_%' AND rolname NOT IN
    (SELECT d.name FROM gateways_gatewaydatabase d)
UNION ALL SELECT 'database of ' || g.name FROM gateways_gatewaydatabase d JOIN gateways_functiongateway g
    ON g.id = d.gateway_id WHERE g.name LIKE 'chaos-%'
UNION ALL SELECT 'domain of ' || g.name FROM gateways_runtimedomain d JOIN gateways_functiongateway g
    ON g.id = d.gateway_id WHERE g.name LIKE 'chaos-%'
UNION ALL SELECT 'stage of ' || g.name FROM gateways_stage s JOIN gateways_functiongateway g
    ON g.id = s.gateway_id WHERE g.name LIKE 'chaos-%'
"""


@dataclass
class Watch:
    """How long each gateway was due and nothing became of it. Nothing is known of the time without a database."""

    longest: float = 0.0
    worst: str = ""
    _seen: dict[str, tuple[str, float]] = field(default_factory=dict)

    def look(self, rows: list[Any]) -> None:
        now = time.monotonic()
        for name, phase, at_rest, is_due, standing, because in rows:
            before = self._seen.get(name)
            if at_rest or not is_due or before is None or before[0] != standing:
                self._seen[name] = (standing, now)
            elif now - before[1] > self.longest:
                self.longest = now - before[1]
                self.worst = f"{name} {phase}: {because or standing}"


@dataclass
class Outcome:
    count: int
    seconds: dict[str, float]
    stall: Watch
    killed: dict[str, int]

    def told(self) -> str:
        ways = ", ".join(f"{wish} {seconds:.0f} s" for wish, seconds in self.seconds.items())
        deaths = ", ".join(f"{kind} {number}" for kind, number in sorted(self.killed.items()))
        return (
            f"{self.count} gateways ({ways}), all where they should be; longest stall {self.stall.longest:.1f} s "
            f"({self.stall.worst}); "
            f"killed: {deaths}; no step committed twice, nothing left"
        )


class GatewayTrial:
    def __init__(self, product: Product, *, seed: int, count: int, say: Callable[[str], None]) -> None:
        self.product = product
        self.say = say
        # Most in one process; every fifth as people have them
        self.layouts = {f"chaos-{number}": "shared" if number % 5 else "prod-apart" for number in range(count)}
        self.watch = Watch()
        self.killer = Killer(product, seed=seed, say=say, agent_deaths=max(1, count // 25))

    def run(self) -> Outcome:
        self._wait_for_demo()
        before = self._hosts_of_envoy()
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
        self.killer.end()
        self.product.wait_until_healthy()
        self._wait_for_demo()
        self._balance(before)
        return Outcome(len(self.layouts), seconds, self.watch, dict(self.killer.killed))

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
            if rows is not None:
                self.watch.look(rows)
                late = [row for row in rows if not (row[1] == phase and row[2])]
                if len(rows) == len(self.layouts) and not late:
                    break
                assert time.monotonic() < give_up_at, (
                    f"{len(late)} of {len(rows)} gateways aren't {phase} within {within:.0f} s: {late[:5]}\n"
                    f"{self.product.log()[-4000:]}"
                )
            time.sleep(SAMPLE)
        limit = stretched(LONGEST_STALL)
        assert self.watch.longest <= limit, f"{wish}: stalled for {self.watch.longest:.1f} s: {self.watch.worst}"

    def _rows(self) -> list[Any] | None:
        try:
            with self.product.connect() as connection:
                return connection.execute(ROWS).fetchall()
        except psycopg.Error:
            return None

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

    def _hosts_of_envoy(self) -> int:
        """How many hosts it has a route for, as it says itself."""
        connection = http.client.HTTPConnection("localhost", timeout=5)
        connection.sock = self._admin_socket()
        try:
            connection.request("GET", "/config_dump?resource=dynamic_scoped_route_configs")
            return len(list(_scopes(json.loads(connection.getresponse().read()))))
        finally:
            connection.close()

    def _admin_socket(self) -> Any:
        import socket

        [path] = self.product.state.glob("agent/**/admin.sock")
        found = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        found.settimeout(5)
        found.connect(str(path))
        return found

    def _balance(self, hosts_before: int) -> None:
        with self.product.connect() as connection:
            twice = connection.execute(TWICE).fetchall()
            left = connection.execute(LEFT).fetchall()
        assert not twice, f"steps committed twice: {twice[:10]}"
        assert not left, f"left behind: {left[:10]}"
        for name in self.layouts:
            assert self._asked(name).get("type") == "/errors/no-such-host", f"{name} still has a route"
        wait_until(lambda: self._hosts_of_envoy() == hosts_before, within=10, what="Envoy without their hosts")
        folders = [each.name for each in (self.product.state / "agent" / "engine" / "gateways").iterdir()]
        assert not [name for name in folders if "chaos-" in name], f"folders left: {folders}"
        # Of three gateways: one in two processes, two in one each
        wait_until(lambda: len(self.killer._below_agent("deno")) == 4, within=stretched(15), what="four processes")
        self.product.assert_no_orphans()


def _scopes(found: Any) -> Iterator[Any]:
    for config in found.get("configs", []):
        yield from config.get("scoped_route_configs", [config])
