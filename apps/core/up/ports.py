"""Which ports the product listens on: the usual one, or the next that is free."""

import os
import socket
import sys
from dataclasses import dataclass

from apps.core.up.declaration import UpError

ATTEMPTS = 50
HIGHEST = 65535


@dataclass(frozen=True)
class UsualPort:
    """One that is listened on: where it's kept in the plan, who may ask for another, and what is there."""

    name: str
    option: str
    variable: str
    number: int
    what: str


USUAL_PORTS = (
    UsualPort("web_port", "--port", "PORT", 8000, "the pages"),
    UsualPort("live_port", "--live-port", "LIVE_PORT", 8001, "live updates"),
    UsualPort("agents_port", "--agents-port", "AGENTS_PORT", 7443, "agents' connections"),
    UsualPort("gateway_port", "--gateway-port", "GATEWAY_PORT", 8100, "gateways"),
)


@dataclass(frozen=True)
class ReservedPort:
    """A port that no other supervisor takes while this process lives."""

    number: int
    wanted: int
    reservation: socket.socket | None


def reserve_port(wanted: int, asked_by: str, *, what: str) -> ReservedPort:
    """`asked_by` names the option or variable that asked for exactly this port; empty if it's only the usual one."""
    if not 1 <= wanted <= HIGHEST:
        raise UpError(f"{asked_by} is {wanted}; a port is a number between 1 and {HIGHEST}.")
    if asked_by:
        try:
            return ReservedPort(wanted, wanted, _reserve(wanted))
        except PermissionError:
            raise UpError(
                f"Port {wanted} needs more rights than you have; choose one above 1023 in {asked_by}."
            ) from None
        except OSError:
            raise UpError(
                f"Port {wanted} for {what} is in use; stop what listens there or choose another one in {asked_by}."
            ) from None
    for number in range(wanted, min(wanted + ATTEMPTS, HIGHEST + 1)):
        try:
            return ReservedPort(number, wanted, _reserve(number))
        except OSError:
            continue
    raise UpError(f"No free port for {what} between {wanted} and {wanted + ATTEMPTS - 1}; name one that is free.")


def _reserve(number: int) -> socket.socket | None:
    """Fails with OSError where somebody listens, or another supervisor has chosen the port and isn't there yet."""
    with socket.socket() as probe:
        # A server that ended a moment ago must not count as one that listens
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", number))
    if sys.platform != "linux":
        return None
    # A name without a file, which the kernel frees with the process. Holding the port itself would keep the server
    # from it, and sharing it through SO_REUSEPORT would let a second server in.
    reservation = socket.socket(socket.AF_UNIX)
    try:
        reservation.bind(f"\0imp-port-{number}")
    except OSError:
        reservation.close()
        raise
    return reservation


def asked_port(usual: UsualPort, option: int | None = None) -> tuple[int, str]:
    """The port to try and who asked for it by name."""
    if option is not None:
        return option, usual.option
    raw = os.environ.get(usual.variable, "").strip()
    if not raw:
        return usual.number, ""
    if not raw.isdecimal():
        raise UpError(f"{usual.variable} is {raw}; a port is a number between 1 and {HIGHEST}.")
    return int(raw), usual.variable
