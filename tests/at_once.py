"""Acts of several threads that begin together, each with a connection of its own to the database."""

import threading
from collections.abc import Callable
from typing import Any

from django.db import connections

PATIENCE = 60.0


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
