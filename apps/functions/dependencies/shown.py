"""What a gateway's packages are, as its page and its API tell it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext_lazy as _

from apps.core.errors import Text
from apps.functions.dependencies.refusing import told
from apps.functions.dependencies.services import UNDER_WAY, is_abandoned
from apps.functions.models import Dependencies

STEPS: dict[str, Text] = {
    "": _("Waiting for a worker"),
    "fetching": _("Fetching packages from the registry"),
    "bundling": _("Bundling them for the runtime"),
    "compiling": _("Compiling the functions that use them"),
}
KB = 1024


@dataclass(frozen=True)
class ShownPackage:
    """One that was asked for, with all that it brings."""

    name: str
    version: str
    size: int
    license: str
    integrity: str
    exports: Sequence[str]
    has_types: bool
    brings: Sequence[dict[str, Any]] = field(default=())

    @property
    def whole_size(self) -> int:
        return self.size + sum(int(each["size"]) for each in self.brings)


def is_under_way(row: Dependencies) -> bool:
    return row.state in UNDER_WAY and not is_abandoned(row)


def because_of(row: Dependencies) -> str:
    return told(row.because, row.because_of) if row.state == Dependencies.State.FAILED else ""


def packages_of_lock(row: Dependencies) -> list[dict[str, Any]]:
    return list(row.lock.packages) if row.lock else []


def shown_packages(row: Dependencies, query: str = "") -> list[ShownPackage]:
    """Those that were asked for; with a query, where they or what they bring have it in their name."""
    packages = packages_of_lock(row)
    needed: dict[str, list[dict[str, Any]]] = {}
    for each in packages:
        for by in each["needed_by"]:
            needed.setdefault(by, []).append(each)
    found = [_shown(each, needed) for each in packages if each["is_direct"]]
    wanted = query.strip().lower()
    return [each for each in found if wanted in each.name or any(wanted in other["name"] for other in each.brings)]


def _shown(package: dict[str, Any], needed: dict[str, list[dict[str, Any]]]) -> ShownPackage:
    brought: dict[str, dict[str, Any]] = {}
    waiting = [_key(package)]
    while waiting:
        for each in needed.get(waiting.pop(), ()):
            if _key(each) not in brought and _key(each) != _key(package):
                brought[_key(each)] = each
                waiting.append(_key(each))
    return ShownPackage(
        package["name"],
        package["version"],
        package["size"],
        package["license"],
        package["integrity"],
        package["exports"],
        package["has_types"],
        [brought[key] for key in sorted(brought)],
    )


def _key(package: dict[str, Any]) -> str:
    return f"{package['name']}@{package['version']}"
