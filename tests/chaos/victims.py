"""Kills at random what gateways need, for as long as it may: never so often that a supervisor rightly gives up."""

import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg

from tests.chaos.books import below_agent
from tests.faults.product import Product

# Time to heal in between, at least a little
PAUSE = (0.5, 5.0)


class Killer(threading.Thread):
    """Workers, the agent, its server, PostgreSQL; and of the agent's own, Envoy and the processes of gateways."""

    def __init__(self, product: Product, *, seed: int, say: Callable[[str], None], agent_deaths: int) -> None:
        super().__init__(daemon=True)
        self.product = product
        self.killed: Counter[str] = Counter()
        self._random = random.Random(seed)
        self._say = say
        # Each takes all processes of all gateways along, which have to be started again
        self._agent_deaths = agent_deaths
        self._ended = threading.Event()
        self._at_it = threading.Lock()

    def end(self) -> None:
        self._ended.set()
        self.join(90)
        assert not self.is_alive(), "it still kills"

    @contextmanager
    def resting(self) -> Iterator[None]:
        """Nothing more is killed inside."""
        with self._at_it:
            yield

    def run(self) -> None:
        while not self._ended.wait(self._random.uniform(*PAUSE)):
            with self._at_it:
                self._kill_one()

    def _kill_one(self) -> None:
        kinds = self.kinds()
        able = [name for name in kinds if self._may_die(name)]
        kind = self._random.choice(able) if able else ""
        pids = sorted(kinds[kind]()) if able else []
        if not pids:
            return
        pid = self._random.choice(pids)
        self.product.kill([pid])
        self.killed[kind] += 1
        self.product.note_death(kind)
        self._say(f"     killed {kind} {pid}")

    def kinds(self) -> dict[str, Callable[[], set[int]]]:
        return {
            "worker": lambda: self.product.processes_of("worker"),
            "agents": lambda: self._main_of("agents"),
            "agent": lambda: self._main_of("agent"),
            "postgres": lambda: self._main_of("postgres"),
            "envoy": lambda: self._below_agent("envoy"),
            "runtime": lambda: self._below_agent("deno"),
        }

    def _may_die(self, kind: str) -> bool:
        if kind == "agent" and self.killed["agent"] >= self._agent_deaths:
            return False
        if kind == "postgres" and not self._answers():
            # Killed in its recovery it begins that again, and never comes up where that happens often enough
            return False
        # One may die of itself on a machine with other work, such as of a start that takes too long
        return self.product.may_die(kind, spare=1)

    def _answers(self) -> bool:
        try:
            self.product.connect().close()
        except psycopg.Error:
            return False
        return True

    def _main_of(self, part: str) -> set[int]:
        pid = self.product.part_pid(part)
        return {pid} if pid else set()

    def _below_agent(self, program: str) -> set[int]:
        return below_agent(self.product, program)
