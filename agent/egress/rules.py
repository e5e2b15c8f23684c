"""Where functions of a gateway may connect to. Addresses decide, never how somebody wrote them."""

import socket
from collections.abc import Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

MODES = ("public", "listed", "none")

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

# Of the registries of special addresses, all that isn't somebody's on the internet
_CLOSED_4 = tuple(
    IPv4Network(each)
    for each in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
        "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
        "224.0.0.0/4", "240.0.0.0/4",
    )
)  # fmt: skip
# What is given out at all, and of it what leads elsewhere: tunnels to IPv4, documentation, protocols' own
_OPEN_6 = IPv6Network("2000::/3")
_CLOSED_6 = tuple(IPv6Network(each) for each in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"))


def is_public(address: Address) -> bool:
    """Somebody's on the internet, and not this machine's own."""
    address = plain(address)
    if isinstance(address, IPv4Address):
        is_closed = any(address in network for network in _CLOSED_4)
    else:
        is_closed = address not in _OPEN_6 or any(address in network for network in _CLOSED_6)
    return not is_closed and not is_own(address)


def plain(address: Address) -> Address:
    """An IPv4 address that is written as one of IPv6, as the system connects to it."""
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def is_own(address: Address) -> bool:
    """This machine has it: what listens here on all addresses may trust that nobody outside gets to it."""
    family = socket.AF_INET if isinstance(address, IPv4Address) else socket.AF_INET6
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.bind((str(address), 0))
    except OSError:
        return False
    return True


def read_networks(texts: Sequence[str]) -> tuple[Network, ...]:
    """ValueError: one of them is none."""
    return tuple(ip_network(text) for text in texts)


@dataclass(frozen=True)
class Rules:
    mode: str
    # `api.example.com`, `*.example.com`, either with a port
    hosts: tuple[str, ...] = ()
    # Whoever runs the agent has opened them to all gateways
    opened: tuple[Network, ...] = field(default=())

    def allows_host(self, host: str, port: int) -> bool:
        if self.mode == "listed":
            return any(_matches(pattern, host.lower().rstrip("."), port) for pattern in self.hosts)
        return self.mode == "public"

    def allows_address(self, text: str) -> bool:
        # A scope leads to a link of this machine
        if "%" in text:
            return False
        address = plain(ip_address(text))
        return any(address.version == each.version and address in each for each in self.opened) or is_public(address)


def _matches(pattern: str, host: str, port: int) -> bool:
    name, _, wanted_port = pattern.partition(":")
    if wanted_port and wanted_port != str(port):
        return False
    return host.endswith(name[1:]) if name.startswith("*.") else host == name
