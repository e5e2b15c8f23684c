"""What the agent asks of an applier, and what it's told."""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol


class Phase(StrEnum):
    APPLYING = "applying"
    APPLIED = "applied"
    READY = "ready"
    FAILED = "failed"
    PRUNED = "pruned"


class InvalidBundle(ValueError):
    """Its manifests can't be read, or aren't those of its digest."""


@dataclass(frozen=True)
class Wanted:
    """A bundle as the portal wants it."""

    key: str
    digest: str
    manifests: bytes = field(repr=False)

    def check(self) -> None:
        if hashlib.sha256(self.manifests).hexdigest() != self.digest:
            raise InvalidBundle(f"{self.key}: its content isn't that of its digest.")


@dataclass(frozen=True)
class ObjectStatus:
    api_version: str
    kind: str
    namespace: str
    name: str
    message: str = ""
    conditions: Sequence[tuple[str, bool, str]] = ()


@dataclass(frozen=True)
class Status:
    """How far a bundle is. `message` is for people."""

    phase: Phase
    message: str = ""
    objects: tuple[ObjectStatus, ...] = ()


Report = Callable[[str, str, Status], None]


class Applier(Protocol):
    """All of it runs in the agent's loop; what takes time is done behind it, and reported."""

    async def start(self, report: Report, bundles: Iterable[Wanted]) -> None:
        """With what was wanted when the agent last ran: it's brought about again, without the portal."""
        ...

    async def stop(self) -> None: ...

    def apply(self, bundle: Wanted) -> None: ...

    def remove(self, key: str) -> None:
        """Reports PRUNED once nothing of it is left, also where nothing was."""
        ...

    def renew(self) -> None:
        """What stands in the way of calls is replaced by another of its kind, and no call notices."""
        ...

    def facts(self) -> dict[str, str]:
        """What only it knows of the place."""
        ...
