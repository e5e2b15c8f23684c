from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.agent.place import Place
from tests.escape.house import House

MakeHouse = Callable[..., House]


@pytest.fixture
def make_house(db: None, tmp_path: Path) -> Iterator[MakeHouse]:
    """Gateways of one place, up and ready; `opened`: networks that functions may connect to though they're private."""
    places: list[Place] = []
    houses: list[House] = []

    def make(name: str = "parcels", *, opened: tuple[str, ...] = (), **more: Any) -> House:
        if not places:
            places.append(Place(tmp_path, opened=opened))
        found = House(places[0], name, **more)
        houses.append(found)
        found.bring_up()
        return found

    try:
        yield make
    finally:
        # First the processes, which are connected to the databases
        for place in places:
            place.stop()
        for house in houses:
            house.leave()
