"""One call over HTTP to a gateway's Envoy, within limits of time and size."""

import http.client
import socket
import time
from dataclasses import dataclass

from apps.functions.calling.asked import Headers
from apps.functions.calling.problems import NoAnswer, NotReached, TookTooLong

CONNECT_WITHIN = 2.0
LARGEST_ANSWER = 1024 * 1024
PIECE = 64 * 1024


@dataclass(frozen=True)
class Place:
    """Where a gateway answers, and by which name."""

    address: str
    port: int
    host: str


@dataclass(frozen=True)
class Received:
    status: int
    headers: Headers
    body: bytes
    is_cut: bool


def send(place: Place, method: str, target: str, *, headers: Headers, body: bytes, within: float) -> Received:
    """The answer, or as much of it as came in time: a stream has no end of its own."""
    deadline = time.monotonic() + within
    connection = http.client.HTTPConnection(place.address, place.port, timeout=min(CONNECT_WITHIN, within))
    try:
        try:
            connection.connect()
        except OSError as error:
            raise NotReached(str(error)) from error
        line = connection.sock
        _write(connection, place, method, target, headers, body, deadline)
        _until(line, deadline)
        response = connection.getresponse()
        found = tuple(response.getheaders())
        content, is_cut = _read(response, line, deadline)
        return Received(response.status, found, content, is_cut)
    except TimeoutError as error:
        raise TookTooLong(str(error)) from error
    except (OSError, http.client.HTTPException) as error:
        raise NoAnswer(f"{type(error).__name__} {error}") from error
    finally:
        connection.close()


def _write(
    connection: http.client.HTTPConnection,
    place: Place,
    method: str,
    target: str,
    headers: Headers,
    body: bytes,
    deadline: float,
) -> None:
    connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
    connection.putheader("Host", place.host)
    connection.putheader("Connection", "close")
    if body or method not in ("GET", "HEAD", "OPTIONS"):
        connection.putheader("Content-Length", str(len(body)))
    for name, value in headers:
        connection.putheader(name, value.encode())
    _until(connection.sock, deadline)
    connection.endheaders(body or None)


def _read(response: http.client.HTTPResponse, line: socket.socket, deadline: float) -> tuple[bytes, bool]:
    """What comes after the headers, and whether there was more of it."""
    found = bytearray()
    try:
        while piece := response.read1(PIECE):
            found += piece
            if len(found) > LARGEST_ANSWER:
                return bytes(found[:LARGEST_ANSWER]), True
            _until(line, deadline)
    except TimeoutError:
        return bytes(found), True
    except (OSError, http.client.HTTPException):
        # Whoever answered ended in the middle of it
        return bytes(found), True
    return bytes(found), bool(response.length)


def _until(line: socket.socket, deadline: float) -> None:
    """Each wait of the socket's is for what is left of the time."""
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    line.settimeout(left)
