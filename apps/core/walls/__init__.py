"""The second wall between tenants: inside `walled`, PostgreSQL itself shows and takes rows of one tenant only.

The first wall is the selectors', which ask for the tenant's rows. This one stands behind it, for the day one of
them forgets. It walls off mistakes; it's no answer to somebody who can run SQL of their own.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from django.db import connection, transaction

# The policies speak of this role and this setting; the migrations of 0006_walls make the role
ROLE = "imp_tenant"
SETTING = "imp.tenant_id"

_wall: ContextVar[str] = ContextVar("imp_wall", default="")


def current_wall() -> str:
    """The tenant inside whose wall this runs; empty outside of all."""
    return _wall.get()


@contextmanager
def walled(tenant_id: str) -> Iterator[None]:
    """A transaction that sees one tenant. An error rolls it back, as with `transaction.atomic`."""
    if not tenant_id:
        raise ValueError("A wall needs a tenant; without one, every row would be hidden.")
    outer = _wall.get()
    with transaction.atomic():
        is_outermost = not connection.savepoint_ids
        # Reset before the commit: what runs after it is outside of the wall
        token = _wall.set(tenant_id)
        try:
            _enter(ROLE, tenant_id)
            yield
            # At the end of a transaction the settings end by themselves, and a rollback takes them back
            if not is_outermost and not connection.needs_rollback:
                _enter(ROLE if outer else "none", outer)
        finally:
            _wall.reset(token)


def _enter(role: str, tenant_id: str) -> None:
    """For the rest of the transaction, in one statement."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config(%s, %s, true), set_config('role', %s, true)",
            [SETTING, tenant_id, role],
        )
