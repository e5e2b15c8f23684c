"""A position in the log of events: what had been committed at one moment, and so what is new since then.

Ids come from a sequence when a row is written, but rows appear when their transactions commit: 8 may appear after
9. "Everything above the last id" loses it. A position therefore holds what a Postgres snapshot holds, the running
transactions and the first future one, and the log asks for the rows that this snapshot couldn't see. No row is
lost, none comes twice, and no window has to be guessed.

The highest id is kept beside the snapshot for one case: after a crash, Postgres may give the number of a
transaction that left no trace to another, and the snapshot would take its rows for seen. Their ids are higher.
"""

import re
from dataclasses import dataclass

LONGEST = 4_000
_SHAPE = re.compile(r"(\d{1,12})-(\d{1,19})-(\d{1,19})-((?:\d{1,19}\.)*\d{1,19})?")
_HIGHEST = 2**63


@dataclass(frozen=True, slots=True)
class Position:
    """`at` is when it was taken, in seconds, by the database's clock."""

    at: int
    last_id: int
    next_transaction: int
    running: tuple[int, ...]

    def __str__(self) -> str:
        """Opaque to clients, who send it back as Last-Event-ID."""
        return f"{self.at}-{self.last_id}-{self.next_transaction}-{'.'.join(map(str, self.running))}"

    @classmethod
    def parse(cls, text: str) -> "Position | None":
        match = _SHAPE.fullmatch(text) if len(text) <= LONGEST else None
        if not match:
            return None
        at, last_id, next_transaction = (int(match[number]) for number in (1, 2, 3))
        running = tuple(int(number) for number in match[4].split(".")) if match[4] else ()
        if max(last_id, next_transaction, *running) >= _HIGHEST:
            return None
        return cls(at, last_id, next_transaction, running)

    @classmethod
    def from_snapshot(cls, *, at: int, last_id: int, snapshot: str) -> "Position":
        """`snapshot` as Postgres writes it: `xmin:xmax:xip,xip`."""
        _, next_transaction, running = snapshot.split(":")
        return cls(at, last_id, int(next_transaction), tuple(int(each) for each in running.split(",") if each))

    def is_after(self, other: "Position") -> bool:
        """Whether it knows of something the other can't know of: of another database, or from another process."""
        return self.last_id > other.last_id or self.next_transaction > other.next_transaction
