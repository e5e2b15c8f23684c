"""However an address is written, what it leads to decides. Each spelling is also tried where that is open."""

import psutil
import pytest

from tests.egress.conftest import MakeWay
from tests.egress.ways import LOOPBACK, DualStack

SPELLINGS = [
    "127.0.0.1", "127.1", "127.0.1", "2130706433", "0x7f000001", "0x7f.1", "0X7F.0.0.1", "0177.0.0.1", "017700000001",
    "0177.0.0.0x1", "127.000.000.001", "localhost", "LOCALHOST", "0.0.0.0", "0", "0x0", "[::1]",
    "[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[0:0:0:0:0:ffff:7f00:0001]", "[::]",
]  # fmt: skip
# These lead to no server of a test; where they're closed, nobody tries to connect
NOWHERE = [
    "169.254.169.254", "[fd00:ec2::254]", "[::ffff:169.254.169.254]", "2852039166", "0xa9fea9fe", "10.0.0.1",
    "192.168.0.1", "172.16.0.1", "100.100.100.200", "[fe80::1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "224.0.0.1",
    "255.255.255.255",
]  # fmt: skip


def test_no_spelling_of_this_machine_gets_through(way: MakeWay, server: DualStack) -> None:
    out = way()
    found = {host: out.ask(f"http://{host}:{server.server_port}/") for host in SPELLINGS}
    assert {host: said for host, said in found.items() if said[0] or said[1]["code"] != "EGRESS_ADDRESS"} == {}


def test_each_spelling_gets_through_where_this_machine_is_open(way: MakeWay, server: DualStack) -> None:
    """Or what the other test sees would be a spelling that leads nowhere."""
    out = way(opened=LOOPBACK)
    found = {host: out.ask(f"http://{host}:{server.server_port}/")[0] for host in SPELLINGS}
    assert {host: status for host, status in found.items() if status != 200} == {}


def test_addresses_of_metadata_and_private_networks_are_closed(way: MakeWay) -> None:
    out = way()
    found = {host: out.ask(f"http://{host}/latest/meta-data/")[1]["code"] for host in NOWHERE}
    assert set(found.values()) == {"EGRESS_ADDRESS"}


def test_the_machines_own_addresses_are_closed(way: MakeWay, server: DualStack) -> None:
    own = {each.address for many in psutil.net_if_addrs().values() for each in many if each.family.name == "AF_INET"}
    out = way()
    assert own
    assert {out.ask(f"http://{host}:{server.server_port}/")[1].get("code") for host in own} == {"EGRESS_ADDRESS"}


@pytest.mark.parametrize(
    ("target", "code"),
    [
        ("http://1.1.1.1@127.0.0.1:{port}/", "EGRESS_ADDRESS"),
        ("http://user:word@127.0.0.1:{port}/", "EGRESS_ADDRESS"),
        ("http://127.0.0.1:{port}#@1.1.1.1/", "EGRESS_ADDRESS"),
        ("http://127.0.0.1%20.example.com/", "EGRESS_ADDRESS"),
        ("http://127.0.0.1\\@example.com/", "EGRESS_ADDRESS"),
        ("http://exa mple.com/", "EGRESS_ADDRESS"),
        ("http://[::1%25lo]:{port}/", "EGRESS_ADDRESS"),
        ("http://[::1/", "EGRESS_ADDRESS"),
        ("http:///x", "EGRESS_ADDRESS"),
        ("http://127.0.0.1:0/", "EGRESS_ADDRESS"),
        ("http://127.0.0.1:99999/", "EGRESS_ADDRESS"),
        ("http://127.0.0.1:{port}/a b", "EGRESS_ADDRESS"),
        ("ftp://127.0.0.1/", "EGRESS_SCHEME"),
        ("file:///etc/passwd", "EGRESS_SCHEME"),
        ("unix:/run/x.sock", "EGRESS_SCHEME"),
        ("", "EGRESS_SCHEME"),
    ],
)
def test_what_is_written_to_deceive_is_refused(way: MakeWay, server: DualStack, target: str, code: str) -> None:
    status, said = way().ask(target.format(port=server.server_port))
    assert (status, said["code"]) == (0, code)
    assert said["message"]
