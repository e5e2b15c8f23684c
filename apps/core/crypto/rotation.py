"""Brings every sealed value under the current key. Runs beside writers, can be stopped and run again."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from apps.core.crypto.envelope import key_id_of, open_sealed, rewrap
from apps.core.crypto.errors import CantOpen
from apps.core.crypto.keys import keyring
from apps.core.crypto.stores import SealedStore, SealedValue, all_stores

BATCH = 500


@dataclass
class Report:
    """What was found in one store."""

    store: str
    rewrapped: int = 0
    by_key: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)

    @property
    def is_current(self) -> bool:
        return not self.failures and set(self.by_key) <= {keyring().current_id}


def reencrypt(*, batch_size: int = BATCH) -> Iterator[Report]:
    """Wrap every data key anew that isn't under the current key. What was written meanwhile is left alone.

    A value that changes between reading and writing is under the current key already: whoever writes, seals with it.
    """
    for store in all_stores():
        report = Report(store.name)
        for value in store.values(only_stale=True, batch_size=batch_size):
            _rewrap_one(store, value, report)
        yield report


def check(*, batch_size: int = BATCH) -> Iterator[Report]:
    """Open every value and count them by key; changes nothing."""
    for store in all_stores():
        report = Report(store.name)
        for value in store.values(only_stale=False, batch_size=batch_size):
            try:
                open_sealed(value.data, context=value.context)
                report.by_key[key_id_of(value.data)] += 1
            except CantOpen as error:
                report.failures.append(f"{value.place}: {error}")
        yield report


def _rewrap_one(store: SealedStore, value: SealedValue, report: Report) -> None:
    try:
        new = rewrap(value.data, context=value.context)
    except CantOpen as error:
        report.failures.append(f"{value.place}: {error}")
        return
    if store.replace(value, new):
        report.rewrapped += 1
