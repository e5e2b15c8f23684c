"""A call that works, for a gateway's first page. Who keeps functions says which:

register_example(example_of)
"""

from collections.abc import Callable
from dataclasses import dataclass

from apps.gateways.models import FunctionGateway


@dataclass(frozen=True)
class Example:
    """`path` as a caller writes it."""

    stage: str
    method: str
    path: str


Chooser = Callable[[FunctionGateway], Example | None]

_choosers: list[Chooser] = []


def register_example(chooser: Chooser) -> None:
    _choosers[:] = [chooser]


def example_of(gateway: FunctionGateway) -> Example | None:
    """None where there is nothing to call yet."""
    return _choosers[0](gateway) if _choosers else None
