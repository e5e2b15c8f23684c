"""From a host's name to a connection with one of its addresses, which is the one that was checked."""

import asyncio
import socket
import ssl
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import certifi

from agent.egress.rules import Rules

RESOLVE_WITHIN, CONNECT_WITHIN, TLS_WITHIN = 5.0, 5.0, 10.0
# Somebody's slow name server keeps a thread for as long as the system asks it
RESOLVERS = 32
READ_AHEAD = 64 * 1024

_resolvers = ThreadPoolExecutor(RESOLVERS, thread_name_prefix="resolve")


class Refused(Exception):
    """Why there is no connection: a code for programs, and words for whoever wrote the function."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


async def connect(
    rules: Rules, host: str, port: int, *, secured: bool, trusted: ssl.SSLContext
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    if not rules.allows_host(host, port):
        raise Refused("EGRESS_HOST", _why_not_host(rules, host))
    addresses = await _resolve(host, port)
    allowed = [each for each in addresses if rules.allows_address(each[1][0])]
    if not allowed:
        raise Refused("EGRESS_ADDRESS", f"{host} leads to an address that functions can't connect to.")
    for family, address in allowed:
        wire = socket.socket(family, socket.SOCK_STREAM)
        wire.setblocking(False)
        try:
            async with asyncio.timeout(CONNECT_WITHIN):
                # By the address itself: asked again, its name server might say another
                await asyncio.get_running_loop().sock_connect(wire, address)
        except OSError:
            wire.close()
            continue
        except BaseException:
            wire.close()
            raise
        return await _opened(wire, host, secured=secured, trusted=trusted)
    raise Refused("EGRESS_UNREACHABLE", f"{host} doesn't answer at port {port}.")


async def _resolve(host: str, port: int) -> list[tuple[socket.AddressFamily, Any]]:
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(RESOLVE_WITHIN):
            found = await loop.run_in_executor(_resolvers, _look_up, host, port)
    except TimeoutError:
        raise Refused("EGRESS_NAME", f"The name {host} couldn't be resolved in time.") from None
    except (OSError, UnicodeError):
        raise Refused("EGRESS_NAME", f"There is no host {host}.") from None
    return found


def _look_up(host: str, port: int) -> list[tuple[socket.AddressFamily, Any]]:
    return [(family, address) for family, *_, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


async def _opened(
    wire: socket.socket, host: str, *, secured: bool, trusted: ssl.SSLContext
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    more: dict[str, Any] = {}
    if secured:
        more = {"ssl": trusted, "server_hostname": host.strip("[]"), "ssl_handshake_timeout": TLS_WITHIN}
    try:
        return await asyncio.open_connection(sock=wire, limit=READ_AHEAD, **more)
    except ssl.SSLCertVerificationError as error:
        raise Refused(
            "EGRESS_CERTIFICATE", f"The certificate of {host} isn't trusted: {error.verify_message}."
        ) from None
    except OSError:
        raise Refused("EGRESS_TLS", f"No secured connection to {host} came about.") from None


def _why_not_host(rules: Rules, host: str) -> str:
    if rules.mode == "listed":
        return f"{host} isn't among the hosts that this gateway's functions may connect to (Settings, Outgoing calls)."
    return "This gateway's functions may connect nowhere (Settings, Outgoing calls)."


def trusted_authorities() -> ssl.SSLContext:
    """Those of this machine; where it has none, those of browsers."""
    context = ssl.create_default_context()
    if not context.get_ca_certs() and not context.cert_store_stats()["x509"]:
        context.load_verify_locations(certifi.where())
    return context
