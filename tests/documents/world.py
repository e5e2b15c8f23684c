"""A gateway whose data a real runtime keeps in a real database. A server of the test's own stands where Envoy would."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from apps.gateways.models import FunctionGateway, GatewayDatabase
from apps.tenants.models import Tenant
from tests.runtime.house import House
from tests.runtime.processes import Process
from tests.triggers.world import answers_at, make_serving

PASSED = ("content-type", "x-request-id", "imp-run")


@contextmanager
def route_to(process: Process, stage: str = "dev") -> Iterator[int]:
    """The port at which it's reached as through Envoy, which puts the stage in front of the path."""

    class Route(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            headers = {name.replace("-", "_"): self.headers[name] for name in PASSED if name in self.headers}
            response, content = process.ask(f"/{stage}{self.path}", "POST", body, **headers)
            self.send_response(response.status)
            self.send_header("content-type", response.headers.get("content-type", ""))
            self.send_header("x-imp-gateway", "gw_test")
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *arguments: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Route)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


def make_keeping(tenant: Tenant, house: House, port: int, **values: Any) -> FunctionGateway:
    """A gateway that is answered for at that port, with the key of that house."""
    gateway = make_serving(tenant, **values)
    database = GatewayDatabase.objects.get(gateway=gateway)
    database.run_key = house.spec["run_key"]
    database.save()
    answers_at(gateway, port)
    return FunctionGateway.objects.select_related("tenant", "cluster", "database").get(pk=gateway.pk)


@contextmanager
def mute() -> Iterator[int]:
    """The port of one that takes what it's asked and hangs up."""
    listening = socket.create_server(("127.0.0.1", 0))

    def hang_up() -> None:
        with suppress(OSError):
            while True:
                line, _address = listening.accept()
                with line:
                    line.recv(65536)

    thread = threading.Thread(target=hang_up, daemon=True)
    thread.start()
    try:
        yield listening.getsockname()[1]
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join(5)
