"""A runtime as the agent starts it: its flags, its configuration, its socket. No agent and no Envoy around it."""

import http.client
import json
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from agent.engine.instances import Spec, command, given

SPEC = Spec(
    gateway={"id": "gw_01k9z3v8q4m7x2c5b1n6t0r3fd", "name": "parcel-tracking", "title": "Parcel tracking"},
    process="main",
    stages=("dev", "staging"),
    milli_cpu=500,
    memory_mb=256,
    restarts=0,
    variables={"REGION": "eu"},
    secrets={"API_KEY": "s3cr3t-of-a-test"},
    database_url="postgresql://nobody@localhost/nothing",
)
PATIENCE = 60
ALLOWED = ("run", "--quiet", "--no-config", "--no-lock", "--unstable-worker-options", "--allow-all")


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=PATIENCE)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(PATIENCE)
        self.sock.connect(str(self._path))


class Process:
    """Started at once; `lines` is what it has said, on both of its outputs."""

    def __init__(
        self,
        folder: Path,
        given_to_it: Any = None,
        *,
        program: Path | None = None,
        allowed: bool = False,
        **spec: Any,
    ) -> None:
        self.folder = folder
        self.socket = folder / "r.sock"
        self.lines: list[str] = []
        self.spec = replace(SPEC, **spec)
        arguments = command(self.spec, self.socket)
        if program:
            # Node's modules are kept from all but the runtime: here the flags alone have to hold
            arguments = [each for each in arguments if not each.startswith("--import-map=")]
            arguments[-1] = str(program)
        if allowed:
            arguments = [arguments[0], *ALLOWED, arguments[-1]]
        self.process = subprocess.Popen(
            arguments, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            env={"PATH": "/usr/bin:/bin", "DENO_DIR": str(folder / "deno"), "NO_COLOR": "1", "CANARY": "in-the-air"},
            text=True,
        )  # fmt: skip
        self._reader = threading.Thread(target=self._read)
        self._reader.start()
        assert self.process.stdin
        content = given(self.spec, self.socket) if given_to_it is None else given_to_it
        self.process.stdin.write(content if isinstance(content, str) else json.dumps(content))
        self.process.stdin.close()

    def _read(self) -> None:
        assert self.process.stdout
        self.lines.extend(line.rstrip("\n") for line in self.process.stdout)

    def events(self, name: str) -> list[dict[str, Any]]:
        said = [json.loads(line) for line in list(self.lines) if line.startswith("{")]
        return [each for each in said if each["event"] == name]

    def until(self, event: str) -> dict[str, Any]:
        wait_until(lambda: bool(self.events(event)) or self.process.poll() is not None, self.lines)
        found = self.events(event)
        assert len(found) == 1, self.lines
        return found[0]

    def connect(self) -> UnixConnection:
        return UnixConnection(self.socket)

    def ask(
        self, path: str, method: str = "GET", body: Any = None, **headers: str
    ) -> tuple[http.client.HTTPResponse, bytes]:
        connection = self.connect()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body=body, headers=named)
        response = connection.getresponse()
        content = response.read()
        connection.close()
        return response, content

    def raw(self, request: bytes) -> bytes:
        """Everything that comes back until it closes."""
        with socket.socket(socket.AF_UNIX) as wire:
            wire.settimeout(PATIENCE)
            wire.connect(str(self.socket))
            wire.sendall(request)
            found = b""
            while more := wire.recv(65_536):
                found += more
            return found

    def terminate(self) -> None:
        self.process.send_signal(signal.SIGTERM)

    def ended(self) -> int:
        code = self.process.wait(PATIENCE)
        self._reader.join()
        return code

    def kill(self) -> None:
        self.process.kill()
        self.ended()
        assert self.process.stdout
        self.process.stdout.close()


def wait_until(is_so: Callable[[], bool], said: object = "") -> None:
    end = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < end, said
        time.sleep(0.02)
