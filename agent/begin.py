"""What has to hold before the agent begins; where something doesn't, a sentence that says what to do."""

import contextlib
import errno
import fcntl
import ipaddress
import os
import resource
import socket
import time
from collections.abc import Iterator
from pathlib import Path

# Until the Envoy of an agent that was just killed has let go of its port
PORT_WITHIN = 3.0


class CannotBegin(Exception):
    """The message is for whoever started it."""


def address_of(text: str, *, option: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not host or not port.isdecimal() or not 0 < int(port) < 65_536:
        raise CannotBegin(f"{option} {text}: give a host and a port, such as 127.0.0.1:8100.")
    return host, int(port)


def is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@contextlib.contextmanager
def locked_folder(folder: Path) -> Iterator[None]:
    """Two agents in one folder would undo each other's work."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        file = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise CannotBegin(f"Can't write to {folder}: {error.strerror}. Choose another folder with --state.") from None
    try:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            pid = os.pread(file, 20, 0).decode(errors="replace").strip() or "unknown"
            raise CannotBegin(
                f"Another agent (process {pid}) runs in {folder}. End it, or choose another folder with --state."
            ) from None
        try:
            os.ftruncate(file, 0)
            os.pwrite(file, str(os.getpid()).encode(), 0)
        except OSError as error:
            raise CannotBegin(f"Can't write to {folder}: {error.strerror}. Make room, or choose another.") from None
        yield
    finally:
        os.close(file)


def require_free_port(host: str, port: int) -> None:
    """Envoy shares its port with others of the same user, so it wouldn't find out: calls would go to either."""
    give_up_at = time.monotonic() + PORT_WITHIN
    while True:
        try:
            family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
            with socket.socket(family, kind) as probe:
                # Connections that ended a moment ago are no hindrance
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(address)
            return
        except OSError as error:
            if error.errno == errno.EADDRINUSE and time.monotonic() < give_up_at:
                time.sleep(0.05)
                continue
            reason = (
                "another program listens there. End it, or choose another address with --listen."
                if error.errno == errno.EADDRINUSE
                else f"{error.strerror}. Choose another address with --listen."
            )
            raise CannotBegin(f"Gateways can't answer at {host}:{port}: {reason}") from None


def take_all_files() -> None:
    """Each process that it starts takes a few of its open files, and each call one of Envoy's."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
