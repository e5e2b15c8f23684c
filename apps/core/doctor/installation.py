"""What is set and what lies in the folders: settings, state folder, keys, built files, ports, leftovers."""

import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings

from apps.core.crypto.keys import keyring
from apps.core.doctor.findings import START, Finding, error, note, ok, warning
from apps.core.up.declaration import MARKER, UpError
from apps.core.up.journal import is_held, read_run
from apps.core.up.ports import USUAL_PORTS, asked_port, reserve_port
from apps.core.up.trees import marked

LOW_BYTES = 1_000_000_000
CRITICAL_BYTES = 100_000_000
OFTEN_RESTARTED = 3


def check_settings() -> Iterator[Finding]:
    module = os.environ.get("DJANGO_SETTINGS_MODULE", "")
    if settings.DEBUG:
        yield note("settings", f"{module}, with DEBUG on: for development only")
    else:
        yield ok("settings", module)


def check_disk() -> Iterator[Finding]:
    folder: Path = settings.STATE_DIR
    if not folder.exists():
        yield note("disk", f"{folder} isn't made yet", START)
        return
    if not os.access(folder, os.W_OK):
        yield error("disk", f"{folder} can't be written to", "Give it back to the user that runs this.")
    free = shutil.disk_usage(folder).free
    told = f"{free / 1e9:.1f} GB free at {folder}"
    if free < CRITICAL_BYTES:
        yield error("disk", told, "Make room: the database stops when the disk is full.")
    elif free < LOW_BYTES:
        yield warning("disk", told, "Make room soon.")
    else:
        yield ok("disk", told)


def check_keys() -> Iterator[Finding]:
    key = str(settings.SECRET_KEY)
    if key.startswith("not-secret") or len(key) < 40 or len(set(key)) < 8:
        tell = note if settings.DEBUG else error
        yield tell("keys", "the secret key is known or easy to guess", "Set SECRET_KEY to 50 random characters.")
    else:
        yield ok("keys", "secret key set")
    file: Path | None = settings.ENCRYPTION_KEY_FILE
    if not settings.ENCRYPTION_KEYS and file is not None:
        if not file.exists():
            yield note("keys", f"no encryption key yet: {file} is made when the first secret is stored")
            return
        if stat.S_IMODE(file.stat().st_mode) & 0o077:
            yield error("keys", f"other users can read {file}", f"Run `chmod 600 {file}`.")
    try:
        keyring()
    # From a file that isn't there to a key that is no key: whatever it says is the finding
    except Exception as failure:
        yield error("keys", str(failure), "Without its keys no stored secret can be read: restore them from a backup.")
    else:
        yield ok("keys", "encryption keys readable")


def check_static() -> Iterator[Finding]:
    from apps.core.assets import assets

    build = "Run `python tools/assets.py`."
    if not all(manifest.exists() for manifest in assets.manifests):
        yield error("static", "styles and scripts aren't built", build)
        return
    if missing := assets.missing():
        yield error("static", f"built files are missing: {', '.join(missing[:3])}", build)
    else:
        yield ok("static", f"{len(assets.files())} built files")


def check_supervisor() -> Iterator[Finding]:
    """What `manage.py up` wrote down; also when the database is away."""
    run = read_run(settings.STATE_DIR)
    if not is_held(settings.STATE_DIR):
        yield note(
            "up", "not running in this folder", f"{START} Where each process has a supervisor of its own, ignore this."
        )
        left = marked(MARKER, str(settings.STATE_DIR))
        if left:
            pids = " ".join(str(pid) for pid in sorted(left))
            yield warning(
                "leftovers", f"processes of an earlier run: {pids}", f"`manage.py up` ends them; or: kill {pids}"
            )
        return
    if run is None:
        yield note("up", "being started")
        return
    yield ok("up", f"process {run.pid}, {run.address}")
    for part in run.parts:
        if part.state == "given up":
            yield error(
                "up",
                f"{part.name} keeps dying: {part.last_end}",
                "See its last lines in the log and put right what they complain about; it's tried again by itself.",
            )
        elif part.state not in ("healthy", "done"):
            yield warning("up", f"{part.name} is {part.state} {part.message}".strip(), "Look again in a moment.")
        elif part.restarts >= OFTEN_RESTARTED:
            yield warning(
                "up", f"{part.name} was restarted {part.restarts} times, last: {part.last_end}", "See its log lines."
            )


def check_ports() -> Iterator[Finding]:
    if is_held(settings.STATE_DIR):
        run = read_run(settings.STATE_DIR)
        yield ok("ports", ", ".join(str(getattr(run, port.name)) for port in USUAL_PORTS) if run else "being chosen")
        return
    for usual in USUAL_PORTS:
        number, asked_by = asked_port(usual)
        try:
            reserved = reserve_port(wanted=number, asked_by=usual.variable, what=usual.what)
        except UpError:
            instead = f"Choose another in {asked_by}." if asked_by else "`manage.py up` takes the next free one."
            yield note("ports", f"{number} for {usual.what} is in use", instead)
        else:
            if reserved.reservation:
                reserved.reservation.close()
            yield ok("ports", f"{number} for {usual.what} is free")


CHECKS = (check_settings, check_disk, check_keys, check_static, check_supervisor, check_ports)
