"""How the supervisor finds out that a process does its work, and not only that it's there."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Protocol


class Unhealthy(Exception):
    """The process doesn't do its work; the message says how that shows."""


class Probe(Protocol):
    async def check(self, pid: int) -> None:
        """Return when the process is well, else raise `Unhealthy`."""


@dataclass(frozen=True)
class HttpProbe:
    """The address answers with 200."""

    port: int
    path: str = "/healthz"
    timeout: float = 5.0

    async def check(self, pid: int) -> None:
        try:
            async with asyncio.timeout(self.timeout):
                status = await self._status()
        except TimeoutError:
            raise Unhealthy(f"no answer from {self.path} within {self.timeout:g} s") from None
        except (OSError, ValueError, IndexError) as error:
            raise Unhealthy(f"{self.path} can't be reached: {error}") from None
        if status != 200:
            raise Unhealthy(f"{self.path} answers {status}")

    async def _status(self) -> int:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            writer.write(f"GET {self.path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
            return int((await reader.readline()).split()[1])
        finally:
            writer.close()


@dataclass(frozen=True)
class DatabaseProbe:
    """The server takes a connection and answers a query."""

    url: Callable[[], str]
    timeout: float = 5.0

    async def check(self, pid: int) -> None:
        import psycopg

        try:
            async with asyncio.timeout(self.timeout):
                connection = await psycopg.AsyncConnection.connect(self.url(), autocommit=True)
                async with connection:
                    await connection.execute("SELECT 1")
        except TimeoutError:
            raise Unhealthy(f"no answer within {self.timeout:g} s") from None
        except psycopg.Error as error:
            raise Unhealthy(str(error).strip()) from None


@dataclass(frozen=True)
class HeartbeatProbe:
    """The process, or one that it started, wrote into the table of processes not long ago."""

    kind: str
    url: Callable[[], str]
    late_after: timedelta = timedelta(seconds=15)
    timeout: float = 5.0

    async def check(self, pid: int) -> None:
        import psycopg

        from apps.core.up.trees import members

        pids = sorted(members(pid) | {pid})
        try:
            async with asyncio.timeout(self.timeout):
                connection = await psycopg.AsyncConnection.connect(self.url(), autocommit=True)
                async with connection:
                    cursor = await connection.execute(
                        "SELECT max(seen_at) > now() - %s FROM core_processheartbeat"
                        " WHERE kind = %s AND host = %s AND pid = ANY(%s)",
                        [self.late_after, self.kind, _host(), pids],
                    )
                    row = await cursor.fetchone()
        except TimeoutError:
            raise Unhealthy(f"no answer within {self.timeout:g} s") from None
        except psycopg.Error as error:
            raise Unhealthy(str(error).strip()) from None
        if not row or row[0] is None:
            raise Unhealthy("no heartbeat yet")
        if not row[0]:
            raise Unhealthy(f"no heartbeat for {self.late_after.total_seconds():g} s")


@dataclass(frozen=True)
class PulseProbe:
    """The process renews a file that holds its number, as its loop turns, and something listens on the port."""

    file: Path
    port: int
    late_after: timedelta = timedelta(seconds=10)
    timeout: float = 5.0

    async def check(self, pid: int) -> None:
        try:
            written, age = self.file.read_text(), time.time() - self.file.stat().st_mtime
        except OSError:
            raise Unhealthy("no pulse yet") from None
        if written != str(pid):
            raise Unhealthy("no pulse yet")
        if age > self.late_after.total_seconds():
            raise Unhealthy(f"no pulse for {age:.0f} s")
        try:
            async with asyncio.timeout(self.timeout):
                _, writer = await asyncio.open_connection("127.0.0.1", self.port)
        except (TimeoutError, OSError) as error:
            raise Unhealthy(f"nothing listens on port {self.port}: {error}") from None
        writer.close()


def _host() -> str:
    from apps.core.processes.heartbeat import host

    return host()
