from dataclasses import dataclass
from typing import Literal

# How long an answer to a save waits for the runtimes to say that they have it, in seconds. What comes later, a page
# hears by an event
ANSWERED_WITHIN = 1.0
State = Literal["live", "publishing", "waiting", "failed"]


@dataclass(frozen=True)
class Live:
    """How far what is wanted of a function has come: every runtime of its stage has it, or why not."""

    state: State
    # From the save to the last runtime's answer; None: nobody was there to measure it
    ms: float | None = None
    compile_ms: float | None = None
    store_ms: float | None = None
    load_ms: float | None = None
    error: str = ""
