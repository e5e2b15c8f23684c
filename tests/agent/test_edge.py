"""What comes from outside through the real Envoy: what of it reaches a gateway, and what doesn't."""

import json
import re
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from agent.engine import listeners
from tests.agent.echo import Echo, echoed
from tests.agent.place import Gateway, Place
from tests.fleet.processes import wait_until

HOST = "echo.dev.localhost"
REAL = "parcels.dev.localhost"


@dataclass
class Edge:
    place: Place
    echo: Echo

    def send(self, request: bytes, *, within: float = 10) -> bytes:
        """Everything that comes back until the other side closes, or says no more."""
        with socket.create_connection(("127.0.0.1", self.place.port), timeout=within) as wire:
            wire.sendall(request)
            found = b""
            try:
                while more := wire.recv(65_536):
                    found += more
            except ConnectionResetError:
                pass
            return found

    def get(self, path: str = "/", host: str = HOST, method: str = "GET", **headers: str) -> bytes:
        lines = [f"{method} {path} HTTP/1.1", f"Host: {host}", "Connection: close"]
        lines += [f"{name.replace('__', '-')}: {value}" for name, value in headers.items()]
        return self.send(("\r\n".join(lines) + "\r\n\r\n").encode())

    def seen(self, *arguments: Any, **more: Any) -> dict[str, str]:
        """The headers that came to the gateway."""
        return echoed(self.get(*arguments, **more))[1]


@pytest.fixture(scope="module")
def edge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Edge]:
    """A gateway whose process says what came to it, beside a real one."""
    folder = tmp_path_factory.mktemp("edge")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(listeners, "HEADERS_WITHIN", "1s")
        place = Place(folder)
    echo = Echo(folder / "e.sock")
    try:
        gateway = Gateway("echo")
        destination = listeners.Destination(place.engine.resources, "runtime/echo/all")
        place._in_loop(lambda: destination.lead_to([Path(echo.server_address)]))  # type: ignore[arg-type]
        place.apply(gateway.namespace(), gateway.routes())
        place.bring_up(Gateway("parcels"))
        edge = Edge(place, echo)
        wait_until(lambda: edge.get().startswith(b"HTTP/1.1 200 "), what="the echo")
        yield edge
    finally:
        place.stop()
        echo.end()


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1]) if answer else 0


def problem(answer: bytes) -> dict[str, Any]:
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"content-type: application/problem+json" in head.lower()
    found: dict[str, Any] = json.loads(body)
    return found


# --- What a caller says about itself ---


@pytest.mark.parametrize("name", listeners.NOT_FROM_CALLERS)
def test_a_caller_cannot_say_what_only_the_engine_knows(edge: Edge, name: str) -> None:
    said = edge.seen(**{name.replace("-", "__"): "spoofed.example"})
    assert "spoofed.example" not in said.values()


def test_the_engine_says_who_calls(edge: Edge) -> None:
    seen = edge.seen(x__forwarded__for="203.0.113.7, 10.0.0.1")
    # For calls from this machine Envoy names an address of the machine's
    assert re.fullmatch(r"[\d.]+", seen["x-forwarded-for"])
    assert "203.0.113.7" not in seen["x-forwarded-for"]
    assert seen["x-forwarded-proto"] == "http"


@pytest.mark.parametrize("name", ["x-imp-gateway", "x-imp-anything", "X-Imp-Consumer", "x-envoy-retry-on", "imp-probe"])
def test_our_own_headers_come_from_nobody_else(edge: Edge, name: str) -> None:
    assert "spoofed" not in edge.seen(**{name.replace("-", "__"): "spoofed"}).values()


def test_headers_with_underscores_are_dropped(edge: Edge) -> None:
    """Programs that read headers as variables would take them for the ones with dashes."""
    assert "spoofed" not in edge.seen(x_forwarded_for="spoofed", x_imp_gateway="spoofed").values()


def test_others_come_through(edge: Edge) -> None:
    assert edge.seen(x__impress="kept", authorization="Bearer kept")["x-impress"] == "kept"


def test_a_request_id_is_the_engines(edge: Edge) -> None:
    answer = edge.get(x__request__id="chosen-by-the-caller")
    seen = echoed(answer)[1]["x-request-id"]
    assert re.fullmatch(r"[0-9a-f-]{36}", seen)
    assert f"x-request-id: {seen}".encode() in answer


def test_the_probes_secret_reaches_no_function_and_its_calls_no_log(edge: Edge) -> None:
    log = edge.place.engine.access_log.file
    secret = edge.place.engine._routes.probe
    assert secret not in edge.seen("/probed", imp__probe=secret).values()
    edge.get("/not-probed", imp__probe="guessed")
    wait_until(lambda: "/not-probed" in log.read_text(), what="the log")
    assert "/probed" not in log.read_text()


# --- Which gateway ---


@pytest.mark.parametrize("host", ["ECHO.Dev.localhost", f"{HOST}:80", f"{HOST}:8443", f"{HOST}.", f"{HOST}.:80"])
def test_spellings_of_a_host_lead_to_it(edge: Edge, host: str) -> None:
    assert status(edge.get(host=host)) == 200


@pytest.mark.parametrize(
    "host",
    ["", "elsewhere.localhost", "localhost", f"x.{HOST}", f"{HOST}:/_imp/health?", f"{HOST}@a", f"{HOST}/x", "[::1]"],
)
def test_no_other_host_does(edge: Edge, host: str) -> None:
    before = len(edge.echo.heads)
    answer = edge.get(host=host)
    assert status(answer) in (400, 404)
    assert len(edge.echo.heads) == before


def test_an_unknown_host_gets_a_problem_with_its_request_id(edge: Edge) -> None:
    answer = edge.get(host="elsewhere.localhost")
    said = problem(answer)
    assert (said["type"], said["status"]) == ("/errors/no-such-host", 404)
    assert f"x-request-id: {said['request_id']}".encode() in answer


def test_two_hosts_in_one_call_are_refused(edge: Edge) -> None:
    before = len(edge.echo.heads)
    answer = edge.send(f"GET / HTTP/1.1\r\nHost: {HOST}\r\nHost: {REAL}\r\nConnection: close\r\n\r\n".encode())
    assert status(answer) in (400, 404)
    assert len(edge.echo.heads) == before


def test_an_address_in_place_of_a_path_names_the_host(edge: Edge) -> None:
    answer = edge.send(f"GET http://{HOST}/there HTTP/1.1\r\nHost: {REAL}\r\nConnection: close\r\n\r\n".encode())
    line, headers = echoed(answer)
    assert (line, headers["host"]) == ("GET /dev/there HTTP/1.1", HOST)


# --- Which path ---


@pytest.mark.parametrize(
    ("path", "came"),
    [
        ("/", "/dev/"),
        ("/user/me?a=/../b", "/dev/user/me?a=/../b"),
        ("//user///me", "/dev/user/me"),
        ("/a/../../../_imp/health", "/dev/_imp/health"),
        ("/%2e%2e/%2E%2e/_imp/health", "/dev/_imp/health"),
        ("/..%2f..%2f_imp/health", "/dev/..%2f..%2f_imp/health"),
        ("/a%2Fb%5Cc%00d", "/dev/a%2Fb%5Cc%00d"),
        ("/a\\..\\..\\b", "/dev/b"),
    ],
)
def test_no_path_leaves_its_stage(edge: Edge, path: str, came: str) -> None:
    answer = edge.get(path)
    if status(answer) == 400:
        assert "%00" in path
        return
    assert echoed(answer)[0] == f"GET {came} HTTP/1.1"


@pytest.mark.parametrize(
    "path",
    [
        "/_imp/health",
        "//_imp/health",
        "/../_imp/health",
        "/..%2f_imp/health",
        "/%2e%2e/_imp/health",
        "/..\\_imp/health",
    ],
)
def test_the_health_of_a_process_is_not_for_callers(edge: Edge, path: str) -> None:
    answer = edge.get(path, host=REAL)
    assert problem(answer)["type"] == "/errors/no-such-function"
    address = f"GET http://{REAL}{path} HTTP/1.1\r\nHost: {REAL}\r\nConnection: close\r\n\r\n"
    assert problem(edge.send(address.encode()))["type"] == "/errors/no-such-function"


@pytest.mark.parametrize("path", ["/_imp/anything", "/_imp", "//_imp/x", "/%5fimp/x", "/a/../_imp/x", "/_imp%2fx"])
def test_the_gateways_own_paths_lead_to_no_function(edge: Edge, path: str) -> None:
    assert problem(edge.get(path, host=REAL))["detail"].startswith("Paths that begin with /_imp/ are the gateway's")


def test_a_fragment_is_no_part_of_a_path(edge: Edge) -> None:
    assert status(edge.get("/a#/../b")) == 400


# --- What is no call ---

SMUGGLED = f"GET /smuggled HTTP/1.1\r\nHost: {HOST}\r\n\r\n"


@pytest.mark.parametrize(
    "headers",
    [
        "Content-Length: {size}\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nContent-Length: {size}",
        "Content-Length: 0\r\nContent-Length: {size}",
        "Transfer-Encoding: chunked, identity",
        "Transfer-Encoding: xchunked",
        "Transfer-Encoding: identity, chunked",
        "Transfer-Encoding : chunked",
        "Content-Length: +0",
        "Content-Length: 0x0",
        "X: a\0b",
    ],
)
def test_no_call_is_hidden_in_another(edge: Edge, headers: str) -> None:
    body = f"0\r\n\r\n{SMUGGLED}"
    head = f"POST /outer HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n{headers.format(size=len(body))}\r\n\r\n"
    answer = edge.send(f"{head}{body}".encode())
    assert status(answer) in (0, 400, 501)
    assert answer.count(b"HTTP/1.1 ") <= 1
    assert not [each for each in edge.echo.heads if "/smuggled" in each]


@pytest.mark.parametrize("header", ["X: y\r\n Content-Length: {size}", "X: a\rContent-Length: {size}"])
def test_a_line_that_goes_on_is_no_other_header(edge: Edge, header: str) -> None:
    """Refused, or the value of the one that it's in, as whoever reads it next sees it too."""
    call = f"POST /outer HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n{header.format(size=len(SMUGGLED))}\r\n\r\n"
    answer = edge.send(f"{call}{SMUGGLED}".encode())
    if status(answer) != 400:
        assert echoed(answer)[1]["content-length"] == "0"
    assert not [each for each in edge.echo.heads if "/smuggled" in each or re.search(r"\r[^\n]|[^\r]\n", each)]


def test_two_calls_on_one_connection_are_two(edge: Edge) -> None:
    """Or the test above would count nothing."""
    first = f"GET /one HTTP/1.1\r\nHost: {HOST}\r\n\r\n"
    second = f"GET /two HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n"
    assert edge.send((first + second).encode()).count(b"HTTP/1.1 200 ") == 2


def test_headers_that_are_too_large_are_refused(edge: Edge) -> None:
    assert status(edge.get(x__big="a" * 70_000)) == 431
    assert status(edge.get("/" + "a" * 70_000)) == 431
    assert status(edge.get(x__big="a" * 40_000)) == 200


def test_so_many_headers_are_refused_but_all_that_come_through_are_taken(edge: Edge) -> None:
    many = {f"x-{number}": "1" for number in range(120)}
    assert status(edge.get(**many)) == 431
    most = {f"x-{number}": "1" for number in range(97)}
    assert status(edge.get(host=REAL, **most)) == 404


def test_a_head_that_never_ends_is_not_waited_for(edge: Edge) -> None:
    answer = edge.send(f"GET / HTTP/1.1\r\nHost: {HOST}\r\nX: ".encode())
    assert status(answer) == 408


@pytest.mark.parametrize("method", ["TRACE", "trace", "CONNECT"])
def test_methods_that_are_for_proxies_are_refused(edge: Edge, method: str) -> None:
    before = len(edge.echo.heads)
    target = f"{HOST}:80" if method == "CONNECT" else "/"
    answer = edge.send(f"{method} {target} HTTP/1.1\r\nHost: {HOST}\r\nCookie: a\r\nConnection: close\r\n\r\n".encode())
    assert status(answer) in (400, 403, 404, 405, 501)
    assert b"Cookie" not in answer
    assert len(edge.echo.heads) == before


# --- What else HTTP can do ---


def test_a_web_socket_is_a_web_socket(edge: Edge) -> None:
    with socket.create_connection(("127.0.0.1", edge.place.port), timeout=10) as wire:
        wire.sendall(
            f"GET /live HTTP/1.1\r\nHost: {HOST}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        head = b""
        while b"\r\n\r\n" not in head:
            head += wire.recv(4096)
        assert head.startswith(b"HTTP/1.1 101 ")
        wire.sendall(b"there and back")
        assert wire.recv(4096) == b"there and back"


def test_no_other_upgrade_is(edge: Edge) -> None:
    before = len(edge.echo.heads)
    request = f"GET / HTTP/1.1\r\nHost: {HOST}\r\nConnection: Upgrade, close\r\nUpgrade: tunnel\r\n\r\n"
    assert status(edge.send(request.encode())) == 403
    assert len(edge.echo.heads) == before


def test_http_2_needs_no_upgrade(edge: Edge) -> None:
    """With knowledge of it, as gRPC and load balancers have. The first frame of the answer is the settings'."""
    with socket.create_connection(("127.0.0.1", edge.place.port), timeout=10) as wire:
        wire.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\x04\0\0\0\0\0")
        frame = wire.recv(9, socket.MSG_WAITALL)
        settings = wire.recv(int.from_bytes(frame[:3], "big"), socket.MSG_WAITALL)
    assert frame[3] == 4
    values = {
        int.from_bytes(settings[at : at + 2], "big"): int.from_bytes(settings[at + 2 : at + 6], "big")
        for at in range(0, len(settings), 6)
    }
    # How many calls at once
    assert values[3] == 100


def test_a_long_body_comes_to_its_end_and_a_refusal_back(edge: Edge) -> None:
    for size, expected in ((3_000_000, 404), (11 * 1024 * 1024, 413)):
        head = f"POST /x HTTP/1.1\r\nHost: {REAL}\r\nConnection: close\r\nContent-Length: {size}\r\n\r\n".encode()
        with socket.create_connection(("127.0.0.1", edge.place.port), timeout=10) as wire:
            wire.sendall(head)
            if expected == 404:
                wire.sendall(b"a" * size)
            assert status(wire.recv(4096)) == expected


def test_what_is_logged_is_a_line_of_json_whatever_was_asked(edge: Edge) -> None:
    log = edge.place.engine.access_log.file
    edge.get('/?"}{"status":"200"')
    wait_until(lambda: '{\\"status' in log.read_text(), what="the log")
    for line in log.read_text().splitlines():
        assert {"at", "host", "path", "status"} <= json.loads(line).keys()
