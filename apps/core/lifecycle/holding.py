"""For steps that write into this database: a worker that was held up for longer than its lease writes nothing."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import transaction

from apps.core.leases import LeaseLost
from apps.core.lifecycle.models import Living


@contextmanager
def while_held(row: Living) -> Iterator[None]:
    """What happens inside commits only while the lease is ours under which `row` was read; else LeaseLost.

    The row is locked first, before what its step wants elsewhere, as by those who bring news of that. A child is
    locked before its parent: then `require_held(parent)` in the child's transaction is the way.
    """
    with transaction.atomic():
        require_held(row)
        yield


def require_held(row: Living) -> None:
    rows = type(row)._base_manager.filter(pk=row.pk, fence=row.fence, leased_until__isnull=False)
    if transaction.get_connection().in_atomic_block:
        rows = rows.select_for_update(no_key=True, of=("self",))
    if not rows.values_list("pk").first():
        raise LeaseLost(f"The lease on {row._meta.label} {row.pk} has another holder.")
