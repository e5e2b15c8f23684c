"""The way out as the engine runs it: its process, a gateway's socket, and somebody to connect to."""

import contextlib
import http.client
import json
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from agent.egress.proxy import MARK, TARGET
from tests.runtime.processes import UnixConnection

ROOT = Path(__file__).resolve().parents[2]
LOOPBACK = ("127.0.0.0/8", "::1/128", "0.0.0.0/8", "::/128")


class Elsewhere(BaseHTTPRequestHandler):
    """Says what it was asked; sends on what it gets, bit by bit."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        asked = {"path": self.path, "headers": {name.lower(): value for name, value in self.headers.items()}}
        self._answer(json.dumps(asked).encode())

    def do_POST(self) -> None:
        self.send_response(200)
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        while size := self._size():
            piece = self.rfile.read(size)
            self.rfile.readline()
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece.upper()))
            self.wfile.flush()
        if size is None:
            # Whoever sent it has given up
            self.close_connection = True
            return
        self.rfile.readline()
        self.wfile.write(b"0\r\n\r\n")
        self.server.seen.append("whole")  # type: ignore[attr-defined]

    def _size(self) -> int | None:
        line = self.rfile.readline()
        return int(line, 16) if line else None

    def _answer(self, content: bytes) -> None:
        self.send_response(200)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *arguments: Any) -> None:
        pass


class DualStack(ThreadingHTTPServer):
    """On all addresses of this machine, in IPv4 and in IPv6."""

    address_family = socket.AF_INET6
    daemon_threads = True

    def server_bind(self) -> None:
        self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        super().server_bind()


@contextlib.contextmanager
def elsewhere(handler: type[BaseHTTPRequestHandler] = Elsewhere) -> Iterator[DualStack]:
    server = DualStack(("::", 0), handler)
    server.seen = []  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Way:
    def __init__(self, folder: Path, *, opened: Sequence[str] = (), **environment: str) -> None:
        self.control, self.socket = folder / "ways.sock", folder / "out.sock"
        self.process = subprocess.Popen(
            [sys.executable, "-m", "agent.egress"], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            env={"PATH": "/usr/bin:/bin", **environment}, text=True,
        )  # fmt: skip
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(json.dumps({"control": str(self.control), "opened": list(opened)}))
        self.process.stdin.close()
        assert json.loads(self.process.stdout.readline()) == {"event": "ready"}

    def serve(self, mode: str = "public", hosts: Sequence[str] = ()) -> None:
        self.tell({str(self.socket): {"mode": mode, "hosts": list(hosts)}})

    def tell(self, wanted: dict[str, Any]) -> None:
        with socket.socket(socket.AF_UNIX) as wire:
            wire.connect(str(self.control))
            wire.sendall(json.dumps(wanted).encode() + b"\n")
            assert wire.recv(10) == b"ok\n"

    def ask(self, target: str, method: str = "GET", **more: Any) -> tuple[int, dict[str, Any]]:
        """The status, and what the answer says: the proxy's own where it refused."""
        connection = self.begin(target, method, **more)
        response = connection.getresponse()
        found = json.loads(response.read() or b"{}")
        connection.close()
        if response.headers.get(MARK) == "a-mark":
            assert response.status == 502
            return 0, found
        return response.status, found

    def begin(self, target: str, method: str = "GET", **more: Any) -> http.client.HTTPConnection:
        connection = UnixConnection(self.socket)
        headers = {TARGET: target, MARK: "a-mark", **more.pop("headers", {})}
        connection.request(method, "http://egress.invalid/", headers=headers, **more)
        return connection

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        assert self.process.stdout
        self.process.stdout.close()
