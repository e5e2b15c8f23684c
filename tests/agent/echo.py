"""Stands where a runtime would: answers what came to it, byte by byte, and takes up web sockets."""

import base64
import contextlib
import json
import socketserver
import threading
from pathlib import Path
from typing import Any

from agent.engine.routes import PROBE_PATH


class Echo(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True

    def __init__(self, socket: Path) -> None:
        super().__init__(str(socket), Conversation)
        # The head of each call that came, but for the engine's own
        self.heads: list[str] = []
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    def end(self) -> None:
        self.shutdown()
        self._thread.join()
        self.server_close()


class Conversation(socketserver.StreamRequestHandler):
    server: Echo

    def handle(self) -> None:
        with contextlib.suppress(ConnectionError, ValueError):
            while head := self._head():
                if PROBE_PATH not in head:
                    self.server.heads.append(head)
                headers = headers_in(head)
                if headers.get("upgrade", "").lower() == "websocket":
                    self._socket()
                    return
                body = self._body(headers)
                content = json.dumps({"head": head, "body": base64.b64encode(body).decode()}).encode()
                self.wfile.write(b"HTTP/1.1 200 OK\r\nx-imp-gateway: echo\r\ncontent-length: %d\r\n\r\n" % len(content))
                self.wfile.write(b"" if head.startswith("HEAD ") else content)

    def _head(self) -> str:
        lines: list[bytes] = []
        while line := self.rfile.readline():
            lines.append(line)
            if line == b"\r\n":
                return b"".join(lines).decode("latin-1")
        return ""

    def _body(self, headers: dict[str, str]) -> bytes:
        if headers.get("transfer-encoding") == "chunked":
            found = b""
            while size := int(self.rfile.readline(), 16):
                found += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return found
        return self.rfile.read(int(headers.get("content-length", 0)))

    def _socket(self) -> None:
        self.wfile.write(b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n")
        while data := self.request.recv(4096):
            self.wfile.write(data)


def headers_in(head: str) -> dict[str, str]:
    pairs = (line.partition(":") for line in head.split("\r\n")[1:] if line)
    return {name.lower(): value.strip() for name, _, value in pairs}


def echoed(answer: bytes) -> tuple[str, dict[str, str]]:
    """What came to it: the first line, and the headers."""
    content: dict[str, Any] = json.loads(answer.partition(b"\r\n\r\n")[2])
    return content["head"].split("\r\n")[0], headers_in(content["head"])
