"""Whose rights the server runs with: PostgreSQL refuses to run as root."""

import contextlib
import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from apps.core.postgres.errors import PostgresError

# Debian's package makes the first of them; every system has the second
UNPRIVILEGED_USERS = ("postgres", "nobody")


class SubprocessIdentity(TypedDict, total=False):
    """What subprocess.run wants to start a program as somebody else."""

    user: int
    group: int
    extra_groups: list[int]


@dataclass(frozen=True)
class Identity:
    """Another user that root starts the server as."""

    name: str
    user: int
    group: int

    def for_subprocess(self) -> SubprocessIdentity:
        return {"user": self.user, "group": self.group, "extra_groups": []}

    def take_on(self) -> None:
        """Become this user, for good."""
        os.setgroups([])
        os.setgid(self.group)
        os.setuid(self.user)

    def can_enter(self, folder: Path) -> bool:
        return all(self._may(step, stat.S_IXUSR) for step in (folder, *folder.parents))

    def can_run(self, program: Path) -> bool:
        return self.can_enter(program.parent) and self._may(program, stat.S_IXUSR) and self._may(program, stat.S_IRUSR)

    def _may(self, path: Path, right: int) -> bool:
        """The owner's bit, or the same bit of the group or of all others, which stand 3 and 6 places lower."""
        status = path.stat()
        if status.st_uid == self.user:
            return bool(status.st_mode & right)
        if status.st_gid == self.group:
            return bool(status.st_mode & right >> 3)
        return bool(status.st_mode & right >> 6)


def server_identity(data: Path) -> Identity | None:
    """None: our own. As root the owner of the data where there is some, or else a user without rights."""
    if os.geteuid() != 0:
        return None
    with contextlib.suppress(FileNotFoundError, KeyError):
        if (owner := data.stat().st_uid) != 0:
            return _identity_of(pwd.getpwuid(owner))
    for name in UNPRIVILEGED_USERS:
        with contextlib.suppress(KeyError):
            return _identity_of(pwd.getpwnam(name))
    raise PostgresError(
        "PostgreSQL refuses to run as root and there is no other user to run it as: "
        "add one with `useradd --system postgres`, or start as an ordinary user."
    )


def _identity_of(entry: pwd.struct_passwd) -> Identity:
    return Identity(entry.pw_name, entry.pw_uid, entry.pw_gid)
