"""Turns, where there is no row to lock yet: of those that name the same thing, one goes on after the other."""

from django.db import connection


def take_turn(name: str) -> None:
    """Waits for whoever had it before. It lasts until this transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [name])
