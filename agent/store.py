"""What the agent keeps on its disk: who it is, and what it was last told, so that it can begin without the portal.

Everything is the owner's alone to read: bundles hold secrets. Each file is replaced whole, so a crash leaves the old
one or the new one; where it leaves bundles of two revisions, their digest gives that away and all come again.
"""

import contextlib
import hashlib
import json
import os
import secrets
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from agent.appliers.base import Wanted
from agent.state import state_digest


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
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.bundles: dict[str, Wanted] = {}
        self.revision = 0
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._bundle_folder.mkdir(exist_ok=True, mode=0o700)

    @property
    def _bundle_folder(self) -> Path:
        return self.folder / "bundles"

    @property
    def digest(self) -> str:
        return state_digest((bundle.key, bundle.digest) for bundle in self.bundles.values())

    def load(self) -> None:
        for file in self._bundle_folder.iterdir():
            with contextlib.suppress(ValueError, KeyError):
                head, _, manifests = file.read_bytes().partition(b"\n")
                bundle = Wanted(**json.loads(head), manifests=manifests)
                bundle.check()
                self.bundles[bundle.key] = bundle
        with contextlib.suppress(FileNotFoundError, ValueError):
            self.revision = int((self.folder / "revision").read_text())

    def put(self, bundle: Wanted) -> None:
        head = json.dumps({"key": bundle.key, "digest": bundle.digest}).encode()
        _write(self._file_of(bundle.key), head + b"\n" + bundle.manifests)
        self.bundles[bundle.key] = bundle

    def remove(self, key: str) -> None:
        self._file_of(key).unlink(missing_ok=True)
        self.bundles.pop(key, None)

    def keep_only(self, keys: Iterable[str]) -> list[str]:
        """The keys that went."""
        gone = sorted(self.bundles.keys() - set(keys))
        for key in gone:
            self.remove(key)
        return gone

    def set_revision(self, revision: int) -> None:
        _write(self.folder / "revision", str(revision).encode())
        self.revision = revision

    def identity(self) -> Identity | None:
        try:
            return Identity(**json.loads((self.folder / "identity.json").read_text()))
        except (FileNotFoundError, ValueError, TypeError):
            return None

    def set_identity(self, identity: Identity) -> None:
        _write(self.folder / "identity.json", json.dumps(asdict(identity)).encode())

    def forget_identity(self) -> None:
        (self.folder / "identity.json").unlink(missing_ok=True)

    def place(self) -> str:
        """Tells this folder from a copy of it made for another machine; made once."""
        file = self.folder / "place"
        machine = _machine()
        with contextlib.suppress(FileNotFoundError, ValueError):
            kept = json.loads(file.read_text())
            if kept["machine"] == machine:
                return str(kept["place"])
        place = secrets.token_hex(16)
        _write(file, json.dumps({"machine": machine, "place": place}).encode())
        return place

    def _file_of(self, key: str) -> Path:
        return self._bundle_folder / hashlib.sha256(key.encode()).hexdigest()[:32]


def _machine() -> str:
    with contextlib.suppress(OSError):
        return Path("/etc/machine-id").read_text().strip()
    return os.uname().nodename


def _write(file: Path, content: bytes) -> None:
    unfinished = file.with_suffix(".unfinished")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as opened:
        opened.write(content)
        opened.flush()
        os.fsync(descriptor)
    unfinished.replace(file)
