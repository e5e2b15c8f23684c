"""How long a save took on its way, for whoever waits for it in the thread that it was made in."""

import threading
import time
from collections import OrderedDict
from dataclasses import dataclass

# Most saves are waited for; of those that nobody waits for, the oldest are forgotten
MOST_KEPT = 32


@dataclass
class Timing:
    compile_ms: float
    began: float
    store_ms: float | None = None
    # Under which the gateway's database has this version; 0: nobody has told it in this thread
    revision: int = 0

    @property
    def ms(self) -> float:
        return self.compile_ms + (time.perf_counter() - self.began) * 1000


class _Kept(threading.local):
    def __init__(self) -> None:
        self.compile_ms = 0.0
        self.timings: OrderedDict[tuple[str, int], Timing] = OrderedDict()


_kept = _Kept()


def note_compiled(ms: float) -> None:
    """For the version that is going to be made of it."""
    _kept.compile_ms = ms


def begin(function_id: str, version: int) -> None:
    _kept.timings[function_id, version] = Timing(_kept.compile_ms, time.perf_counter())
    _kept.compile_ms = 0.0
    if len(_kept.timings) > MOST_KEPT:
        _kept.timings.popitem(last=False)


def note_stored(function_id: str, version: int, revision: int) -> None:
    if timing := _kept.timings.get((function_id, version)):
        timing.revision = revision
        timing.store_ms = (time.perf_counter() - timing.began) * 1000


def timing_of(function_id: str, version: int) -> Timing | None:
    """Once."""
    return _kept.timings.pop((function_id, version), None)
