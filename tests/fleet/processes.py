"""The agents' server and agents as processes of their own, as they run in production."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from apps.audit.services import SYSTEM
from apps.fleet.models import Cluster
from apps.fleet.services.agents import make_registration_token
from tests.machine import database_url, free_port

BASE = Path(__file__).resolve().parents[2]


class Running:
    """A process in a group of its own, with its log."""

    def __init__(self, command: list[str], log: Path, **environment: str) -> None:
        self.log = log
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                command, cwd=BASE, env={**os.environ, **environment}, stdout=output, stderr=output,
                start_new_session=True,
            )  # fmt: skip

    def stop(self, patience: float = 15.0) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(patience)
        finally:
            self.kill()

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


class Server(Running):
    def __init__(self, folder: Path, port: int = 0) -> None:
        self.port = port or free_port()
        super().__init__(
            [sys.executable, "manage.py", "agents", "--address", f"127.0.0.1:{self.port}"],
            folder / "server.log",
            DJANGO_SETTINGS_MODULE="portal.settings.test",
            DATABASE_URL=database_url(),
        )


class RunningAgent(Running):
    def __init__(
        self,
        folder: Path,
        server: int,
        *,
        token: str = "",
        applier: str = "local",
        host: str = "127.0.0.1",
        options: Sequence[str] = (),
    ) -> None:
        self.port = free_port()
        self.state = folder
        self.token_file = folder / "token"
        folder.mkdir(parents=True, exist_ok=True)
        if token:
            self.token_file.write_text(token)
        super().__init__(
            [
                sys.executable, "-m", "agent", "--portal", f"{host}:{server}", "--state", str(folder),
                "--listen", f"127.0.0.1:{self.port}", "--token-file", str(self.token_file), "--applier", applier,
                *options,
            ],
            folder / "agent.log",
        )  # fmt: skip


def new_token(cluster: Cluster) -> str:
    """That lets one agent in."""
    secret = make_registration_token(actor=SYSTEM, cluster=cluster).secret
    assert secret
    return secret.reveal()


def wait_until(holds: Callable[[], Any], *, within: float = 60, what: str = "", log: Path | None = None) -> Any:
    give_up_at = time.monotonic() + within
    while not (found := holds()):
        said = log.read_text()[-3000:] if log else ""
        assert time.monotonic() < give_up_at, f"not within {within} s: {what or holds}\n{said}"
        time.sleep(0.01)
    return found
