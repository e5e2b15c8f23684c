"""What runs beside the workers, in a process of its own in each worker's main process, such as a clock of some kind.

    register_companion("triggers", tick)

It's forked, so it costs little; it's started again when it ends, and ended when it stands still.
"""

from collections.abc import Callable

from apps.core.queue.worker import Slot

# Its slot says until when it must have turned again (time.monotonic); 0: it needn't
Run = Callable[[Slot], None]
_companions: dict[str, Run] = {}


def register_companion(title: str, run: Run) -> None:
    """`run` works until SIGTERM."""
    _companions[title] = run


def all_companions() -> dict[str, Run]:
    return dict(_companions)
