"""What an app declares of its rows: how to find the next move."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Generic, TypeVar

from apps.core.lifecycle.models import Living

Row = TypeVar("Row", bound=Living)

# A step ends by itself before its task is ended, and that before another may take the row; checks.py proves it
STEP_TIMEOUT = timedelta(seconds=8)
# How long one task goes on beginning moves before it lets others have the worker
TURN = timedelta(seconds=2)
TASK_TIMEOUT = timedelta(seconds=10)
LEASE = timedelta(seconds=15)


class Retry(Exception):
    """Not yet. `because` is English for gettext, with its parts given by name; without `after` the wait grows."""

    shortest = timedelta(seconds=0.2)

    def __init__(self, because: str, *, after: timedelta | None = None, **parts: Any) -> None:
        self.because, self.after, self.parts = because, after, parts
        super().__init__(because % parts if parts else because)


class Awaited(Retry):
    """Not yet, and whoever it waits for tells it by a nudge. It looks by itself in case that gets lost, and not so
    often that many that wait keep the workers from those that needn't."""

    shortest = timedelta(seconds=3)


class Stop(Exception):
    """Never, unless somebody changes something: it isn't tried again until it's woken."""

    def __init__(self, because: str, **parts: Any) -> None:
        self.because, self.parts = because, parts
        super().__init__(because % parts if parts else because)


def nothing(row: Living) -> None:
    """The act of a move that only changes the phase."""


def no_more(row: Living) -> Mapping[str, Any]:
    return {}


@dataclass(frozen=True)
class Move(Generic[Row]):
    """One thing to try, and where the row stands once it's done.

    `act` observes, and does what is missing; it runs outside of any transaction and may run twice, also at the same
    time where a worker was held up for longer than its lease (`holding.py`). It raises Retry or Stop, or anything
    else when it fails. `then` gives further columns, from the row as it is at the commit.
    """

    phase: str
    checkpoint: str = ""
    step: str = ""
    act: Callable[[Row], None] = nothing
    then: Callable[[Row], Mapping[str, Any]] = no_more


@dataclass(frozen=True)
class Machine(Generic[Row]):
    """`decide` gives the next move of a row, or None where it's at rest. It looks at the row alone.

    `changed` and `moved` are told in the transaction that wrote the row: of every change, for pages that show it, and
    of those that brought it further, for who waits for it. Children lock before parents: `moved` may nudge a parent,
    never a child.
    """

    name: str
    model: type[Row]
    decide: Callable[[Row], Move[Row] | None]
    changed: Callable[[Row], None] = field(default=nothing)
    moved: Callable[[Row], None] = field(default=nothing)
    lease: timedelta = LEASE


_machines: dict[str, Machine[Any]] = {}


def register_machine(machine: Machine[Any]) -> None:
    """In the app's ready()."""
    _machines[machine.name] = machine


def machine_named(name: str) -> Machine[Any]:
    return _machines[name]


def all_machines() -> list[Machine[Any]]:
    return list(_machines.values())
