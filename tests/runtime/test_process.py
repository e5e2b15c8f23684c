"""A whole process: how it begins, what it answers on its socket, how it ends."""

import http.client
import json
import socket
from pathlib import Path
from typing import Any

import pytest

from agent.engine.instances import given
from tests.runtime.conftest import Start
from tests.runtime.processes import SPEC, Process, wait_until

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
TOO_MUCH = 10 * 1024 * 1024 + 1


# --- How it begins ---


def test_it_is_ready_when_it_can_serve(runtime: Process) -> None:
    response, body = runtime.ask("/_imp/health")
    health = json.loads(body)
    assert response.status == 200
    assert (health["ok"], health["gateway"], health["stages"]) == (True, SPEC.gateway["id"], ["dev", "staging"])
    assert health["rss"] > 10_000_000
    assert runtime.until("ready")["ms"] > 0


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("", "standard input is no JSON"),
        ("{", "standard input is no JSON"),
        ([], "it is no object"),
        ({}, "gateway.id is missing; gateway.name is missing"),
        ({**given(SPEC, Path("/s")), "stages": ["../x"], "secrets": {"A": 7}}, "stages has a stage that is no name"),
    ],
)
def test_a_configuration_that_is_wrong_ends_it_with_one_line(start: Start, wrong: Any, said: str) -> None:
    process = start(wrong)
    assert process.ended() == 78
    [line] = process.lines
    assert line.startswith(f"The configuration can't be used: {said}")


def test_no_secret_is_told_by_a_process_that_refuses(start: Start) -> None:
    process = start({**given(SPEC, Path("/s")), "listen": "", "databaseUrl": ["s3cr3t-of-a-test"]})
    process.ended()
    assert "databaseUrl is no text" in process.lines[0]
    assert "s3cr3t" not in "".join(process.lines)


def test_a_socket_that_cannot_be_made_ends_it_with_one_line(start: Start, tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(tmp_path / "r.sock"))
        process = start()
        assert process.ended() == 1
    [line] = process.lines
    assert line.startswith(f"It can't listen on {tmp_path / 'r.sock'}: AddrInUse")


# --- What it answers ---


def test_a_call_to_no_function_says_what_was_asked(runtime: Process) -> None:
    response, body = runtime.ask("/dev/user/me?token=1", method="DELETE", x_request_id="0af7651916cd43dd")
    problem = json.loads(body)
    assert (response.status, response.headers["content-type"]) == (404, "application/problem+json")
    assert response.headers["x-imp-gateway"] == SPEC.gateway["id"]
    assert (problem["type"], problem["method"], problem["path"]) == ("/errors/no-such-function", "DELETE", "/user/me")
    assert (problem["stage"], problem["request_id"]) == ("dev", "0af7651916cd43dd")
    assert "token" not in body.decode()


def test_types_are_addresses_where_the_portal_has_one(start: Start) -> None:
    process = start(problem_types="https://console.example/errors/")
    process.until("ready")
    assert json.loads(process.ask("/dev")[1])["type"] == "https://console.example/errors/no-such-function"


def test_a_head_gets_the_same_without_its_body(runtime: Process) -> None:
    head, nothing = runtime.ask("/dev/x", method="HEAD")
    get, body = runtime.ask("/dev/x")
    assert nothing == b""
    assert (head.status, head.headers["content-type"]) == (404, "application/problem+json")
    # Twice it says how it was asked
    assert int(head.headers["content-length"]) == len(body) + 2 * (len("HEAD") - len("GET"))
    assert head.headers.keys() == get.headers.keys()


def test_browsers_get_a_page_that_runs_nothing(runtime: Process) -> None:
    response, body = runtime.ask("/dev/<script>alert(1)</script>'&", accept=BROWSER, x_request_id="0af7")
    page = body.decode()
    assert (response.status, response.headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert "default-src 'none'" in response.headers["content-security-policy"]
    assert "no function for GET /&#60;script&#62;alert(1)&#60;/script&#62;&#39;&#38;" in page
    assert "<dd>0af7</dd>" in page
    assert "<script" not in page


@pytest.mark.parametrize(
    "path",
    [
        "/dev/_imp/health", "//_imp/health", "/dev/..%2f_imp/health", "/dev/%2e%2e/_imp/health", "/dev/../_imp/health",
        "/_imp%2fhealth", "/_imp/health/", "/_imp/./health", "/_IMP/health",
    ],
)  # fmt: skip
def test_no_other_path_leads_to_the_health(runtime: Process, path: str) -> None:
    answer = runtime.raw(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    assert answer.startswith(b"HTTP/1.1 404 ")
    assert b'"rss"' not in answer


@pytest.mark.parametrize("host", ["gw/_imp/health?", "gw:/_imp/health#", "ex_am ple", "[::1"])
def test_a_host_is_no_part_of_the_path(runtime: Process, host: str) -> None:
    answer = runtime.raw(f"GET /dev/user HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
    assert answer.startswith(b"HTTP/1.1 404 ")
    assert b'"path":"/user"' in answer


def test_the_gateways_own_paths_are_no_functions(runtime: Process) -> None:
    for path in ("/dev/_imp/health", "/staging/_imp", "/dev//_imp/x", "/dev/%5Fimp/x"):
        response, body = runtime.ask(path)
        assert response.status == 404
        assert json.loads(body)["detail"].startswith("Paths that begin with /_imp/"), path


def test_a_caller_from_outside_gets_no_health(runtime: Process) -> None:
    response, body = runtime.ask("/_imp/health", x_forwarded_for="203.0.113.7")
    assert (response.status, json.loads(body)["type"]) == (404, "/errors/no-such-stage")


def test_a_path_that_is_another_address_is_refused(runtime: Process) -> None:
    request = b"GET http://elsewhere/_imp/health HTTP/1.1\r\nHost: gw\r\nConnection: close\r\n\r\n"
    assert runtime.raw(request).startswith(b"HTTP/1.1 400 ")


def test_a_body_that_nobody_reads_is_taken_in(runtime: Process) -> None:
    """The connection stays good for the next call."""
    connection = runtime.connect()
    for _ in range(2):
        connection.request("POST", "/dev/x", body=b"a" * 5_000_000)
        response = connection.getresponse()
        assert (response.status, response.headers["connection"]) == (404, None)
        response.read()
    connection.close()


def test_a_body_that_is_too_large_is_refused(runtime: Process) -> None:
    connection = runtime.connect()
    connection.putrequest("POST", "/dev/x")
    connection.putheader("Content-Length", str(TOO_MUCH))
    connection.endheaders()
    answer = connection.getresponse()
    assert (answer.status, json.loads(answer.read())["type"]) == (413, "/errors/too-large")
    connection.close()


def test_a_body_of_unknown_size_is_refused_when_it_is_too_large(runtime: Process) -> None:
    with socket.socket(socket.AF_UNIX) as wire:
        wire.settimeout(20)
        wire.connect(str(runtime.socket))
        wire.sendall(b"POST /dev/x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(11):
            wire.sendall(b"100000\r\n" + b"a" * 0x100000 + b"\r\n")
        assert wire.recv(4096).startswith(b"HTTP/1.1 413 ")
    assert runtime.ask("/_imp/health")[0].status == 200


def test_what_no_reader_of_headers_can_make_sense_of_is_refused(runtime: Process) -> None:
    for request in (
        b"GET /dev HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"POST /dev HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /dev HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
        b"GET /dev HTTP/1.1\r\nHost:\r\nConnection: close\r\n\r\n",
    ):
        assert runtime.raw(request).startswith(b"HTTP/1.1 400 "), request[:40]
    assert runtime.ask("/dev")[0].status == 404


# --- How it ends ---


def half_a_call(runtime: Process) -> http.client.HTTPConnection:
    """One that goes on until the rest of its body comes."""
    connection = runtime.connect()
    connection.putrequest("POST", "/dev/slow")
    connection.putheader("Content-Length", "4")
    connection.endheaders(b"ab")

    def is_under_way() -> bool:
        return bool(json.loads(runtime.ask("/_imp/health")[1])["in_flight"] == 1)

    wait_until(is_under_way)
    return connection


def test_calls_under_way_finish_and_late_ones_are_answered(runtime: Process) -> None:
    slow = half_a_call(runtime)
    runtime.terminate()
    runtime.until("draining")
    # Sent by somebody who hasn't heard yet
    late, _ = runtime.ask("/dev/late")
    assert (late.status, late.headers["connection"]) == (404, "close")
    assert runtime.ask("/_imp/health")[0].status == 503

    assert runtime.process.poll() is None
    slow.send(b"cd")
    answer = slow.getresponse()
    assert (answer.status, json.loads(answer.read())["path"]) == (404, "/slow")
    slow.close()
    assert runtime.ended() == 0
    assert runtime.events("drained") == [{"event": "drained", "cut": 0}]


def test_nobody_is_waited_for_longer_than_the_limit(start: Start, tmp_path: Path) -> None:
    runtime = start({**given(SPEC, tmp_path / "r.sock"), "drainSeconds": 0.4})
    runtime.until("ready")
    slow = half_a_call(runtime)
    runtime.terminate()
    assert runtime.ended() == 0
    assert runtime.events("drained") == [{"event": "drained", "cut": 1}]
    slow.close()


def test_asked_twice_it_ends_once(runtime: Process) -> None:
    runtime.terminate()
    runtime.until("draining")
    runtime.terminate()
    assert runtime.ended() == 0
    assert len(runtime.events("draining")) == 1
