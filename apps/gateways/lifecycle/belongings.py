"""What other apps keep in a gateway, and how it's removed with it: kinds yet to come plug in here.

    register_belonging("functions", remove_functions)

`remove(gateway)` observes and acts like any step: it may run twice, and raises Retry while something is left.
"""

from collections.abc import Callable

from apps.gateways.models import FunctionGateway

Remove = Callable[[FunctionGateway], None]

# In the order in which they go: what starts calls before what is called
KINDS = ("triggers", "functions")
_removers: dict[str, Remove] = {}


def register_belonging(kind: str, remove: Remove) -> None:
    if kind not in KINDS:
        raise ValueError(f"{kind!r} has no place in the order of deletion; add it to KINDS.")
    _removers[kind] = remove


def remove_belongings(gateway: FunctionGateway, kind: str) -> None:
    if remove := _removers.get(kind):
        remove(gateway)
