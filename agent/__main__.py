"""`imp-agent`: brings about in this place what the portal wants there."""

import argparse
import asyncio
import contextlib
import os
import signal
import sys
import tomllib
from ipaddress import ip_network
from pathlib import Path

# Before gRPC is imported: this program starts others, and none of them is a copy of itself. What matters of what it
# writes by itself is in the errors that it raises
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")
os.environ.setdefault("GRPC_VERBOSITY", "NONE")

from agent import logs
from agent.appliers.base import Applier
from agent.appliers.local import LocalApplier
from agent.appliers.memory import MemoryApplier
from agent.begin import CannotBegin, address_of, locked_folder, require_free_port, take_all_files
from agent.client import Client
from agent.engine.machine import Engine, socket_folder
from agent.store import Store
from agent.trust import credentials_for

PULSE_SECONDS = 1.0
CANNOT_BEGIN = 3

EXAMPLES = """\
examples:
  imp-agent --token-file token
      beside a portal on this machine
  imp-agent --portal portal.example.com:7443 --token-file /etc/imp/token --state /var/lib/imp --listen 0.0.0.0:80
      for a portal elsewhere; the connection is TLS, checked with the system's authorities
  imp-agent --portal portal.example.com:7443 --ca authority.pem …
      where the portal's certificate is signed by an authority of your own

Gateways go on without the portal, and start again without it. SIGTERM ends the agent and all that it runs.
SIGHUP: replace Envoy without dropping a call; it's also done when another Envoy is installed.
Exit code 0: ended as asked. 2: the options are wrong. 3: it can't begin here; the last line says why.
"""


def main() -> int:
    options = parsed()
    logs.configure()
    try:
        with locked_folder(options.state.resolve()):
            asyncio.run(run(options))
    except CannotBegin as error:
        print(f"imp-agent: {error}", file=sys.stderr)  # noqa: T201
        return CANNOT_BEGIN
    return 0


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="imp-agent", description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--portal",
        metavar="HOST:PORT",
        default=os.environ.get("IMP_PORTAL", "127.0.0.1:7443"),
        help="the portal's address for agents (IMP_PORTAL; %(default)s)",
    )
    parser.add_argument(
        "--state",
        metavar="FOLDER",
        type=Path,
        default=Path(os.environ.get("IMP_AGENT_STATE", ".imp/agent")),
        help="where it keeps who it is and what it runs (IMP_AGENT_STATE; %(default)s)",
    )
    parser.add_argument(
        "--listen",
        metavar="HOST:PORT",
        default=os.environ.get("IMP_GATEWAYS", "127.0.0.1:8100"),
        help="where gateways answer (IMP_GATEWAYS; %(default)s)",
    )
    parser.add_argument(
        "--token-file",
        metavar="FILE",
        type=Path,
        help="holds the registration token of its cluster; read whenever it's needed, so a new one may be put there",
    )
    parser.add_argument(
        "--ca", metavar="FILE", type=Path, help="the authority that signed the portal's certificate, as PEM"
    )
    parser.add_argument(
        "--egress-allow",
        metavar="NETWORK",
        action="append",
        type=network,
        default=os.environ.get("IMP_EGRESS_ALLOW", "").split(),
        help="addresses that functions may connect to though they aren't public, such as 10.20.0.0/16; may be given"
        " several times (IMP_EGRESS_ALLOW, with spaces between; none)",
    )
    parser.add_argument(
        "--applier",
        choices=["local", "memory"],
        default="local",
        help="local: run gateways on this machine; memory: only remember them, to try out delivery (%(default)s)",
    )
    parser.add_argument("--version", action="version", version=f"imp-agent {own_version()}")
    return parser.parse_args()


async def run(options: argparse.Namespace) -> None:
    state: Path = options.state.resolve()
    credentials = credentials_for(options.portal, options.ca)
    if sys.version_info < (3, 12):
        # Newer ones do so by themselves: no thread for each process
        watcher = asyncio.PidfdChildWatcher()
        watcher.attach_loop(asyncio.get_running_loop())
        asyncio.set_child_watcher(watcher)
    take_all_files()
    try:
        store = Store(state)
        applier = applier_of(options, state)
    except OSError as error:
        raise CannotBegin(f"Can't write to {state}: {error.strerror}. Choose another folder with --state.") from None
    client = Client(
        options.portal,
        store,
        applier,
        version=own_version(),
        registration_token=lambda: _read(options.token_file),
        credentials=credentials,
    )
    loop = asyncio.get_running_loop()
    has_terminal = sys.stderr.isatty()

    def hang_up() -> None:
        # Also the system's word that the terminal has gone from which it was started
        client.stop() if has_terminal and not sys.stderr.isatty() else applier.renew()

    loop.add_signal_handler(signal.SIGHUP, hang_up)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, client.stop)
    pulse = asyncio.create_task(beat(state / "pulse"))
    try:
        await client.run()
    except OSError as error:
        # Once it has begun, it goes on without whatever it can't write
        raise CannotBegin(f"{error.filename or state}: {error.strerror}. Mend it, or choose another folder.") from None
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
    host, port = address_of(options.listen, option="--listen")
    require_free_port(host, port)
    opened = options.egress_allow
    return LocalApplier(Engine(state / "engine", socket_folder(state), host=host, port=port, opened=opened))


def network(text: str) -> str:
    return str(ip_network(text))


def _read(file: Path | None) -> str:
    try:
        return file.read_text().strip() if file else ""
    except (OSError, UnicodeDecodeError):
        return ""


def own_version() -> str:
    """Of the folder that it runs from, which is no installed package."""
    try:
        found = tomllib.loads((Path(__file__).resolve().parents[1] / "pyproject.toml").read_text())
        return str(found["project"]["version"])
    except (OSError, ValueError, KeyError):
        return "unknown"


if __name__ == "__main__":
    sys.exit(main())
