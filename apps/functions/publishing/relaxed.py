"""Writing down what is found out again should it get lost, without waiting for the disk."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction

WITHOUT_WAITING = "SET LOCAL synchronous_commit = off"


@contextmanager
def found_again() -> Iterator[None]:
    """A transaction that a crash of the server may take. As a part of another one it's as safe as that one."""
    is_whole = not connection.in_atomic_block
    with transaction.atomic():
        if is_whole:
            with connection.cursor() as cursor:
                cursor.execute(WITHOUT_WAITING)
        yield
