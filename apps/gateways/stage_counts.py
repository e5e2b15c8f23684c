"""How many functions each stage of a gateway has, for its first page. Who keeps them says so:

register_counter(count_in_stages)
"""

from collections.abc import Callable, Mapping

from apps.gateways.models import FunctionGateway

Counter = Callable[[FunctionGateway], Mapping[str, int]]

_counters: list[Counter] = []
_KNOWN = "_functions_in_stages"


def register_counter(counter: Counter) -> None:
    _counters[:] = [counter]


def functions_in_stages(gateway: FunctionGateway) -> Mapping[str, int]:
    """By the stage's name; one without any isn't there. A page that tells it in several places asks once."""
    known: dict[str, Mapping[str, int]] = gateway.__dict__
    if _KNOWN not in known:
        known[_KNOWN] = _counters[0](gateway) if _counters else {}
    return known[_KNOWN]
