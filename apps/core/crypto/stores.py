"""Everything that is sealed, wherever it lies, so that a new key can be brought to all of it.

Every SecretField is found by itself. What lies elsewhere, such as in a JSON column of a library, is registered.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from django.apps import apps

from apps.core.crypto.envelope import Context, Sealed, current_header
from apps.core.crypto.fields import SecretField


@dataclass(frozen=True)
class SealedValue:
    """One value where it lies: `place` is for people, `handle` for the store that gave it."""

    place: str
    handle: Any
    data: bytes
    context: Context


class SealedStore(Protocol):
    name: str

    def values(self, *, only_stale: bool, batch_size: int) -> Iterator[SealedValue]:
        """Every value, or those that aren't under the current key; read in batches, each a short statement."""

    def replace(self, value: SealedValue, new: bytes) -> bool:
        """Put `new` where `value` was, if it's still that one."""


class FieldStore:
    def __init__(self, field: SecretField) -> None:
        self.field = field
        self.name = f"{field.model._meta.label}.{field.name}"

    def values(self, *, only_stale: bool, batch_size: int) -> Iterator[SealedValue]:
        column, last = self.field.attname, None
        rows = self.field.model._base_manager.filter(**{f"{column}__isnull": False}).order_by("pk")
        if only_stale:
            quoted = f'"{self.field.model._meta.db_table}"."{self.field.column}"'
            header = current_header()
            # Only what begins otherwise, so that a run that was interrupted goes on where it stopped
            rows = rows.extra(where=[f"substring({quoted} FROM 1 FOR {len(header)}) <> %s"], params=[header])  # noqa: S610
        while batch := list(rows.filter(**({"pk__gt": last} if last else {})).values_list("pk", column)[:batch_size]):
            for pk, sealed in batch:
                context = self.field.context_of_row(pk)
                yield SealedValue(f"{self.name} of {pk}", pk, sealed.data, context)
            last = batch[-1][0]

    def replace(self, value: SealedValue, new: bytes) -> bool:
        column = self.field.attname
        rows = self.field.model._base_manager.filter(pk=value.handle)
        unchanged = rows.extra(where=[f'"{self.field.column}" = %s'], params=[value.data])  # noqa: S610
        return bool(unchanged.update(**{column: Sealed(new)}))


_registered: dict[str, SealedStore] = {}


def register_store(store: SealedStore) -> None:
    """Declare what is sealed outside of a SecretField; called when the app gets ready."""
    _registered[store.name] = store


def all_stores() -> list[SealedStore]:
    fields = [field for model in apps.get_models() for field in model._meta.local_fields]
    found: list[SealedStore] = [FieldStore(field) for field in fields if isinstance(field, SecretField)]
    return [*found, *_registered.values()]
