"""A live process as it runs in production, and browsers that listen to it."""

import contextlib
import json
import os
import queue
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPResponse
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from django.conf import settings

from apps.core.up.declaration import Plan, Process
from portal.processes import parts
from tests.machine import database_url, free_port

BASE = Path(__file__).resolve().parent.parent.parent
# How long a test waits at most for what comes in a moment: the machine may have much else to do
PATIENCE = 60.0


def command(port: int, target: str) -> list[str]:
    """What the supervisor runs."""
    plan = Plan(
        base=BASE, state=BASE, web_port=0, live_port=port, agents_port=0, gateway_port=0, embedded_postgres=False
    )
    (declared,) = (part for part in parts(plan) if part.name == "live")
    assert isinstance(declared, Process)
    return [*declared.command[:-1], target]


class LiveProcess:
    def __init__(
        self,
        log: Path,
        *,
        port: int = 0,
        target: str = "tests.events.application:application",
        wait: bool = True,
        **environment: str,
    ) -> None:
        self.port = port or free_port()
        self.log = log
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                command(self.port, target),
                cwd=BASE,
                env={
                    **os.environ,
                    "DJANGO_SETTINGS_MODULE": "portal.settings.test",
                    "DATABASE_URL": database_url(),
                    "PORT": "8000",
                    "LIVE_PORT": str(self.port),
                    **environment,
                },
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        if not wait:
            return
        try:
            wait_until(lambda: self.health().get("listening"), what="the live process to listen")
        except AssertionError as error:
            self.stop()
            raise AssertionError(f"{error}\n{log.read_text()}") from None

    def health(self) -> dict[str, Any]:
        try:
            health: dict[str, Any] = json.loads(self.get("/healthz").body)
        except (OSError, HTTPException):
            return {}
        return health

    def get(self, path: str, **headers: str) -> "Answer":
        page = HTTPConnection("localhost", self.port, timeout=PATIENCE)
        page.request("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})
        response = page.getresponse()
        try:
            return Answer(response.status, dict(response.getheaders()), response.read().decode())
        finally:
            page.close()

    def stop(self, patience: float = PATIENCE) -> float:
        """As the supervisor does it; how long it took."""
        began = time.monotonic()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(patience)
        finally:
            self.kill()
        return time.monotonic() - began

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: str

    @property
    def problem(self) -> dict[str, Any]:
        assert self.headers["content-type"] == "application/problem+json"
        problem: dict[str, Any] = json.loads(self.body)
        return problem


@dataclass(frozen=True)
class Message:
    event: str
    id: str
    data: str

    @property
    def told(self) -> tuple[str, str, str]:
        assert self.event == "message"
        content = json.loads(self.data)
        return content["topic"], content["kind"], content["ref"]


class Browser:
    """One open page. Its messages are read as they come, unless it is `frozen`."""

    def __init__(
        self, live: LiveProcess, session: str, *topics: str, frozen: bool = False, last: str = "", **more: Any
    ) -> None:
        query = urlencode([("topic", topic) for topic in topics] + [*more.items()])
        headers = {"Cookie": f"{settings.SESSION_COOKIE_NAME}={session}"}
        if last:
            headers["Last-Event-ID"] = last
        self.connection = HTTPConnection("localhost", live.port, timeout=600)
        self.connection.request("GET", f"/live/events?{query}", headers=headers)
        self._socket = self.connection.sock
        self.response: HTTPResponse = self.connection.getresponse()
        self.status = self.response.status
        self.last = last
        self._messages: queue.Queue[Message | None] = queue.Queue()
        self._unread: list[Message] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        if self.status != 200:
            self.refusal = Answer(self.status, dict(self.response.getheaders()), self.response.read().decode())
            self.close()
        elif not frozen:
            self._reader.start()
            # The first one says from where on the stream tells everything; it may be an event already
            self.first = self.next()
            if self.first.event == "message":
                self._unread.append(self.first)

    def next(self, patience: float = PATIENCE) -> Message:
        if self._unread:
            return self._unread.pop()
        try:
            message = self._messages.get(timeout=patience)
        except queue.Empty:
            raise AssertionError(f"Nothing came within {patience} s.") from None
        assert message is not None, "The stream has ended."
        self.last = message.id or self.last
        return message

    def told(self, count: int) -> list[tuple[str, str, str]]:
        """The next events, whatever else comes between them."""
        return [self.next_of("message").told for _ in range(count)]

    def next_of(self, event: str) -> Message:
        """Passes over pings; a resync in the place of an event is a failure."""
        message = self.until(lambda message: message.event != "ping")
        assert message.event == event
        return message

    def until(self, condition: Callable[[Message], bool]) -> Message:
        """Pings come for ever, so the whole search has an end."""
        until = time.monotonic() + PATIENCE
        while not condition(message := self.next(max(0.0, until - time.monotonic()))):
            pass
        return message

    def is_silent(self, seconds: float = 0.5) -> bool:
        """Nothing but signs of life comes."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            try:
                message = self._messages.get(timeout=left)
            except queue.Empty:
                return True
            if message is None or message.event != "ping":
                return False
        return True

    def ends_within(self, seconds: float = PATIENCE) -> bool:
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            try:
                if self._messages.get(timeout=left) is None:
                    return True
            except queue.Empty:
                return False
        return False

    def thaw(self) -> None:
        self._reader.start()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            # Ends the reader's wait; closing alone would leave it waiting
            self._socket.shutdown(socket.SHUT_RDWR)
        if self._reader.ident:
            self._reader.join(PATIENCE)
        self.response.close()
        self.connection.close()

    def _read(self) -> None:
        event, identity, data = "message", "", None
        try:
            for raw in self.response:
                line = raw.decode().rstrip("\n")
                if not line:
                    if data is not None:
                        self._messages.put(Message(event, identity, data))
                    event, identity, data = "message", "", None
                    continue
                name, _, value = line.partition(":")
                match name:
                    case "event":
                        event = value.lstrip()
                    case "id":
                        identity = value.lstrip()
                    case "data":
                        data = value.lstrip()
        except (OSError, HTTPException, ValueError, AttributeError):
            pass
        self._messages.put(None)


def wait_until(condition: Any, *, what: str, patience: float = PATIENCE, every: float = 0.05) -> None:
    until = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < until, f"Waited {patience} s for {what}"
        time.sleep(every)
