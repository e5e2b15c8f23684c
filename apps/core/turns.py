"""Turns, where there is no row to lock yet: of those that name the same thing, one goes on after the other."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper


def take_turn(name: str) -> None:
    """Waits for whoever had it before. It lasts until this transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [name])


@contextmanager
def one_of(places: int, name: str) -> Iterator[bool]:
    """Whether one of so many places was free. It's kept until the block ends, or whoever is in it dies."""
    with transaction.atomic(), connection.cursor() as cursor:
        yield any(_is_taken(cursor, f"{name} {place}") for place in range(places))


def _is_taken(cursor: CursorWrapper, name: str) -> bool:
    cursor.execute("SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))", [name])
    row = cursor.fetchone()
    return bool(row and row[0])
