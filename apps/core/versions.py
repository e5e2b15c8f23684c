"""Rows with a version: whoever saves second, on what they read before, is refused instead of winning silently."""

from typing import Any, Never

from django.db import models
from django.db.models import F

from apps.core.errors import NotFound, StaleVersion


class Versioned(models.Model):
    """Counts its saves. Save it with `save_version`, never with `save`, once it exists."""

    version = models.PositiveIntegerField(default=1, editable=False)

    class Meta:
        abstract = True

    @property
    def etag(self) -> str:
        return f'"{self.version}"'


def save_version(row: Versioned, *changed: str) -> None:
    """Write the changed fields if the row is still the version that was read; of two at once, one gets StaleVersion.

    It compares and writes in one statement, so it holds without a lock and at every isolation level.
    """
    rows = type(row)._base_manager.filter(pk=row.pk)
    values: dict[str, Any] = {}
    for name in changed:
        field = row._meta.get_field(name)
        values[name] = field.pre_save(row, add=False)  # type: ignore[union-attr]
    for field in row._meta.concrete_fields:
        if getattr(field, "auto_now", False):
            values[field.name] = field.pre_save(row, add=False)
    if rows.filter(version=row.version).update(version=F("version") + 1, **values):
        row.version += 1
        return
    raise_stale(row)


def delete_version(row: Versioned) -> None:
    """Delete the row if it's still the version that was read, with everything that hangs on it."""
    locked = type(row)._base_manager.select_for_update().filter(pk=row.pk, version=row.version).first()
    if locked is None:
        raise_stale(row)
    locked.delete()


def raise_stale(row: Versioned) -> Never:
    current = type(row)._base_manager.filter(pk=row.pk).first()
    if current is None:
        raise NotFound
    raise StaleVersion(headers={"ETag": current.etag})
