"""Starts and stops the PostgreSQL that comes as a wheel: one server for each state folder.

The wheel's own launcher opens the permissions of parent folders, trusts every local user and stops with its
last handle, so this one replaces it: passwords, loopback only, and as root another user's identity.

A server inherits the lock of its state folder and so holds it as long as one of its processes lives. Whoever
wants a server either gets the lock and starts one, or waits for the one that has it.
"""

import contextlib
import ctypes
import fcntl
import os
import shlex
import shutil
import signal
import socket
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import NoReturn

from apps.core.postgres import connection as connections
from apps.core.postgres import making, places, postmaster, programs
from apps.core.postgres.connection import DATABASE, OWNER, Connection
from apps.core.postgres.errors import PostgresError
from apps.core.postgres.identity import Identity, server_identity

__all__ = ["Connection", "EmbeddedPostgres", "PostgresError"]

LOCKED_OUT_AFTER = 90.0
LARGEST_LOG = 10_000_000
PR_SET_PDEATHSIG = 1


class EmbeddedPostgres:
    def __init__(self, state: Path) -> None:
        self.state = state.resolve()
        self._info = self.state / "connection.json"

    # --- What callers ask ---

    def url(self) -> str:
        """The address to connect to; before the first start one that nothing answers."""
        connection = self.connection()
        return connection.url() if connection else f"postgres://{OWNER}@%2Fnot-started-yet:5432/{DATABASE}"

    def connection(self) -> Connection | None:
        return connections.read(self._info)

    def is_running(self) -> bool:
        with _explained(self.state):
            home = self._existing_home()
            return home is not None and postmaster.is_ready(home / "data")

    def start(self) -> Connection:
        """Make the server where there is none, start it where it doesn't run; it outlives the caller."""
        with _explained(self.state):
            return _Start(self.state).in_background()

    def serve(self) -> NoReturn:
        """Become the server; where one runs already, end when that one ends."""
        with _explained(self.state):
            _Start(self.state).in_foreground()

    def command(self) -> list[str]:
        """What a supervisor starts: a server in the foreground that ends at SIGINT, and with its parent."""
        return [sys.executable, "-m", "apps.core.postgres", "serve", str(self.state)]

    def stop(self) -> None:
        """Stop it where it runs, and take its socket away; the data stays."""
        with _explained(self.state):
            if home := self._existing_home():
                postmaster.stop(home / "data")
                places.remove_socket_folder(home)

    def remove(self) -> None:
        """Stop it and delete its data, wherever that is."""
        self.stop()
        with _explained(self.state):
            for folder in (self.state, places.reachable_home(self.state)):
                if folder.exists():
                    shutil.rmtree(folder)

    def _existing_home(self) -> Path | None:
        for home in (self.state, places.reachable_home(self.state)):
            if (home / "data").exists():
                return home
        return None


class _Start:
    """One start: who runs the server, where everything is, and the steps in order."""

    def __init__(self, state: Path) -> None:
        state.mkdir(parents=True, exist_ok=True)
        self.state = state
        self.info = state / "connection.json"
        self.identity: Identity | None = server_identity(state / "data")
        self.home = places.find_home(state, self.identity)
        self.data = self.home / "data"
        self.log = self.home / "log"

    def in_background(self) -> Connection:
        lock = self._lock_or_server()
        if lock is not None:
            with os.fdopen(lock):
                tools = self._tools(lock)
                new = self._prepare(tools)
                self._make_log()
                tools.run(
                    "pg_ctl", "start", "-D", self.data, "-w", "-t", "60", "-l", self.log,
                    "-o", shlex.join(self._options(new)), doing=f"start; its log is {self.log}",
                )  # fmt: skip
        connection = connections.read(self.info)
        assert connection is not None
        return connection

    def in_foreground(self) -> NoReturn:
        parent = os.getppid()
        lock = self._lock_or_server()
        if lock is None:
            self._follow(parent)
        tools = self._tools(lock)
        connection = self._prepare(tools)
        if self.home != self.state:
            sys.stdout.write(
                f"PostgreSQL doesn't run as root, and no other user may enter this folder: it lives in {self.home}\n"
            )
            sys.stdout.flush()
        os.set_inheritable(lock, True)
        os.chdir("/")
        if self.identity:
            self.identity.take_on()
        _end_with_parent(parent)
        program = tools.folder / "postgres"
        arguments = [str(program), "-D", str(self.data), *self._options(connection)]
        os.execve(program, arguments, programs.environment())  # noqa: S606

    # --- The steps ---

    def _lock_or_server(self) -> int | None:
        """The lock, which means that no server runs; or None when one is ready."""
        lock = os.open(self.state / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        deadline = time.monotonic() + LOCKED_OUT_AFTER
        nobody_since = time.monotonic()
        while time.monotonic() < deadline:
            if postmaster.is_ready(self.data):
                break
            if _try_lock(lock):
                return lock
            if postmaster.find(self.data):
                nobody_since = time.monotonic()
            elif time.monotonic() - nobody_since > postmaster.ORPHANS_NOTICE_WITHIN:
                # The server was killed, and a busy connection of it still holds the lock
                postmaster.end_orphans(self.data)
            time.sleep(0.02)
        else:
            raise PostgresError(
                f"Another process holds {self.state / 'lock'} and starts no server: end it, then start again."
            )
        os.close(lock)
        return None

    def _tools(self, lock: int) -> making.Tools:
        return making.Tools(places.find_programs(self.state, self.identity), self.identity, lock)

    def _prepare(self, tools: making.Tools) -> Connection:
        """Everything up to the start itself; only for the holder of the lock."""
        passwords = None
        if (self.data / "PG_VERSION").exists():
            making.check_version(self.data, tools)
            postmaster.clear_after_crash(self.data, places.socket_folder(self.home))
            if not making.is_closed(self.data):
                making.close(self.data, tools)
            if not self.info.exists():
                passwords = making.set_passwords(self.data, tools)
        else:
            passwords = making.make_data(self.data, tools)
        host = str(places.make_socket_folder(self.home, self.identity))
        if passwords:
            owner, superuser = passwords
            connection = Connection(host, _free_port(), OWNER, owner, DATABASE, superuser)
        else:
            known = connections.read(self.info)
            assert known is not None
            connection = replace(known, host=host, port=known.port if _is_free(known.port) else _free_port())
        connections.write(self.info, connection)
        return connection

    def _options(self, connection: Connection) -> list[str]:
        settings = {"cluster_name": postmaster.cluster_name(self.data), **making.CONNECTIONS}
        given = chain.from_iterable(("-c", f"{name}={value}") for name, value in settings.items())
        return ["-p", str(connection.port), "-k", connection.host, *given]

    def _make_log(self) -> None:
        if self.log.exists() and self.log.stat().st_size > LARGEST_LOG:
            self.log.replace(self.log.with_suffix(".old"))
        self.log.touch(mode=0o600)
        if self.identity:
            os.chown(self.log, self.identity.user, self.identity.group)

    def _follow(self, parent: int) -> NoReturn:
        """Stand for a server that somebody else started: pass the end on, and end when it ends."""
        pid = postmaster.find(self.data)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: postmaster.stop(self.data))
        _end_with_parent(parent)
        sys.stdout.write(f"PostgreSQL runs already, as process {pid}; it ends with this one\n")
        sys.stdout.flush()
        if pid is not None:
            postmaster.wait_until_gone(self.data, pid)
        sys.exit(0)


@contextlib.contextmanager
def _explained(state: Path) -> Iterator[None]:
    """What the system refuses, as a sentence."""
    try:
        yield
    except PermissionError as error:
        raise PostgresError(
            f"{error.filename or state} belongs to another user: start as the one who set this folder up."
        ) from error
    except OSError as error:
        raise PostgresError(f"PostgreSQL can't use {error.filename or state}: {error.strerror}.") from error


def _try_lock(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _end_with_parent(parent: int) -> None:
    """Get SIGINT when the parent dies, however it dies. After the change of identity, which resets this."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGINT)
    if os.getppid() != parent:
        sys.exit("The process that started PostgreSQL is gone.")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
