"""Connections to gateways' databases as the platform's role, kept open for a while by each process."""

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from select import select
from typing import Any
from weakref import WeakKeyDictionary

import psycopg
from psycopg.pq import TransactionStatus

from apps.gateways.databases import name_of, server_parameters
from apps.gateways.store.problems import Away

Connection = psycopg.Connection[tuple[Any, ...]]

# Open and idle ones of a process together: however many gateways there are, the server has to bear all processes
MOST_IDLE = 16
IDLE_SECONDS = 30.0
STATEMENT_TIMEOUT_MS = 6_000
# For the counter's row another publisher may be at
LOCK_TIMEOUT_MS = 4_000


@dataclass
class _Idle:
    connection: Connection
    gateway_id: str
    until: float


class Pool:
    """Any thread takes what is idle, or opens one. A thread of its own closes what nobody has used for a while."""

    def __init__(self) -> None:
        self._forget()

    def _forget(self) -> None:
        """Also after a fork: what the parent has open is the parent's."""
        self._lock = threading.Lock()
        self._idle: list[_Idle] = []
        self._until: WeakKeyDictionary[Connection, float] = WeakKeyDictionary()
        self._closer: threading.Thread | None = None

    @property
    def idle(self) -> int:
        return len(self._idle)

    def take(self, gateway_id: str) -> Connection:
        while (found := self._pop(gateway_id)) is not None:
            if _is_usable(found):
                return found
            found.close()
        try:
            return psycopg.connect(**parameters_of(gateway_id))
        except psycopg.OperationalError as error:
            raise _away(error) from error

    def give_back(self, gateway_id: str, connection: Connection, stays: float | None = None) -> None:
        """For so many seconds from now it stays open at least, or as long as was said of it before."""
        if connection.closed or connection.info.transaction_status != TransactionStatus.IDLE:
            connection.close()
            return
        with self._lock:
            until = time.monotonic() + (IDLE_SECONDS if stays is None else stays)
            self._until[connection] = until = max(until, self._until.get(connection, 0.0))
            self._idle.append(_Idle(connection, gateway_id, until))
            surplus = self._idle[:-MOST_IDLE]
            self._idle = self._idle[-MOST_IDLE:]
            if self._closer is None:
                self._closer = threading.Thread(target=self._close_unused, name="gateways-databases", daemon=True)
                self._closer.start()
        for each in surplus:
            each.connection.close()

    def close(self) -> None:
        with self._lock:
            closing, self._idle = self._idle, []
        for each in closing:
            each.connection.close()

    def _pop(self, gateway_id: str) -> Connection | None:
        """The one that was used last, so that the others come of age."""
        with self._lock:
            for place in range(len(self._idle) - 1, -1, -1):
                if self._idle[place].gateway_id == gateway_id:
                    return self._idle.pop(place).connection
        return None

    def _close_unused(self) -> None:
        """Until none is left."""
        while True:
            time.sleep(IDLE_SECONDS / 4)
            moment = time.monotonic()
            with self._lock:
                closing = [each for each in self._idle if each.until <= moment]
                self._idle = [each for each in self._idle if each.until > moment]
                is_done = not self._idle
                if is_done:
                    self._closer = None
            for each in closing:
                each.connection.close()
            if is_done:
                return


pool = Pool()
os.register_at_fork(after_in_child=pool._forget)


@contextmanager
def connect(gateway_id: str, *, stays: float | None = None) -> Iterator[Connection]:
    """A transaction in a gateway's database, committed at its end. Away: there is none, or it can't be reached.

    For so many seconds after it its connection stays open, for the next one.
    """
    connection = pool.take(gateway_id)
    try:
        try:
            yield connection
            connection.commit()
        except psycopg.Error as error:
            if connection.closed:
                raise _away(error) from error
            raise
    except BaseException:
        if not connection.closed:
            try:
                connection.rollback()
            except psycopg.Error:
                connection.close()
        raise
    finally:
        pool.give_back(gateway_id, connection, stays)


def parameters_of(gateway_id: str) -> dict[str, Any]:
    """How to connect to a gateway's database as the platform's role, for whoever needs a connection of their own."""
    return {
        **server_parameters(name_of(gateway_id)),
        "options": f"-c statement_timeout={STATEMENT_TIMEOUT_MS} -c lock_timeout={LOCK_TIMEOUT_MS}",
    }


def _is_usable(connection: Connection) -> bool:
    """An idle server says nothing, unless it's to say goodbye."""
    return not connection.closed and not select([connection.fileno()], [], [], 0)[0]


def _away(error: psycopg.Error) -> Away:
    away = Away()
    away.__cause__ = error
    return away
