"""Somebody who stands where a gateway's Envoy would, and says what a test wants."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

Answer = Callable[[socket.socket], None]


def read_request(line: socket.socket) -> bytes:
    """Headers and as much of a body as they say."""
    found = b""
    while b"\r\n\r\n" not in found:
        if not (piece := line.recv(65536)):
            return found
        found += piece
    head, _, body = found.partition(b"\r\n\r\n")
    lengths = [each for each in head.lower().split(b"\r\n") if each.startswith(b"content-length:")]
    while lengths and len(body) < int(lengths[0].partition(b":")[2]):
        body += line.recv(65536)
    return head + b"\r\n\r\n" + body


@contextmanager
def peer(answer: Answer) -> Iterator[tuple[int, list[bytes]]]:
    """Somebody at a port who takes each call as it comes and says what the test wants; and what they were asked."""
    server = socket.create_server(("127.0.0.1", 0))
    asked: list[bytes] = []

    def serve() -> None:
        while True:
            try:
                line, _ = server.accept()
            except OSError:
                return
            threading.Thread(target=talk, args=[line], daemon=True).start()

    def talk(line: socket.socket) -> None:
        with line, suppress(OSError):
            asked.append(read_request(line))
            answer(line)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield server.getsockname()[1], asked
    finally:
        server.shutdown(socket.SHUT_RDWR)
        server.close()
        thread.join(5)


def says(text: str, body: bytes = b"") -> Answer:
    return lambda line: line.sendall(text.replace("\n", "\r\n").encode() + b"\r\n\r\n" + body)


OK = says("HTTP/1.1 200 OK\nx-imp-gateway: gw_1\ncontent-type: application/json\ncontent-length: 11", b'{"sum": 42}')
