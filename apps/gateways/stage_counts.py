"""How many functions each stage of a gateway has, for its first page. Who keeps them says so:

register_counter(count_in_stages)
"""

from collections.abc import Callable, Mapping

from apps.gateways.models import FunctionGateway

Counter = Callable[[FunctionGateway], Mapping[str, int]]

_counters: list[Counter] = []


def register_counter(counter: Counter) -> None:
    _counters[:] = [counter]


def functions_in_stages(gateway: FunctionGateway) -> Mapping[str, int]:
    """By the stage's name; one without any isn't there."""
    return _counters[0](gateway) if _counters else {}
