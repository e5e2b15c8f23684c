"""Which addresses are somebody's on the internet, and which hosts a list means."""

from ipaddress import ip_address

import pytest

from agent.egress.rules import Rules, is_public, read_networks

CLOSED = [
    "0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.127.255.255", "127.0.0.1", "127.255.0.1",
    "169.254.169.254", "169.254.170.2", "172.16.0.1", "172.31.255.255", "192.0.0.8", "192.0.2.1", "192.88.99.1",
    "192.168.1.1", "198.18.0.1", "198.19.255.255", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255",
    "240.0.0.1", "255.255.255.255",
    "::", "::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::ffff:7f00:1", "::127.0.0.1",
    "64:ff9b::7f00:1", "64:ff9b:1::1", "100::1", "2001::1", "2001:2::1", "2001:10::1", "2001:20::1", "2001:db8::1",
    "2002:7f00:1::1", "2002:a00:1::", "3fff::1", "5f00::1", "fc00::1", "fd00:ec2::254", "fe80::1", "fec0::1", "ff02::1",
]  # fmt: skip
OPEN = [
    "1.1.1.1", "8.8.8.8", "100.63.255.255", "100.128.0.1", "126.255.255.255", "128.0.0.1", "169.253.1.1", "172.15.0.1",
    "172.32.0.1", "192.167.1.1", "193.0.0.1", "198.17.1.1", "223.255.255.255", "2606:4700::1111", "2a00:1450::1",
    "::ffff:8.8.8.8",
]  # fmt: skip


@pytest.mark.parametrize("address", CLOSED)
def test_what_is_nobodys_on_the_internet_is_closed(address: str) -> None:
    assert not is_public(ip_address(address))
    assert not Rules("public").allows_address(address)


@pytest.mark.parametrize("address", OPEN)
def test_what_is_somebodys_is_open(address: str) -> None:
    assert is_public(ip_address(address))


def test_who_runs_the_agent_may_open_more() -> None:
    rules = Rules("public", opened=read_networks(["10.1.0.0/16", "fd00::/64"]))
    assert rules.allows_address("10.1.2.3")
    assert rules.allows_address("::ffff:10.1.2.3")
    assert rules.allows_address("fd00::5")
    assert not rules.allows_address("10.2.2.3")
    assert not rules.allows_address("fd00:0:0:1::5")


def test_a_scope_is_a_link_of_this_machine() -> None:
    assert not Rules("public", opened=read_networks(["::/0"])).allows_address("fe80::1%lo")


@pytest.mark.parametrize(
    ("host", "port", "allowed"),
    [
        ("api.example.com", 443, True), ("API.example.com.", 80, True), ("example.com", 443, False),
        ("evil-api.example.com", 443, False), ("api.example.com.evil.com", 443, False),
        ("a.parts.example.org", 443, True), ("a.b.parts.example.org", 443, True), ("parts.example.org", 443, False),
        ("xparts.example.org", 443, False), ("db.example.net", 8443, True), ("db.example.net", 443, False),
    ],
)  # fmt: skip
def test_a_list_means_its_hosts_alone(host: str, port: int, allowed: bool) -> None:
    rules = Rules("listed", ("api.example.com", "*.parts.example.org", "db.example.net:8443"))
    assert rules.allows_host(host, port) is allowed
    assert Rules("public").allows_host(host, port)
    assert not Rules("none").allows_host(host, port)
