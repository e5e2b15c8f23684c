"""Runs PostgreSQL's programs, and turns their failures into sentences."""

import os
import subprocess
import tempfile
from pathlib import Path

from apps.core.postgres.errors import PostgresError
from apps.core.postgres.identity import Identity


def environment() -> dict[str, str]:
    """Ours without PGPORT, PGDATA and the like, which would change what the programs do."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PG")}


def run(
    program: Path,
    *arguments: str | Path,
    doing: str,
    identity: Identity | None = None,
    text: str = "",
    keep_open: tuple[int, ...] = (),
) -> str:
    """What the program printed."""
    # Files and not pipes: a server that is started inherits them, and a pipe would never see its end
    with tempfile.TemporaryFile("w+") as given, tempfile.TemporaryFile("w+", errors="replace") as printed:
        given.write(text)
        given.seek(0)
        try:
            result = subprocess.run(
                [program, *arguments],
                stdin=given, stdout=printed, stderr=printed, cwd="/", env=environment(), pass_fds=keep_open,
                **(identity.for_subprocess() if identity else {}),
            )  # fmt: skip
        except OSError as error:
            raise PostgresError(
                f"PostgreSQL's program {program} doesn't run on this machine ({error.strerror}): "
                f"remove the folder .venv, then `make run`."
            ) from error
        printed.seek(0)
        output = printed.read()
    if result.returncode:
        raise PostgresError(_sentence(program, doing, result.returncode, output))
    return output


def _sentence(program: Path, doing: str, code: int, output: str) -> str:
    if "No space left on device" in output or "Disk quota exceeded" in output:
        return f"The disk is full: PostgreSQL could not {doing}. Free some space, then start again."
    lines = "\n".join(output.strip().splitlines()[-12:])
    return f"PostgreSQL could not {doing} ({program.name} ended with {code}):\n{lines}"
