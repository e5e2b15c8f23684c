"""What the way out passes on, and how it refuses."""

import asyncio
import json
import socket
import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from agent.egress import resolving
from agent.egress.resolving import Refused, connect, trusted_authorities
from agent.egress.rules import Rules, read_networks
from tests.egress.conftest import MakeWay
from tests.egress.ways import LOOPBACK, DualStack, Elsewhere, Way, elsewhere
from tests.runtime.processes import wait_until


@pytest.fixture
def out(way: MakeWay) -> Way:
    return way(opened=LOOPBACK)


def test_a_request_arrives_as_its_function_sent_it(out: Way, server: DualStack) -> None:
    sent = {"x-own": "1", "authorization": "Bearer t", "proxy-authorization": "no", "x-imp-more": "kept"}
    status, asked = out.ask(f"http://127.0.0.1:{server.server_port}/a/b?c=%20d", headers=sent)
    assert (status, asked["path"]) == (200, "/a/b?c=%20d")
    headers = asked["headers"]
    assert (headers["x-own"], headers["authorization"]) == ("1", "Bearer t")
    assert headers["host"] == f"127.0.0.1:{server.server_port}"
    assert not {"x-imp-target", "x-imp-mark", "proxy-authorization"} & headers.keys()


def test_bodies_come_and_go_bit_by_bit(out: Way, server: DualStack) -> None:
    connection = out.begin(f"http://localhost:{server.server_port}/", "POST", headers={"transfer-encoding": "chunked"})
    assert connection.sock
    connection.sock.sendall(b"3\r\none\r\n")
    response = connection.getresponse()
    assert response.read1() == b"ONE"
    # The first part has come back before the second was sent
    connection.sock.sendall(b"3\r\ntwo\r\n")
    assert response.read1() == b"TWO"
    connection.sock.sendall(b"0\r\n\r\n")
    assert response.read() == b""
    connection.close()


def test_who_gives_up_ends_the_other_connection_too(out: Way, server: DualStack) -> None:
    connection = out.begin(f"http://localhost:{server.server_port}/", "POST", headers={"transfer-encoding": "chunked"})
    assert connection.sock
    connection.sock.sendall(b"3\r\none\r\n")
    response = connection.getresponse()
    assert response.read1() == b"ONE"
    before = threading.active_count()
    response.close()
    connection.close()
    wait_until(lambda: threading.active_count() < before)
    assert server.seen == []  # type: ignore[attr-defined]


def test_rules_hold_from_the_moment_they_change(out: Way, server: DualStack) -> None:
    target = f"http://localhost:{server.server_port}/"
    assert out.ask(target)[0] == 200
    out.serve("none")
    assert out.ask(target)[1] == {
        "code": "EGRESS_HOST",
        "message": "This gateway's functions may connect nowhere (Settings, Outgoing calls).",
    }
    out.serve("listed", ["api.example.com"])
    assert "isn't among the hosts" in out.ask(target)[1]["message"]
    out.serve("listed", ["localhost"])
    assert out.ask(target)[0] == 200


def test_a_gateway_that_is_gone_has_no_way_out(out: Way) -> None:
    out.tell({})
    assert not out.socket.exists()


def test_nobody_there_and_no_such_name_are_told_apart(out: Way) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        port = nobody.getsockname()[1]
        assert out.ask(f"http://127.0.0.1:{port}/")[1]["code"] == "EGRESS_UNREACHABLE"
    assert out.ask("http://no-such-host.invalid/")[1]["code"] == "EGRESS_NAME"


def test_a_tunnel_is_no_request(out: Way, server: DualStack) -> None:
    assert out.ask(f"http://127.0.0.1:{server.server_port}/", "CONNECT")[1]["code"] == "EGRESS_REQUEST"


class Liar(Elsewhere):
    def do_GET(self) -> None:
        self.send_response(502)
        self.send_header("x-imp-mark", "guessed")
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"{}")


def test_a_server_cannot_speak_for_the_proxy(way: MakeWay) -> None:
    with elsewhere(Liar) as server:
        assert way(opened=LOOPBACK).ask(f"http://127.0.0.1:{server.server_port}/") == (502, {})


# --- TLS ---


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for localhost that is its own authority; with its key beside it."""
    folder = tmp_path_factory.mktemp("authority")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return folder


@pytest.fixture
def secured(authority: Path) -> Iterator[DualStack]:
    with elsewhere() as server:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(authority / "cert.pem", authority / "key.pem")
        server.socket = context.wrap_socket(server.socket, server_side=True)
        yield server


def test_a_secured_server_is_reached_where_its_certificate_is_trusted(
    way: MakeWay, secured: DualStack, authority: Path
) -> None:
    out = way(opened=LOOPBACK, SSL_CERT_FILE=str(authority / "cert.pem"))
    assert out.ask(f"https://localhost:{secured.server_port}/x")[0] == 200
    # Whose name isn't in it is somebody else
    assert out.ask(f"https://127.0.0.1:{secured.server_port}/x")[1]["code"] == "EGRESS_CERTIFICATE"


def test_a_certificate_that_nobody_vouches_for_is_refused(way: MakeWay, secured: DualStack) -> None:
    said = way(opened=LOOPBACK).ask(f"https://localhost:{secured.server_port}/x")[1]
    assert said["code"] == "EGRESS_CERTIFICATE"
    assert "isn't trusted" in said["message"]


def test_what_speaks_no_tls_is_told(way: MakeWay, server: DualStack) -> None:
    assert way(opened=LOOPBACK).ask(f"https://localhost:{server.server_port}/x")[1]["code"] == "EGRESS_TLS"


# --- Names that say something else the next time ---


class Rebinding:
    """A name server that answers with the next of its answers each time."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)
        self.asked = 0

    def __call__(self, host: str, port: int) -> list[tuple[socket.AddressFamily, Any]]:
        found = self.answers[min(self.asked, len(self.answers) - 1)]
        self.asked += 1
        return [(socket.AF_INET, (address, port)) for address in found]


def reach(rules: Rules, port: int) -> dict[str, Any]:
    async def go() -> bytes:
        trusted = trusted_authorities()
        reader, writer = await connect(rules, "rebinding.example", port, secured=False, trusted=trusted)
        writer.write(b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        found = await reader.read()
        writer.close()
        return found

    answer = asyncio.run(go())
    return dict(json.loads(answer.partition(b"\r\n\r\n")[2]))


def test_the_address_that_was_checked_is_the_one_that_is_connected_to(
    monkeypatch: pytest.MonkeyPatch, server: DualStack
) -> None:
    names = Rebinding(["127.0.0.1"], ["127.0.0.9"])
    monkeypatch.setattr(resolving, "_look_up", names)
    # Only the first is open: had it been asked again, the second would have been connected to, or refused
    assert reach(Rules("public", opened=read_networks(["127.0.0.1/32"])), server.server_port)["path"] == "/"
    assert names.asked == 1


def test_a_name_with_both_kinds_of_addresses_leads_to_the_open_ones(
    monkeypatch: pytest.MonkeyPatch, server: DualStack
) -> None:
    monkeypatch.setattr(resolving, "_look_up", Rebinding(["127.0.0.9", "127.0.0.1"]))
    opened = read_networks(["127.0.0.1/32"])
    assert reach(Rules("public", opened=opened), server.server_port)["path"] == "/"
    monkeypatch.setattr(resolving, "_look_up", Rebinding(["127.0.0.9", "10.0.0.1"]))
    with pytest.raises(Refused) as refused:
        reach(Rules("public", opened=opened), server.server_port)
    assert refused.value.code == "EGRESS_ADDRESS"
