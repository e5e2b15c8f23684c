"""Acts of several threads that begin together, each with a connection of its own to the database."""

import threading
from collections.abc import Callable
from typing import Any

import psycopg
from django.db import connections

from tests.machine import database_url

PATIENCE = 60.0
WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


def at_once(*acts: Callable[[], Any]) -> list[Any]:
    """What each of them returned, or the exception it ended by, in their order."""
    start = threading.Barrier(len(acts))
    ends: dict[int, Any] = {}

    def run(number: int) -> None:
        try:
            start.wait(PATIENCE)
            ends[number] = acts[number]()
        except Exception as error:
            ends[number] = error
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(acts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert not any(thread.is_alive() for thread in threads), f"not within {PATIENCE:g} s"
    return [ends[number] for number in range(len(acts))]


def is_anybody_waiting(least: int = 1) -> bool:
    """For a lock. Asked in a session of its own: in a transaction, what one has seen of the others stays so."""
    with psycopg.connect(database_url(), autocommit=True) as looking:
        [(count,)] = looking.execute(WAITING).fetchall()
        return bool(count >= least)
