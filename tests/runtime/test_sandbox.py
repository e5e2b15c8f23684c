"""What a process of the runtime may do to its machine: nothing. Each attempt is also made where it's allowed."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.runtime.conftest import Start

PROBE = Path(__file__).with_name("probe.js")


class Elsewhere(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        content = b"export const here = true;"
        self.send_response(200)
        self.send_header("content-type", "text/javascript")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *arguments: Any) -> None:
        pass


@contextmanager
def neighbours(folder: Path) -> Iterator[dict[str, Any]]:
    """What there is to get at on this machine."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Elsewhere)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    (folder / "secret").write_text("of somebody else")
    (folder / "more.json").write_text("{}")
    (folder / "module.js").write_text("export const here = true;")
    (folder / "link").symlink_to(folder / "secret")
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(folder / "other.sock"))
        other.listen()
        try:
            yield {
                "port": server.server_port,
                "socket": str(folder / "other.sock"),
                "file": str(folder / "secret"),
                "folder": str(folder),
                "module": str(folder / "module.js"),
            }
        finally:
            server.shutdown()
            thread.join()
            server.server_close()


def attempts(start: Start, folder: Path, **more: Any) -> dict[str, str]:
    with neighbours(folder) as given:
        process = start(given, program=PROBE, **more)
        found: dict[str, str] = process.until("found")["found"]
        assert process.ended() == 0
    return found


def test_nothing_gets_through(start: Start, tmp_path: Path) -> None:
    found = attempts(start, tmp_path)
    assert len(found) > 30
    assert {name: said for name, said in found.items() if said == "through"} == {}
    assert not (tmp_path / "written").exists()


def test_each_attempt_gets_through_where_it_is_allowed(start: Start, tmp_path: Path) -> None:
    """Or what the other test sees would be an attempt that can't succeed."""
    found = attempts(start, tmp_path, allowed=True)
    assert {name: said for name, said in found.items() if said != "through"} == {}
