"""What the agent keeps on its disk: who it is, and what it was last told, so that it can begin without the portal.

Everything is the owner's alone to read: bundles hold secrets. Each file is replaced whole, so a crash leaves the old
one or the new one; where it leaves bundles of two revisions, their digest gives that away and all come again.
"""

import asyncio
import contextlib
import hashlib
import json
import os
import secrets
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import structlog

from agent.appliers.base import InvalidBundle, Wanted
from agent.state import state_digest

log = structlog.get_logger(__name__)

UNFINISHED = ".unfinished"
# A disk makes many writes safe in about the time of one
WRITERS = 16
LARGEST_REVISION = 2**63 - 1


@dataclass(frozen=True)
class Identity:
    agent_id: str
    cluster_id: str
    access_token: str
    access_expires_at: float
    refresh_token: str
    # Of the registration token that it came from: a new one in its place means to register again
    registered_with: str


class Store:
    """One agent alone has it open (`begin.locked_folder`). Writing is done behind the loop; `lock` keeps its order."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.bundles: dict[str, Wanted] = {}
        self.revision = 0
        self.lock = asyncio.Lock()
        self._place = ""
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._bundle_folder.mkdir(exist_ok=True, mode=0o700)

    @property
    def _bundle_folder(self) -> Path:
        return self.folder / "bundles"

    @property
    def digest(self) -> str:
        return state_digest((bundle.key, bundle.digest) for bundle in self.bundles.values())

    def load(self) -> None:
        """What can't be read is as if it weren't there: its digest is missing then, and the portal sends it again."""
        for file in self._bundle_folder.iterdir():
            if file.suffix == UNFINISHED:
                file.unlink()
                continue
            try:
                head, _, manifests = file.read_bytes().partition(b"\n")
                bundle = Wanted(**json.loads(head), manifests=manifests)
                bundle.check()
                if file != self._file_of(bundle.key):
                    raise InvalidBundle(f"{bundle.key} isn't what {file.name} is to hold.")
            except (ValueError, TypeError, AttributeError, OSError) as error:
                log.warning("bundle unreadable", file=str(file), reason=str(error))
            else:
                self.bundles[bundle.key] = bundle
        with contextlib.suppress(FileNotFoundError, ValueError):
            found = int((self.folder / "revision").read_text())
            # As much as can be said of it; what is none is as if it weren't there
            self.revision = found if 0 <= found <= LARGEST_REVISION else 0

    def write(self, revision: int, bundles: Sequence[Wanted], gone: Sequence[str]) -> None:
        """To the disk alone, and safely there: what is in memory follows once that is done."""
        with ThreadPoolExecutor(WRITERS) as pool:
            list(pool.map(self._write_bundle, bundles))
        for key in gone:
            self._file_of(key).unlink(missing_ok=True)
        _sync(self._bundle_folder)
        _write(self.folder / "revision", str(revision).encode())

    def remember(self, revision: int, bundles: Iterable[Wanted], gone: Iterable[str]) -> None:
        self.revision = revision
        self.bundles.update((bundle.key, bundle) for bundle in bundles)
        for key in gone:
            self.bundles.pop(key, None)

    def _write_bundle(self, bundle: Wanted) -> None:
        head = json.dumps({"key": bundle.key, "digest": bundle.digest}).encode()
        _write(self._file_of(bundle.key), head + b"\n" + bundle.manifests)

    def identity(self) -> Identity | None:
        """None: this agent has to register."""
        file = self.folder / "identity.json"
        try:
            found = Identity(**json.loads(file.read_text()))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError) as error:
            log.error("identity unreadable", file=str(file), reason=str(error))
            return None
        if not all(
            isinstance(value, (int, float) if name == "access_expires_at" else str)
            for name, value in vars(found).items()
        ):
            log.error("identity unreadable", file=str(file), reason="values of other kinds")
            return None
        if not (found.access_token.isascii() and found.access_token.isprintable()):
            # It couldn't even be said; the refresh token may still be good
            return replace(found, access_token="", access_expires_at=0.0)
        return found

    def set_identity(self, identity: Identity) -> None:
        _write(self.folder / "identity.json", json.dumps(asdict(identity)).encode())

    def place(self) -> str:
        """Tells this folder from a copy of it made for another machine; made once."""
        file = self.folder / "place"
        machine = _machine()
        if self._place:
            return self._place
        with contextlib.suppress(FileNotFoundError, ValueError, KeyError, TypeError):
            kept = json.loads(file.read_text())
            if kept["machine"] == machine:
                self._place = str(kept["place"])
                return self._place
        place = secrets.token_hex(16)
        _write(file, json.dumps({"machine": machine, "place": place}).encode())
        self._place = place
        return place

    def _file_of(self, key: str) -> Path:
        return self._bundle_folder / hashlib.sha256(key.encode()).hexdigest()[:32]


def _machine() -> str:
    with contextlib.suppress(OSError):
        return Path("/etc/machine-id").read_text().strip()
    return os.uname().nodename


def _write(file: Path, content: bytes) -> None:
    unfinished = file.with_suffix(UNFINISHED)
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as opened:
            opened.write(content)
            opened.flush()
            os.fsync(descriptor)
        unfinished.replace(file)
    except OSError:
        unfinished.unlink(missing_ok=True)
        raise


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
