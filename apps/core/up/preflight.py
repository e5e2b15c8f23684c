"""What is looked at before anything is started, so that nothing is left half made."""

import os
import shutil
import tempfile
from pathlib import Path

import psycopg

from apps.core.up.declaration import UpError

# The first that says whether a role may be taken on, which row-level security needs
OLDEST_POSTGRES = 16
CONNECT_SECONDS = 5
# A new PostgreSQL takes 60 MB, and writes its log of changes ahead
NEEDED_BYTES = 300_000_000
NEEDED_BYTES_LATER = 50_000_000


def check_state_folder(state: Path) -> None:
    """It's there or can be made, can be written to, and has room."""
    another = "or name another folder in IMP_STATE_DIR"
    try:
        state.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=state) as probe:
            probe.write(b"\0" * 65_536)
            probe.flush()
            os.fsync(probe.fileno())
        free = shutil.disk_usage(state).free
    except OSError as error:
        raise UpError(f"{state} can't be written to ({error.strerror}): change that, {another}.") from None
    needed = NEEDED_BYTES_LATER if (state / "postgres").exists() else NEEDED_BYTES
    if free < needed:
        raise UpError(
            f"The disk of {state} has {free // 1_000_000} MB left and {needed // 1_000_000} MB are needed: "
            f"make room, {another}."
        )


def check_database(url: str) -> None:
    """The database of DATABASE_URL answers, is new enough and lets us make tables."""
    try:
        connection = psycopg.connect(url, connect_timeout=CONNECT_SECONDS)
    except psycopg.Error as error:
        # libpq ends in a question of its own, whether the server runs
        lines = (line.strip() for line in str(error).splitlines())
        reason = _without_password(", ".join(line for line in lines if line and not line.endswith("?")), url)
        raise UpError(
            f"The database of DATABASE_URL can't be used: {reason}. Check the address, or leave it unset."
        ) from None
    with connection:
        version = connection.info.server_version // 10_000
        if version < OLDEST_POSTGRES:
            raise UpError(
                f"The database of DATABASE_URL is PostgreSQL {version}; {OLDEST_POSTGRES} or newer is needed."
            )
        name, user, allowed, is_copy, read_only = connection.execute(
            "SELECT current_database(), current_user,"
            " coalesce(has_schema_privilege(current_schema(), 'CREATE'), false), pg_is_in_recovery(),"
            " current_setting('default_transaction_read_only')::bool"
        ).fetchone() or ("", "", False, False, False)
    if is_copy:
        raise UpError("The database of DATABASE_URL is a read-only copy; write the address of its primary.")
    if read_only:
        raise UpError(
            f"The user {user} may only read in the database {name}: set default_transaction_read_only to off for both, "
            "or write another user into DATABASE_URL."
        )
    if not allowed:
        raise UpError(
            f"The user {user} may not make tables in the database {name}: make it the owner "
            f'(`ALTER DATABASE "{name}" OWNER TO "{user}"`), or write another user into DATABASE_URL.'
        )


def _without_password(reason: str, url: str) -> str:
    """libpq quotes what it can't read of an address, and that may be the password."""
    password = url.partition("://")[2].rpartition("@")[0].partition(":")[2]
    return reason.replace(password, "(hidden)") if password else reason
