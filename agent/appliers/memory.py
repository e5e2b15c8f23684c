"""Remembers what it's told and does nothing else: for trials of delivery alone."""

from collections.abc import Iterable

from agent.appliers.base import Phase, Report, Status, Wanted


class MemoryApplier:
    def __init__(self) -> None:
        self.bundles: dict[str, Wanted] = {}
        self._report: Report = lambda key, digest, status: None

    async def start(self, report: Report, bundles: Iterable[Wanted]) -> None:
        self._report = report
        for bundle in bundles:
            self.apply(bundle)

    async def stop(self) -> None:
        pass

    def apply(self, bundle: Wanted) -> None:
        self.bundles[bundle.key] = bundle
        self._report(bundle.key, bundle.digest, Status(Phase.READY))

    def remove(self, key: str) -> None:
        bundle = self.bundles.pop(key, None)
        self._report(key, bundle.digest if bundle else "", Status(Phase.PRUNED))

    def renew(self) -> None:
        pass

    def facts(self) -> dict[str, str]:
        return {}
