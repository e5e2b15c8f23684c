"""LISTEN and NOTIFY: a process wakes another through the database.

A notification is only a hint. It's lost while a listener is not connected, so whoever listens has a table that says
what there is to do, and looks at it when `Heard.gap` says that notifications may have been missed.
"""

import asyncio
import logging
import random
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

import psycopg
from django.db import DEFAULT_DB_ALIAS, connections
from psycopg import sql

logger = logging.getLogger(__name__)

FIRST_DELAY = 0.1
LONGEST_DELAY = 3.0
# Postgres refuses a payload of 8,000 bytes or more
LONGEST_PAYLOAD = 7_999

# A database host that vanishes without a word is noticed after 25 seconds
KEEPALIVES = {
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 25_000,
}


@dataclass(frozen=True, slots=True)
class Heard:
    """What one wait brought. With `gap` the connection is new, and others may have been missed before it."""

    payloads: tuple[str, ...] = ()
    gap: bool = False


def notify(channel: str, payload: str = "") -> None:
    """Wake the channel's listeners when the caller's transaction commits; equal payloads arrive once."""
    if len(payload.encode()) > LONGEST_PAYLOAD:
        raise ValueError("A notification carries ids, not content; it can't be longer than 7,999 bytes.")
    with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, %s)", [channel, payload])


def listen(channel: str, *, idle: float, alias: str = DEFAULT_DB_ALIAS) -> Iterator[Heard]:
    """What arrives on the channel, for ever; an empty `Heard` after `idle` seconds of silence.

    Close the generator to end the connection. While the database is away nothing is yielded.
    """
    delays = _delays()
    while True:
        try:
            with psycopg.connect(**parameters(alias), autocommit=True) as connection:
                connection.execute(_listen(channel))
                delays = _delays()
                yield Heard(gap=True)
                while True:
                    found = list(connection.notifies(timeout=idle, stop_after=1))
                    yield Heard(tuple(notification.payload for notification in found))
        except psycopg.OperationalError as error:
            logger.warning("Lost the database while listening on %s: %s", channel, error)
        time.sleep(next(delays))


async def listen_async(
    channel: str, *, idle: float, alias: str = DEFAULT_DB_ALIAS
) -> AsyncIterator[tuple[psycopg.AsyncConnection[Any], Heard]]:
    """The same for an event loop. The listener may query over the connection until it asks for the next."""
    delays = _delays()
    while True:
        try:
            async with await psycopg.AsyncConnection.connect(**parameters(alias), autocommit=True) as connection:
                await connection.execute(_listen(channel))
                delays = _delays()
                yield connection, Heard(gap=True)
                while True:
                    found = [each async for each in connection.notifies(timeout=idle, stop_after=1)]
                    yield connection, Heard(tuple(notification.payload for notification in found))
        except (psycopg.OperationalError, OSError) as error:
            logger.warning("Lost the database while listening on %s: %s", channel, error)
        await asyncio.sleep(next(delays))


def parameters(alias: str = DEFAULT_DB_ALIAS) -> dict[str, Any]:
    """How to connect past Django, which keeps a connection to one thread."""
    found = connections[alias].get_connection_params()
    for only_for_django in ("context", "cursor_factory", "prepare_threshold"):
        found.pop(only_for_django, None)
    return {**KEEPALIVES, **found}


def _listen(channel: str) -> sql.Composed:
    return sql.SQL("LISTEN {}").format(sql.Identifier(channel))


def _delays() -> Iterator[float]:
    """Twice as long after each failure, and never the same for two processes that lost the database together."""
    delay = FIRST_DELAY
    while True:
        yield delay * random.uniform(0.5, 1)  # noqa: S311 (nothing secret about it)
        delay = min(delay * 2, LONGEST_DELAY)
