"""What is wanted of calls. Frozen values that check themselves: a `RouteTable` that exists can be rendered.

Policies have their place on `Route` and on `VirtualHost`; there are none yet.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

HOST = re.compile(r"(?=.{1,253}\Z)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)+")


@dataclass(frozen=True)
class Invalid:
    """One thing that is wrong, and where."""

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}"


class InvalidRoutes(ValueError):
    """All that is wrong, not only the first of it."""

    def __init__(self, found: list[Invalid]) -> None:
        self.found = found
        super().__init__("; ".join(map(str, found)))


@dataclass(frozen=True)
class Forward:
    """On to whoever answers; the path gets a prefix there."""

    destination: str
    add_prefix: str = ""

    def problems(self, path: str) -> Iterator[Invalid]:
        if not self.destination:
            yield Invalid(f"{path}.destination", "There is nobody to forward to.")
        if self.add_prefix and not self.add_prefix.startswith("/"):
            yield Invalid(f"{path}.add_prefix", f"{self.add_prefix!r} doesn't begin with a slash.")


@dataclass(frozen=True)
class Answer:
    """By the gateway itself: a problem that says why nobody else does."""

    status: int
    slug: str
    title: str
    detail: str

    def problems(self, path: str) -> Iterator[Invalid]:
        if not 200 <= self.status <= 599:
            yield Invalid(f"{path}.status", f"{self.status} is no status of an answer.")


@dataclass(frozen=True)
class Route:
    """Calls whose path begins with `prefix`. The first that fits takes the call."""

    name: str
    action: Forward | Answer
    prefix: str = "/"

    def problems(self, path: str) -> Iterator[Invalid]:
        if not self.prefix.startswith("/"):
            yield Invalid(f"{path}.prefix", f"{self.prefix!r} doesn't begin with a slash.")
        yield from self.action.problems(f"{path}.action")


@dataclass(frozen=True)
class VirtualHost:
    name: str
    hosts: tuple[str, ...]
    routes: tuple[Route, ...]

    def problems(self, path: str) -> Iterator[Invalid]:
        if not self.hosts:
            yield Invalid(f"{path}.hosts", "It needs a host name.")
        for index, host in enumerate(self.hosts):
            if not HOST.fullmatch(host):
                yield Invalid(f"{path}.hosts[{index}]", f"{host!r} is no host name in lower case.")
        if not self.routes:
            yield Invalid(f"{path}.routes", "It needs a route.")
        for index, route in enumerate(self.routes):
            yield from route.problems(f"{path}.routes[{index}]")


@dataclass(frozen=True)
class RouteTable:
    """All routes of one owner. A bad one is refused alone, without harm to others."""

    name: str
    virtual_hosts: tuple[VirtualHost, ...]

    def __post_init__(self) -> None:
        if found := list(self.problems()):
            raise InvalidRoutes(found)

    def problems(self) -> Iterator[Invalid]:
        if not self.name:
            yield Invalid("name", "It needs a name.")
        owners: dict[str, str] = {}
        for index, host in enumerate(self.virtual_hosts):
            path = f"virtual_hosts[{index}]"
            yield from host.problems(path)
            for name in host.hosts:
                if owners.setdefault(name, path) != path:
                    yield Invalid(f"{path}.hosts", f"{name!r} belongs to {owners[name]} already.")
