"""A small program that behaves like a part: well, badly, or stubbornly. It starts fast."""

import argparse
import http.server
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path


class Answer(http.server.BaseHTTPRequestHandler):
    frozen: Path | None = None

    def do_GET(self) -> None:
        if self.frozen and self.frozen.exists():
            time.sleep(60)
        self.send_response(200)
        self.end_headers()

    def log_message(self, *arguments: object) -> None:
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def server_bind(self) -> None:
        # As granian does: the supervisor holds the port with the same flag
        import socket

        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        super().server_bind()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("--say", default="")
    parser.add_argument("--fail", type=int)
    parser.add_argument("--unless-there", type=Path)
    parser.add_argument("--stubborn", action="store_true")
    parser.add_argument("--freeze-with", type=Path)
    parser.add_argument("--child", choices=["same-session", "own-session"])
    options = parser.parse_args()
    if options.say:
        sys.stdout.write(options.say + "\n")
        sys.stdout.flush()
    if options.fail is not None and not (options.unless_there and options.unless_there.exists()):
        sys.exit(options.fail)
    if options.child:
        sleeping = [sys.executable, "-S", "-c", "import time; time.sleep(600)"]
        subprocess.Popen(sleeping, start_new_session=options.child == "own-session")
    if options.stubborn:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    else:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    Answer.frozen = options.freeze_with
    server = Server(("127.0.0.1", options.port), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    while True:
        time.sleep(0.1)


if __name__ == "__main__":
    main()
