"""A lease: the right of one worker to act on one row for a while, kept in the row itself.

Taking it raises `fence`, by compare-and-swap. What the holder writes holds only while the fence is still its own,
so one that was slow, and whose lease another has taken meanwhile, changes nothing. No transaction is open while it
acts:

    if lease := acquire(Gateway.objects.filter(due_at__lte=now()), gateway_id):
        act_slowly()
        with lease.commit(phase="ready"):
            record(...)
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import models, transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from apps.core.clock import now


class LeaseLost(Exception):
    """Another holder has taken the row, or it is gone; nothing of this write has happened."""


class Leased(models.Model):
    """The columns of a lease. `fence` counts the holders and never goes back."""

    leased_until = models.DateTimeField(_("leased until"), null=True, editable=False)
    fence = models.PositiveBigIntegerField(default=0, editable=False)
    # Who has it, or had it last, as far as they said so
    leased_by = models.CharField(max_length=200, blank=True, editable=False)

    class Meta:
        abstract = True


@dataclass(frozen=True)
class Lease:
    model: type[Leased]
    pk: Any
    fence: int

    def renew(self, duration: timedelta | None = None) -> None:
        """Hold it for longer; LeaseLost when it is no longer held."""
        self._write(leased_until=_until(duration))

    def save(self, **values: Any) -> None:
        """Write to the row and keep the lease."""
        self._write(**values)

    def release(self, **values: Any) -> None:
        """Write to the row and let others take it."""
        self._write(leased_until=None, **values)

    @contextmanager
    def commit(self, **values: Any) -> Iterator[None]:
        """Release, with everything that happens inside in the same transaction: all of it, or LeaseLost and nothing.

        The row is written first, so nobody can take the lease before the end of the transaction.
        """
        with transaction.atomic():
            self.release(**values)
            yield

    def _write(self, **values: Any) -> None:
        mine = self.model._default_manager.filter(pk=self.pk, fence=self.fence, leased_until__isnull=False)
        if not mine.update(**values):
            raise LeaseLost(f"The lease on {self.model._meta.label} {self.pk} has another holder.")


def acquire(
    rows: QuerySet[Any], pk: Any, *, duration: timedelta | None = None, holder: str = "", **values: Any
) -> Lease | None:
    """Take the lease on that row, and write `values` with it; None when it is held or not among `rows`."""
    free = rows.filter(Q(leased_until=None) | Q(leased_until__lte=now()), pk=pk)
    fence = free.values_list("fence", flat=True).first()
    if fence is None:
        return None
    taken = free.filter(fence=fence).update(fence=fence + 1, leased_until=_until(duration), leased_by=holder, **values)
    return Lease(rows.model, pk, fence + 1) if taken else None


def _until(duration: timedelta | None) -> Any:
    return now() + (duration or settings.LEASE)
