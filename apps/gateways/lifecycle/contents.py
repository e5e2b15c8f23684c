"""What other apps keep in gateways' own databases, brought up to date before processes start and read it.

    register_contents(publish_all)

`fill(gateway)` observes and acts like any step: it may run twice.
"""

from collections.abc import Callable

from apps.gateways.models import FunctionGateway

Fill = Callable[[FunctionGateway], None]

_fillers: list[Fill] = []


def register_contents(fill: Fill) -> None:
    _fillers.append(fill)


def fill_contents(gateway: FunctionGateway) -> None:
    for fill in _fillers:
        fill(gateway)
