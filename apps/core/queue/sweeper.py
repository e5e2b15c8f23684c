"""Functions that run again and again: cleaning, and finding what a crash has left behind."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

Function = Callable[[], object]


@dataclass(frozen=True)
class RegisteredSweep:
    name: str
    function: Function
    every: timedelta
    timeout: timedelta


registry: dict[str, RegisteredSweep] = {}


def sweep(*, every: timedelta, timeout: timedelta = timedelta(seconds=60)) -> Callable[[Function], Function]:
    """Run this function every so often, in one worker of the whole installation, to the second.

    A run that takes longer than `timeout` is ended and recorded; the next one comes at its time.
    """

    def register(function: Function) -> Function:
        name = f"{function.__module__}.{function.__qualname__}"
        registry[name] = RegisteredSweep(name, function, every, timeout)
        return function

    return register
