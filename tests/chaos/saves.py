"""Saves by several at once while all that they need is killed; then what was acknowledged must be live, and no more."""

import http.client
import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.conninfo import make_conninfo

from apps.core.postgres.launcher import EmbeddedPostgres
from apps.gateways.databases import name_of
from tests.chaos.victims import Killer
from tests.faults.product import Product, stretched, wait_until

GATEWAY = "chaos-saves"
TIMEOUT = 8.0
# Between two saves of a writer: they are to last for as long as things are killed
PAUSE = 0.02
PAUSE_AFTER_FAILURE = 0.2
KILLED = ("postgres", "runtime", "worker", "web", "agent")
# What the rows want: by name the number that is in the source, and the version
WANTED = """
SELECT f.stage || '/' || f.base_name, v.number, substring(v.files->>'index.ts' FROM 'number: ([0-9]+)')::int,
       f.live_version = f.published_version AND f.published_version = f.version AND f.publish_due_at IS NULL
FROM functions_function f JOIN functions_functionversion v ON v.id = f.head_id
JOIN gateways_functiongateway g ON g.id = f.gateway_id
WHERE g.name = %s AND f.deleted_at IS NULL
"""
UNSETTLED = """
SELECT count(*) FROM functions_function f JOIN gateways_functiongateway g ON g.id = f.gateway_id
WHERE g.name = %s AND (f.publish_due_at IS NOT NULL OR f.published_version < f.version)
"""
HISTORY = """
SELECT f.base_name, v.number, substring(v.files->>'index.ts' FROM 'number: ([0-9]+)')::int
FROM functions_functionversion v JOIN functions_function f ON f.id = v.function_id
JOIN gateways_functiongateway g ON g.id = f.gateway_id WHERE g.name = %s
"""
THERE = "SELECT name, version FROM imp.functions WHERE NOT is_deleted AND expires_at IS NULL"


@dataclass
class SavesOutcome:
    acknowledged: int
    tried: int
    seconds: float
    killed: dict[str, int]
    slowest: float

    def told(self) -> str:
        deaths = ", ".join(f"{kind} {number}" for kind, number in sorted(self.killed.items()))
        return (
            f"Saves: {self.acknowledged} acknowledged of {self.tried} tried, in {self.seconds:.0f} s, while there were "
            f"killed {deaths}: all of them kept, the last of each function live, and nothing else; the slowest took "
            f"{self.slowest:.1f} s"
        )


class Saver(threading.Thread):
    """Saves one function again and again. What has no answer may have been done or not; the next is another one."""

    def __init__(self, port: int, function: str, count: int, is_enough: Callable[[], bool]) -> None:
        super().__init__(daemon=True)
        self.port, self.function, self.count, self.is_enough = port, function, count, is_enough
        # Number to version
        self.acknowledged: dict[int, int] = {}
        self.tried = 0
        self.slowest = 0.0
        self.ended = False

    def run(self) -> None:
        while not self.ended and (len(self.acknowledged) < self.count or not self.is_enough()):
            self.tried += 1
            began = time.monotonic()
            version = self._ask("POST", f"/chaos/save/{GATEWAY}/{self.function}?number={self.tried}")
            if version is not None:
                self.acknowledged[self.tried] = version
                self.slowest = max(self.slowest, time.monotonic() - began)
            time.sleep(PAUSE if version is not None else PAUSE_AFTER_FAILURE)

    def _ask(self, method: str, path: str) -> int | None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT)
        try:
            connection.request(method, path)
            response = connection.getresponse()
            content = response.read()
            return int(content) if response.status == http.HTTPStatus.OK else None
        except (OSError, ValueError, http.client.HTTPException):
            return None
        finally:
            connection.close()


class SavesKiller(Killer):
    """Whatever a save passes through, and what runs it: each of them once, before any of them again."""

    def kinds(self) -> dict[str, Callable[[], set[int]]]:
        found = {**super().kinds(), "web": lambda: self.product.processes_of("web")}
        return {kind: pids for kind, pids in found.items() if kind not in self.killed} or found

    def has_killed_all(self) -> bool:
        return set(KILLED) <= set(self.killed)


class SavesTrial:
    def __init__(
        self, product: Product, *, seed: int, say: Callable[[str], None], saves: int = 300, writers: int = 6
    ) -> None:
        self.product = product
        self.say = say
        self.killer = SavesKiller(product, seed=seed, say=say, agent_deaths=2)
        self.savers = [
            Saver(product.port, f"chaos/{number}", saves // writers, self.killer.has_killed_all)
            for number in range(writers)
        ]

    def run(self) -> SavesOutcome:
        self._wish("create")
        # Of one that was there and is deleted nothing may come back
        wait_until(lambda: self._post("/chaos/save/{}/gone?number=1"), within=stretched(60), what="the first save")
        wait_until(lambda: self._answer("gone") == 1, within=stretched(90), what=f"an answer\n{self._log()}")
        began = time.monotonic()
        self.killer.start()
        for saver in self.savers:
            saver.start()
        wait_until(lambda: self._post("/chaos/unsave/{}/gone"), within=stretched(60), what="the deletion")
        try:
            self._wait_for_savers()
        finally:
            for saver in self.savers:
                saver.ended = True
            self.killer.end()
        seconds = time.monotonic() - began
        self.product.wait_until_healthy()
        self._balance()
        self._wish("delete")
        acknowledged = sum(len(saver.acknowledged) for saver in self.savers)
        tried = sum(saver.tried for saver in self.savers)
        slowest = max(saver.slowest for saver in self.savers)
        return SavesOutcome(acknowledged, tried, seconds, dict(self.killer.killed), slowest)

    def _wait_for_savers(self) -> None:
        give_up_at = time.monotonic() + stretched(240)
        for saver in self.savers:
            saver.join(max(0.0, give_up_at - time.monotonic()))
            assert not saver.is_alive(), f"{saver.function}: {len(saver.acknowledged)} of {saver.count}\n{self._log()}"

    def _balance(self) -> None:
        """What is wanted is what was acknowledged last or tried after it; and that is there, live, and alone."""
        with self.product.connect() as connection:
            kept = {(name, version): number for name, version, number in connection.execute(HISTORY, [GATEWAY])}
        for saver in self.savers:
            lost = {n: v for n, v in saver.acknowledged.items() if kept.get((saver.function, v)) != n}
            assert not lost, f"{saver.function}: acknowledged saves that are gone: {lost}"
        wait_until(self._is_settled, within=stretched(60), what=f"everything live: {self._standing()}\n{self._log()}")
        wanted = self._wanted()
        assert set(wanted) == {f"dev/{saver.function}" for saver in self.savers}
        for saver in self.savers:
            version, number, _is_live = wanted[f"dev/{saver.function}"]
            last = max(saver.acknowledged)
            assert number >= last, f"{saver.function}: {number} is wanted, though {last} was acknowledged"
            assert self._answer(saver.function) == number, f"{saver.function}: {version} is live by the rows alone"
        assert self._answer("gone") is None, "what was deleted answers"
        there = dict(self._ask_gateway(THERE))
        assert there == {name: version for name, (version, _number, _is_live) in wanted.items()}

    def _is_settled(self) -> bool:
        try:
            with self.product.connect() as connection:
                row = connection.execute(UNSETTLED, [GATEWAY]).fetchone()
            wanted = self._wanted()
        except psycopg.Error:
            return False
        return row == (0,) and all(
            is_live and self._answer(name.removeprefix("dev/")) == number
            for name, (_version, number, is_live) in wanted.items()
        )

    def _standing(self) -> Any:
        try:
            return self._wanted()
        except psycopg.Error as error:
            return error

    def _wanted(self) -> dict[str, tuple[int, int, bool]]:
        with self.product.connect() as connection:
            rows = connection.execute(WANTED, [GATEWAY]).fetchall()
        return {name: (version, number, is_live) for name, version, number, is_live in rows}

    def _ask_gateway(self, query: str) -> list[tuple[Any, ...]]:
        with self.product.connect() as connection:
            row = connection.execute("SELECT id FROM gateways_functiongateway WHERE name = %s", [GATEWAY]).fetchone()
        assert row is not None
        url = make_conninfo(EmbeddedPostgres(self.product.state / "postgres").url(), dbname=name_of(row[0]))
        with psycopg.connect(url, autocommit=True) as there:
            return there.execute(query).fetchall()

    def _answer(self, name: str) -> int | None:
        """The number that its code has; None: it answers something else."""
        connection = http.client.HTTPConnection("127.0.0.1", self.product.gateway_port, timeout=5)
        try:
            connection.request("GET", f"/{name}", headers={"Host": f"{GATEWAY}.dev.localhost"})
            response = connection.getresponse()
            content = response.read()
            return int(json.loads(content)["number"]) if response.status == http.HTTPStatus.OK else None
        except (OSError, ValueError, http.client.HTTPException):
            return None
        finally:
            connection.close()

    def _wish(self, verb: str) -> None:
        path = f"/chaos/gateway/{GATEWAY}/{verb}?layout=prod-apart"
        wait_until(lambda: self._post(path), within=stretched(60), what=f"{verb} taken")

    def _post(self, path: str) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.product.port, timeout=TIMEOUT)
        try:
            connection.request("POST", path.format(GATEWAY))
            return connection.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def _log(self) -> str:
        return self.product.log()[-6000:]
