"""A program that follows a log over HTTP."""

import contextlib
import json
import queue
import socket
import threading
from http.client import HTTPConnection
from typing import Any

from tests.events.live import PATIENCE


class Follower:
    def __init__(self, port: int, address: str, headers: dict[str, str]) -> None:
        self.connection = HTTPConnection("localhost", port, timeout=PATIENCE)
        self.connection.request("GET", address, headers=headers)
        # Once answered, the connection belongs to the answer
        self._socket = self.connection.sock
        self.response = self.connection.getresponse()
        self.status = self.response.status
        self.headers = {name.lower(): value for name, value in self.response.getheaders()}
        self.last_id = ""
        self._messages: queue.Queue[tuple[str, Any] | None] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        if self.status == 200:
            self._reader.start()
            # From here on everything is told
            self._unread = [self._next()]
        else:
            self.problem = json.loads(self.response.read())

    def lines(self, count: int) -> list[dict[str, Any]]:
        """The next lines, whatever signs of life come between them."""
        found: list[dict[str, Any]] = []
        while len(found) < count:
            event, data = self._next()
            assert event in ("", "ping"), f"{event}: {data}"
            if not event:
                found.append(data)
        return found

    def until(self, wanted: str) -> dict[str, Any]:
        while True:
            event, data = self._next()
            if event == wanted:
                found: dict[str, Any] = data
                return found

    def has_ended(self) -> bool:
        return self._messages.get(timeout=PATIENCE) is None

    def close(self) -> None:
        with contextlib.suppress(OSError, AttributeError):
            self._socket.shutdown(socket.SHUT_RDWR)
        if self._reader.ident:
            self._reader.join(PATIENCE)
        self.response.close()
        self.connection.close()

    def _next(self) -> tuple[str, Any]:
        if unread := getattr(self, "_unread", None):
            event, data = unread.pop()
            return event, data
        message = self._messages.get(timeout=PATIENCE)
        assert message is not None, "The stream has ended."
        return message

    def _read(self) -> None:
        event, data, identity = "", None, ""
        with contextlib.suppress(OSError, ValueError):
            for raw in self.response:
                name, _, value = raw.decode().rstrip("\n").partition(": ")
                if name == "event":
                    event = value
                elif name == "id":
                    identity = value
                elif name == "data":
                    data = json.loads(value)
                elif not name and data is not None:
                    self.last_id = identity or self.last_id
                    self._messages.put((event, data))
                    event, data, identity = "", None, ""
        self._messages.put(None)
