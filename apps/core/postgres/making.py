"""Makes the data folder: aside, complete with role, database and extensions, then put in place in one step."""

import os
import secrets
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from apps.core.postgres import programs
from apps.core.postgres.connection import DATABASE, OWNER, SUPERUSER
from apps.core.postgres.errors import PostgresError
from apps.core.postgres.identity import Identity

# How much is written between two checkpoints decides how long a server that was killed takes to come back: each
# database made in between is 300 files, and a recovery ends only once all of them are safe on the disk
CONFIGURATION = """
listen_addresses = '127.0.0.1'
shared_buffers = 128MB
wal_level = minimal
max_wal_senders = 0
max_wal_size = 128MB
min_wal_size = 80MB
checkpoint_warning = 0
recovery_init_sync_method = syncfs
shared_preload_libraries = 'pg_stat_statements'
timezone = 'UTC'
log_timezone = 'UTC'
"""
# A gateway has two processes, mostly, which hold one each, and some more while they're busy: enough for hundreds.
# Whatever their roles take together, the reserved ones stay for the platform. Not in the file, as data of before has
# another one
CONNECTIONS = {"max_connections": 1000, "reserved_connections": 100}
# Nobody gets in without a password, not even from this machine
ACCESS = """\
local all all scram-sha-256
host all all 127.0.0.1/32 scram-sha-256
"""
# Data that an earlier version made has no such file, or one that counts lower: it closed less
CLOSED = "imp-closed-4"
# These want a superuser, or are wanted before the first migration
EXTENSIONS = ("pg_stat_statements", "pg_trgm")
# Roles of gateways live on this server too: they connect to no database but their own, and read no list of others
OPEN_TO_ALL = "postgres, template1"
LISTS = (
    "pg_catalog.pg_roles, pg_catalog.pg_user, pg_catalog.pg_group, pg_catalog.pg_auth_members, pg_catalog.pg_database, "
    "pg_catalog.pg_db_role_setting, pg_catalog.pg_stat_database, pg_catalog.pg_stat_activity, pg_catalog.pg_locks, "
    "pg_catalog.pg_shdepend"
)
# What is under those lists, and tells of other sessions and databases by their numbers too
TELLING = (
    "^pg_stat_get_(activity$|progress_info$|wal_|replication_|subscription|db_)"
    "|^pg_stat_get_backend_(activity|client|dbid|userid|wait|xact|subxact)"
    "|^pg_(lock_status|prepared_xact)$"
)
# By these runtimes see which of them are there; they tell when a session began, and nothing of whose it is
OPEN = ", ".join(f"pg_catalog.pg_stat_get_backend_{name}" for name in ("idset()", "pid(integer)", "start(integer)"))
CLOSE_TELLING = (
    "DO $$ DECLARE each regprocedure; BEGIN"  # noqa: S608
    " FOR each IN SELECT oid FROM pg_proc"
    f" WHERE pronamespace = 'pg_catalog'::regnamespace AND proname ~ '{TELLING}' LOOP"
    " EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', each);"
    f" EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO {OWNER}', each);"
    " END LOOP; END $$"
)


# Each call takes a place in the table of locks, which all sessions of the server share: one statement fills it, and
# nobody even connects any more. Whoever makes databases of gateways takes these away there, which takes their owner
HOLDING = "^pg_(try_)?advisory_(xact_)?lock(_shared)?$|^lo_(create|creat|from_bytea)$"
GIVE_HOLDING = (
    "DO $$ DECLARE each regprocedure; BEGIN"  # noqa: S608
    f" FOR each IN SELECT oid FROM pg_proc WHERE pronamespace = 'pg_catalog'::regnamespace AND proname ~ '{HOLDING}'"
    f" LOOP EXECUTE format('ALTER FUNCTION %s OWNER TO {OWNER}', each); END LOOP; END $$"
)


@dataclass(frozen=True)
class Tools:
    """PostgreSQL's programs, as whom they run, and the lock, which what they leave running goes on holding."""

    folder: Path
    identity: Identity | None
    lock: int

    def run(self, program: str, *arguments: str | Path, doing: str, text: str = "") -> str:
        return programs.run(
            self.folder / program, *arguments, doing=doing, text=text, identity=self.identity, keep_open=(self.lock,)
        )


def make_data(data: Path, tools: Tools) -> tuple[str, str]:
    """Answers the passwords of the owner and the superuser."""
    for left in data.parent.glob("data.unfinished-*"):
        shutil.rmtree(left)
    unfinished = Path(tempfile.mkdtemp(prefix="data.unfinished-", dir=data.parent))
    if tools.identity:
        os.chown(unfinished, tools.identity.user, tools.identity.group)
    try:
        tools.run(
            "initdb", "-D", unfinished, "-U", SUPERUSER, "--auth=reject", "-E", "UTF8",
            "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C", doing="make its data folder",
        )  # fmt: skip
        with open(unfinished / "postgresql.conf", "a") as configuration:
            configuration.write(CONFIGURATION)
        (unfinished / "pg_hba.conf").write_text(ACCESS)
        _alone(tools, unfinished, "postgres", f"CREATE ROLE {OWNER}")
        close(unfinished, tools)
        _alone(
            tools, unfinished, "postgres",
            f"CREATE DATABASE {DATABASE} OWNER {OWNER}",
            f"REVOKE CONNECT, TEMPORARY ON DATABASE {DATABASE} FROM PUBLIC",
        )  # fmt: skip
        _alone(tools, unfinished, DATABASE, *(f"CREATE EXTENSION {name}" for name in EXTENSIONS))
        passwords = set_passwords(unfinished, tools)
        unfinished.rename(data)
        _write_down(data.parent)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return passwords


def close(data: Path, tools: Tools) -> None:
    """What every role may by default is kept for the owner; databases made from now on are closed like that."""
    _alone(
        tools, data, "template1",
        f"REVOKE CONNECT, TEMPORARY ON DATABASE {OPEN_TO_ALL} FROM PUBLIC",
        f"GRANT CONNECT ON DATABASE {OPEN_TO_ALL} TO {OWNER}",
        f"REVOKE SELECT ON {LISTS} FROM PUBLIC",  # noqa: S608
        f"GRANT SELECT ON {LISTS} TO {OWNER}",
        CLOSE_TELLING,
        GIVE_HOLDING,
        f"GRANT EXECUTE ON FUNCTION {OPEN} TO PUBLIC",
        f"GRANT pg_use_reserved_connections TO {OWNER}",
    )  # fmt: skip
    (data / CLOSED).touch()


def is_closed(data: Path) -> bool:
    return (data / CLOSED).exists()


def set_passwords(data: Path, tools: Tools) -> tuple[str, str]:
    """New ones; also the way back when they were lost."""
    owner, superuser = secrets.token_urlsafe(24), secrets.token_urlsafe(24)
    _alone(
        tools, data, "postgres",
        f"ALTER ROLE {OWNER} LOGIN CREATEDB CREATEROLE PASSWORD '{owner}'",
        f"ALTER ROLE {SUPERUSER} PASSWORD '{superuser}'",
    )  # fmt: skip
    return owner, superuser


def check_version(data: Path, tools: Tools) -> None:
    """A major version can't read the data of another."""
    there = (data / "PG_VERSION").read_text().strip()
    ours = tools.run("postgres", "--version", doing="say its version").split()[-1].split(".")[0]
    if there != ours:
        raise PostgresError(
            f"The data in {data} is PostgreSQL {there}'s and this version of the product brings PostgreSQL {ours}: "
            f"go back to the version that made it and export the data with pg_dump, or `make clean` to begin anew."
        )


def _alone(tools: Tools, data: Path, database: str, *statements: str) -> None:
    """Statements without a server, so that nobody can connect before the passwords are there."""
    tools.run(
        "postgres", "--single", "-D", data, "-c", "exit_on_error=on", "-c", "log_checkpoints=off",
        "-c", "log_min_error_statement=panic", database,
        doing="prepare its database", text="".join(f"{statement}\n" for statement in statements),
    )  # fmt: skip


def _write_down(folder: Path) -> None:
    """Make a rename in the folder survive a loss of power."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
