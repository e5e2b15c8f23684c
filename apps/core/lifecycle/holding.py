"""For steps that write into this database: a worker that was held up for longer than its lease writes nothing."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import transaction

from apps.core.leases import LeaseLost
from apps.core.lifecycle.models import Living


@contextmanager
def while_held(row: Living) -> Iterator[None]:
    """What happens inside commits only while the lease is ours under which `row` was read; else LeaseLost.

    The row is locked last, as those who bring news lock what they write before they nudge the row.
    """
    with transaction.atomic():
        yield
        require_held(row)


def require_held(row: Living) -> None:
    rows = type(row)._base_manager.filter(pk=row.pk, fence=row.fence, leased_until__isnull=False)
    if transaction.get_connection().in_atomic_block:
        rows = rows.select_for_update(no_key=True, of=("self",))
    if not rows.values_list("pk").first():
        raise LeaseLost(f"The lease on {row._meta.label} {row.pk} has another holder.")
