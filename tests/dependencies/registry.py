"""A registry of npm packages on loopback, for packages that no real one should have."""

import base64
import hashlib
import io
import json
import tarfile
import threading
from collections.abc import Mapping
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote


class Registry:
    def __init__(self) -> None:
        self._packages: dict[str, dict[str, dict[str, Any]]] = {}
        self._tarballs: dict[str, bytes] = {}
        #: It takes requests and says nothing to them
        self.is_silent = threading.Event()
        #: It takes requests and answers them once this is set
        self.speaks = threading.Event()
        self.speaks.set()
        self.ends = threading.Event()
        registry = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                # Who has asked may be gone
                with suppress(ConnectionError):
                    registry._answer(self)

            def log_message(self, *arguments: object) -> None:
                """Nobody reads it."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()

    def add(
        self,
        name: str,
        files: Mapping[str, str],
        *,
        version: str = "1.0.0",
        integrity: str = "",
        links: Mapping[str, str] | None = None,
        **told: Any,
    ) -> None:
        """`told` goes into its package.json; `links` are symbolic ones, by what they lead to."""
        package = {"name": name, "version": version, "license": "MIT", **told}
        content = _tarball({"package.json": json.dumps(package), **files}, links or {})
        path = f"/{name}/-/{version}.tgz"
        self._tarballs[path] = content
        digest = base64.b64encode(hashlib.sha512(content).digest()).decode()
        dist = {"tarball": self.url.rstrip("/") + path, "integrity": integrity or f"sha512-{digest}"}
        self._packages.setdefault(name, {})[version] = {**package, "dist": dist}

    def tarball_of(self, name: str, version: str = "1.0.0") -> bytes:
        return self._tarballs[f"/{name}/-/{version}.tgz"]

    def stop(self) -> None:
        self.ends.set()
        self.speaks.set()
        self._server.shutdown()
        self._server.server_close()

    def _answer(self, handler: BaseHTTPRequestHandler) -> None:
        if self.is_silent.is_set():
            self.ends.wait(60)
            return None
        self.speaks.wait(60)
        path = unquote(handler.path)
        if path in self._tarballs:
            return _send(handler, 200, "application/octet-stream", self._tarballs[path])
        versions = self._packages.get(path.removeprefix("/"))
        if versions is None:
            return _send(handler, 404, "application/json", b"{}")
        found = {"name": path.removeprefix("/"), "versions": versions, "dist-tags": {"latest": list(versions)[-1]}}
        _send(handler, 200, "application/json", json.dumps(found).encode())
        return None


def _send(handler: BaseHTTPRequestHandler, status: int, kind: str, content: bytes) -> None:
    handler.send_response(status)
    handler.send_header("Content-Type", kind)
    handler.send_header("Content-Length", str(len(content)))
    handler.end_headers()
    handler.wfile.write(content)


def _tarball(files: Mapping[str, str], links: Mapping[str, str]) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as archive:
        for path, text in files.items():
            content = text.encode()
            member = tarfile.TarInfo(f"package/{path}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
        for path, leads_to in links.items():
            member = tarfile.TarInfo(f"package/{path}")
            member.type, member.linkname = tarfile.SYMTYPE, leads_to
            archive.addfile(member)
    return made.getvalue()
