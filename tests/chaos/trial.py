"""Rounds of killing: some victims at once, then all must be well again, and at the end the books must balance."""

import random
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from apps.core.up.trees import is_alive
from tests.chaos.writer import Writer
from tests.faults.product import HEAL_WITHIN, Product, stretched, wait_until

PARTS = ("web", "live", "worker", "agents", "agent", "postgres")
TABLES = """
CREATE TABLE IF NOT EXISTS chaos_write (number bigint PRIMARY KEY);
CREATE TABLE IF NOT EXISTS chaos_done (number bigint NOT NULL, at timestamptz NOT NULL DEFAULT clock_timestamp());
"""


@dataclass
class Result:
    acknowledged: int
    done: int
    heal_seconds: list[float] = field(default_factory=list)

    def told(self) -> str:
        late = sum(seconds > HEAL_WITHIN for seconds in self.heal_seconds)
        busy = f"; {late} took longer than {HEAL_WITHIN:.0f} s, on a machine with other work" if late else ""
        return (
            f"{len(self.heal_seconds)} rounds; healed within {statistics.median(self.heal_seconds):.1f} s (median), "
            f"{max(self.heal_seconds):.1f} s (longest){busy}; {self.acknowledged} acknowledged writes and none lost, "
            f"{self.done} tasks and each done once"
        )


class Trial:
    def __init__(self, product: Product, *, seed: int, say: Callable[[str], None]) -> None:
        self.product = product
        self.random = random.Random(seed)
        self.say = say
        self.writer = Writer(product.port, random.Random(seed + 1))

    def run(self, rounds: int) -> Result:
        with self.product.connect() as connection:
            connection.execute(TABLES)
        self.writer.start()
        result = Result(0, 0)
        for number in range(1, rounds + 1):
            result.heal_seconds.append(self._round(number))
        self.writer.end()
        self._settle()
        result.acknowledged, result.done = self._balance()
        return result

    def _round(self, number: int) -> float:
        busy = self.random.random() < 0.7
        if busy:
            self.writer.resume()
            before = len(self.writer.acknowledged)
            wait_until(
                lambda: len(self.writer.acknowledged) > before + 5, within=stretched(10), what="writes before the kill"
            )
        else:
            self.writer.pause()
            self._settle()
        time.sleep(self.random.uniform(0, 0.3))
        parts = self._choose()
        victims = {part: self._victims(part) for part in parts}
        self.product.kill(pid for pids in victims.values() for pid in pids)
        killed = time.monotonic()
        for part in parts:
            self.product.note_death(part)
        self._heal(set().union(*victims.values()))
        seconds = time.monotonic() - killed
        self.product.assert_no_orphans()
        told = ", ".join(f"{part} {sorted(pids)}" for part, pids in victims.items())
        self.say(f"{number:>3}  {'busy' if busy else 'idle'}  healed in {seconds:4.1f} s  killed {told}")
        return seconds

    def _choose(self) -> list[str]:
        """One part, or several at once; never so often that its supervisor rightly gives up."""
        while True:
            able = [part for part in PARTS if self.product.may_die(part)]
            if able:
                return self.random.sample(able, k=min(len(able), self.random.choice((1, 1, 1, 2, 3, 4))))
            time.sleep(0.5)

    def _victims(self, part: str) -> set[int]:
        """The part's main process, one below it, or all of it."""
        everything = self.product.processes_of(part)
        main = self.product.part_pid(part)
        assert main is not None, f"{part} doesn't run\n{self.product.log()[-3000:]}"
        below = sorted(everything - {main})
        how = self.random.choice(("main", "below", "all"))
        if how == "below" and below:
            return {self.random.choice(below)}
        return everything if how == "all" else {main}

    def _heal(self, killed: set[int]) -> None:
        """All parts healthy, a new write accepted, and a new task done, in the time there is for all of it."""
        limit = stretched(HEAL_WITHIN)
        began = time.monotonic()
        wait_until(lambda: not any(is_alive(pid) for pid in killed), within=limit, what="the victims' death")
        healthy = self.product.wait_until_healthy()
        accepted = wait_until(self.writer.write, within=limit, what="a write accepted")
        number = max(self.writer.acknowledged)
        done = wait_until(lambda: self._is_done(number), within=limit, what="its task done")
        took = time.monotonic() - began
        assert took < limit, (
            f"healed only after {took:.1f} s of {limit:.0f}: healthy {healthy:.1f}, write {accepted:.1f}, "
            f"task {done:.1f}; killed {sorted(killed)}\n{self.product.log()[-12000:]}"
        )

    def _is_done(self, number: int) -> bool:
        with self.product.connect() as connection:
            return bool(connection.execute("SELECT 1 FROM chaos_done WHERE number = %s", [number]).fetchone())

    def _settle(self) -> None:
        """No task of ours is left in the queue."""

        def is_empty() -> bool:
            with self.product.connect() as connection:
                row = connection.execute(
                    "SELECT count(*) FROM core_queuedtask WHERE function = 'tests.chaos.tasks.finish'"
                ).fetchone()
            return row == (0,)

        wait_until(is_empty, within=stretched(30), what="the queue empty")

    def _balance(self) -> tuple[int, int]:
        """Every acknowledged write is there, every write's task was done once, and none without its write."""
        with self.product.connect() as connection:
            written = {number for (number,) in connection.execute("SELECT number FROM chaos_write")}
            done = [number for (number,) in connection.execute("SELECT number FROM chaos_done")]
        lost = self.writer.acknowledged - written
        assert not lost, f"acknowledged writes that are gone: {sorted(lost)[:20]}"
        undone = written - set(done)
        assert not undone, f"tasks that never ran: {sorted(undone)[:20]}"
        assert len(done) == len(set(done)), "tasks that ran again after they were done"
        assert set(done) <= written, "tasks of transactions that never were"
        return len(self.writer.acknowledged), len(done)
