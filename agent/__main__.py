"""`imp-agent`: brings about in this place what the portal wants there."""

import argparse
import asyncio
import contextlib
import ipaddress
import os
import signal
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

# Before gRPC is imported: this program starts others, and none of them is a copy of itself
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")

import grpc

from agent.appliers.base import Applier
from agent.appliers.local import LocalApplier
from agent.appliers.memory import MemoryApplier
from agent.client import Client
from agent.engine.machine import Engine, socket_folder
from agent.store import Store

PULSE_SECONDS = 1.0


def main() -> int:
    options = parsed()
    state: Path = options.state.resolve()
    credentials = credentials_for(options.portal, options.ca)
    asyncio.run(run(options, state, credentials))
    return 0


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="imp-agent", description=__doc__)
    parser.add_argument("--portal", default=os.environ.get("IMP_PORTAL", "127.0.0.1:7443"), help="host:port to dial")
    parser.add_argument("--state", type=Path, default=Path(os.environ.get("IMP_AGENT_STATE", ".imp/agent")))
    parser.add_argument(
        "--listen", default=os.environ.get("IMP_GATEWAYS", "127.0.0.1:8100"), help="where gateways answer"
    )
    parser.add_argument("--token-file", type=Path, help="holds the registration token; read whenever it's needed")
    parser.add_argument("--applier", choices=["local", "memory"], default="local")
    parser.add_argument("--ca", type=Path, help="the authority that signed the portal's certificate")
    return parser.parse_args()


def credentials_for(portal: str, authority: Path | None) -> grpc.ChannelCredentials | None:
    """TLS, but for a portal on this machine."""
    host = portal.rpartition(":")[0].strip("[]")
    if authority is None and _is_loopback(host):
        return None
    return grpc.ssl_channel_credentials(authority.read_bytes() if authority else None)


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


async def run(options: argparse.Namespace, state: Path, credentials: grpc.ChannelCredentials | None) -> None:
    client = Client(
        options.portal,
        Store(state),
        applier_of(options, state),
        version=own_version(),
        registration_token=lambda: _read(options.token_file),
        credentials=credentials,
    )
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, client.stop)
    pulse = asyncio.create_task(beat(state / "pulse"))
    try:
        await client.run()
    finally:
        pulse.cancel()


async def beat(file: Path) -> None:
    """Shows whoever supervises this process that its loop turns."""
    number = str(os.getpid())
    while True:
        # A full disk is no reason to be started again: what is there already is only touched
        with contextlib.suppress(OSError):
            if not file.exists() or file.read_text() != number:
                file.write_text(number)
            os.utime(file)
        await asyncio.sleep(PULSE_SECONDS)


def applier_of(options: argparse.Namespace, state: Path) -> Applier:
    if options.applier == "memory":
        return MemoryApplier()
    host, _, port = options.listen.rpartition(":")
    return LocalApplier(Engine(state / "engine", socket_folder(state), host=host, port=int(port)))


def _read(file: Path | None) -> str:
    try:
        return file.read_text().strip() if file else ""
    except FileNotFoundError:
        return ""


def own_version() -> str:
    try:
        return version("imp-gateway")
    except PackageNotFoundError:
        return "0"


if __name__ == "__main__":
    sys.exit(main())
