"""One for each kind of gateway. Each declares what its kind can do, and refuses by name what it can't."""

from collections.abc import Collection

from apps.dataplane.ir import Ability, RouteTable


class Unable(ValueError):
    """This kind of gateway can't do what is wanted. Nothing of it is left out silently."""

    def __init__(self, kind: str, lacking: dict[Ability, list[str]]) -> None:
        self.kind = kind
        self.lacking = lacking
        said = (f"{kind} can't {ability}, as {', '.join(places)} would need" for ability, places in lacking.items())
        super().__init__("; ".join(said))


def refuse_what_it_cannot(table: RouteTable, *, kind: str, can: Collection[Ability]) -> None:
    lacking: dict[Ability, list[str]] = {}
    for ability, place in table.needs():
        if ability not in can:
            lacking.setdefault(ability, []).append(place)
    if lacking:
        raise Unable(kind, lacking)
