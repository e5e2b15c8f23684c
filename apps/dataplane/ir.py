"""What is wanted of calls. Frozen values that check themselves: a `RouteTable` that exists can be rendered.

Policies have their place on `Route` and on `VirtualHost`; there are none yet.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

HOST = re.compile(r"(?=.{1,253}\Z)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+(?=.*[a-z])[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
PATH = re.compile(r"(/[A-Za-z0-9._~!$&'()*+,;=:@%-]*)+")
SLUG = re.compile(r"[a-z][a-z-]{0,60}")
LONGEST_NAME, LONGEST_PATH, LONGEST_TITLE, LONGEST_DETAIL = 200, 1000, 100, 500


class Ability(StrEnum):
    """What not every kind of gateway can do. The value is what people are told that it can't."""

    ANSWER = "answer calls by itself"
    ADD_PREFIX = "put something before the path"


# Where it's needed, in the words of the table
Need = tuple[Ability, str]


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
        yield from _name_problems(f"{path}.destination", self.destination)
        if self.add_prefix:
            yield from _path_problems(f"{path}.add_prefix", self.add_prefix)
        if self.add_prefix.endswith("/"):
            yield Invalid(f"{path}.add_prefix", "It ends with a slash, and the path after it begins with one.")

    def needs(self, path: str) -> Iterator[Need]:
        if self.add_prefix:
            yield Ability.ADD_PREFIX, path


@dataclass(frozen=True)
class Answer:
    """By the gateway itself: a problem that says why nobody else does."""

    status: int
    slug: str
    title: str
    detail: str

    def problems(self, path: str) -> Iterator[Invalid]:
        if not 400 <= self.status <= 599:
            yield Invalid(f"{path}.status", f"{self.status} is no status of a problem.")
        if not SLUG.fullmatch(self.slug):
            yield Invalid(f"{path}.slug", f"{self.slug!r} is no problem's type.")
        yield from _text_problems(f"{path}.title", self.title, LONGEST_TITLE)
        yield from _text_problems(f"{path}.detail", self.detail, LONGEST_DETAIL)

    def needs(self, path: str) -> Iterator[Need]:
        yield Ability.ANSWER, path


@dataclass(frozen=True)
class Route:
    """Calls whose path begins with `prefix`. The first that fits takes the call."""

    name: str
    action: Forward | Answer
    prefix: str = "/"

    def problems(self, path: str) -> Iterator[Invalid]:
        yield from _name_problems(f"{path}.name", self.name)
        yield from _path_problems(f"{path}.prefix", self.prefix)
        yield from self.action.problems(f"{path}.action")


@dataclass(frozen=True)
class VirtualHost:
    name: str
    hosts: tuple[str, ...]
    routes: tuple[Route, ...]

    def problems(self, path: str) -> Iterator[Invalid]:
        yield from _name_problems(f"{path}.name", self.name)
        if not self.hosts:
            yield Invalid(f"{path}.hosts", "It needs a host name.")
        for index, host in enumerate(self.hosts):
            yield from _host_problems(f"{path}.hosts[{index}]", host)
        if not self.routes:
            yield Invalid(f"{path}.routes", "It needs a route.")
        for index, route in enumerate(self.routes):
            yield from route.problems(f"{path}.routes[{index}]")
            for earlier in self.routes[:index]:
                if route.name == earlier.name:
                    yield Invalid(f"{path}.routes[{index}].name", f"{route.name!r} is another route's name.")
                if route.prefix.startswith(earlier.prefix):
                    text = f"No call comes here: {earlier.name!r} before it takes all of {earlier.prefix!r}."
                    yield Invalid(f"{path}.routes[{index}].prefix", text)


@dataclass(frozen=True)
class RouteTable:
    """All routes of one owner. A bad one is refused alone, without harm to others."""

    name: str
    virtual_hosts: tuple[VirtualHost, ...]

    def __post_init__(self) -> None:
        if found := list(self.problems()):
            raise InvalidRoutes(found)

    def problems(self) -> Iterator[Invalid]:
        yield from _name_problems("name", self.name)
        owners: dict[str, str] = {}
        names: set[str] = set()
        for index, host in enumerate(self.virtual_hosts):
            path = f"virtual_hosts[{index}]"
            yield from host.problems(path)
            if host.name in names:
                yield Invalid(f"{path}.name", f"{host.name!r} is another virtual host's name.")
            names.add(host.name)
            for position, name in enumerate(host.hosts):
                place = f"{path}.hosts[{position}]"
                if owners.setdefault(name, place) != place:
                    yield Invalid(place, f"{name!r} is {owners[name]} already.")

    def needs(self) -> Iterator[Need]:
        """What a gateway must be able to do to serve it."""
        for host in self.virtual_hosts:
            for route in host.routes:
                yield from route.action.needs(f"{host.name}/{route.name}")


def _host_problems(path: str, host: str) -> Iterator[Invalid]:
    if HOST.fullmatch(host):
        return
    if not host.isascii():
        yield Invalid(path, f"{host!r} has letters beyond ASCII: write it as browsers do, with xn--.")
    elif host != host.lower():
        yield Invalid(path, f"{host!r} has capital letters: write {host.lower()!r}.")
    elif len(host) > 253 or any(len(label) > 63 for label in host.split(".")):
        yield Invalid(path, f"{_shortened(host)!r} is too long: 253 characters, and 63 between two dots.")
    else:
        yield Invalid(path, f"{_shortened(host)!r} is no host name.")


def _path_problems(path: str, text: str) -> Iterator[Invalid]:
    if not text.startswith("/"):
        yield Invalid(path, f"{_shortened(text)!r} doesn't begin with a slash.")
    elif len(text) > LONGEST_PATH:
        yield Invalid(path, f"{_shortened(text)!r} is too long: {LONGEST_PATH} characters.")
    elif not PATH.fullmatch(text):
        yield Invalid(path, f"{_shortened(text)!r} has characters that no path has.")
    # Paths come here in order, with neither of them in
    elif "//" in text or {".", ".."} & set(text.split("/")):
        yield Invalid(path, f"{_shortened(text)!r} has parts that are taken out of every path before it's looked at.")


def _name_problems(path: str, text: str) -> Iterator[Invalid]:
    if not text:
        yield Invalid(path, "It needs a name.")
    yield from _text_problems(path, text, LONGEST_NAME)


def _text_problems(path: str, text: str, longest: int) -> Iterator[Invalid]:
    if len(text) > longest:
        yield Invalid(path, f"{_shortened(text)!r} is too long: {longest} characters.")
    if any("\ud800" <= character <= "\udfff" for character in text):
        yield Invalid(path, f"{_shortened(text)!r} has half a character.")


def _shortened(text: str) -> str:
    return f"{text[:60]}…" if len(text) > 61 else text
