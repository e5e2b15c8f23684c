"""Packages fetched by `deno install` into a folder of its own, which goes with what is made of it.

Deno runs no install scripts unless it's told to. It writes each package's hash into its lock file and holds what it
fetches against it; with the lock file of before, what didn't have to change stays as it was.
"""

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import structlog

from agent.engine import become
from apps.functions.dependencies.folders import own_folder
from apps.functions.dependencies.refusing import BROKEN, MISSING, NO_VERSION, TOO_LARGE, TOO_LONG, UNREACHABLE, Refused
from apps.functions.dependencies.wanted import is_exact

log = structlog.get_logger(__name__)

WITHIN = 45.0
# On the disk, with what was fetched
MOST_MEGABYTES = 300
LOOKED_AT_EVERY = 0.25
# Where the registry is, how to get there and whom to trust; nothing else of ours
PASSED_ON = re.compile(
    r"(?i)HOME|PATH|LANG|TMPDIR|DENO_TLS_CA_STORE|DENO_CERT|DENO_AUTH_TOKENS|NPM_CONFIG_\w+|(HTTPS?|NO|ALL)_PROXY"
    r"|SSL_CERT_(FILE|DIR)|NODE_EXTRA_CA_CERTS"
)
_MISSING = re.compile(r"npm package '([^']+)' does not exist")
_NO_VERSION = re.compile(r"Could not find npm package '([^']+)' matching '([^']+)'")
_AWAY = re.compile(r"Failed loading|error sending request|dns error|timed out|client error")
LONGEST_SAID = 300


@dataclass(frozen=True)
class Installed:
    """`versions`: of what was asked for, by name, exactly."""

    folder: Path
    lock: dict[str, Any]
    lock_text: str
    versions: dict[str, str]

    def folder_of(self, name: str) -> Path:
        """Of one that was asked for."""
        return self.folder / "node_modules" / name


@contextmanager
def installed(wanted: Mapping[str, str], *, lock_text: str = "") -> Iterator[Installed]:
    """The folder is there until the block ends. Refused says which package is missing, or what else is wrong."""
    give_up_at = time.monotonic() + WITHIN
    with own_folder() as folder:
        if lock_text:
            (folder / "deno.lock").write_text(lock_text)
        _run(folder, wanted, give_up_at)
        versions = {name: _version_of(folder, name) for name in wanted}
        if not all(map(is_exact, wanted.values())):
            # So that the lock file is one of exact versions, however they were asked for
            _run(folder, versions, give_up_at)
        text = (folder / "deno.lock").read_text()
        yield Installed(folder, orjson.loads(text), text, versions)


def deno() -> Path:
    return Path(sys.executable).parent / "deno"


def _run(folder: Path, wanted: Mapping[str, str], give_up_at: float) -> None:
    (folder / "deno.json").write_bytes(orjson.dumps({"nodeModulesDir": "manual"}))
    (folder / "package.json").write_bytes(orjson.dumps({"private": True, "dependencies": dict(wanted)}))
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            # Whoever watches its time and size may be killed, and it goes with them
            [sys.executable, "-IS", become.__file__, str(os.getpid()), "0", "0", "", str(deno()), "install", "--quiet"],
            cwd=folder,
            env=_environment(folder),
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            start_new_session=True,
        )
        try:
            _wait(process, folder, give_up_at)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        if process.returncode:
            said.seek(0)
            raise _refusal(said.read(64 * 1024).decode(errors="replace"), wanted)


def _wait(process: "subprocess.Popen[bytes]", folder: Path, give_up_at: float) -> None:
    while True:
        with suppress(subprocess.TimeoutExpired):
            process.wait(LOOKED_AT_EVERY)
        if _size_of(folder) > MOST_MEGABYTES * 1024 * 1024:
            raise Refused(TOO_LARGE, {"most": MOST_MEGABYTES})
        if process.returncode is not None:
            return
        if time.monotonic() > give_up_at:
            raise Refused(TOO_LONG, {"seconds": int(WITHIN)})


def _environment(folder: Path) -> dict[str, str]:
    passed = {name: value for name, value in os.environ.items() if PASSED_ON.fullmatch(name)}
    return {
        "DENO_TLS_CA_STORE": "system,mozilla",
        **passed,
        "DENO_DIR": str(folder / "fetched"),
        "DENO_NO_UPDATE_CHECK": "1",
        "DENO_NO_PROMPT": "1",
        "NO_COLOR": "1",
    }


def _refusal(said: str, wanted: Mapping[str, str]) -> Refused:
    if found := _MISSING.search(said):
        return Refused(MISSING, {"name": found[1]}, package=found[1])
    if found := _NO_VERSION.search(said):
        return Refused(NO_VERSION, {"name": found[1], "version": found[2]}, package=found[1])
    if _AWAY.search(said):
        log.warning("npm registry can't be reached", said=said[:1_000])
        return Refused(UNREACHABLE)
    line = next((line for line in said.splitlines() if line.startswith("error: ")), said.strip())
    at_fault = next((name for name in wanted if name in line), "")
    return Refused(BROKEN, {"said": line.removeprefix("error: ")[:LONGEST_SAID]}, package=at_fault)


def _version_of(folder: Path, name: str) -> str:
    """As the registry has it, which is how Deno names its folder: what the package says of itself may be anything."""
    kept_in = folder / "node_modules" / ".deno"
    place = (folder / "node_modules" / name).resolve()
    if not place.is_dir() or not place.is_relative_to(kept_in):
        raise Refused(BROKEN, {"said": name}, package=name)
    kept_as = place.relative_to(kept_in).parts[0]
    return kept_as[kept_as.index("@", 1) + 1 :].partition("_")[0]


def _size_of(folder: Path) -> int:
    """A file that stands in two places is on the disk once."""
    seen: dict[tuple[int, int], int] = {}
    for path, _folders, files in os.walk(folder):
        for each in files:
            try:
                found = os.lstat(os.path.join(path, each))
            except OSError:
                continue
            seen[found.st_dev, found.st_ino] = found.st_size
    return sum(seen.values())
