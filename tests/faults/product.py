"""The whole product in a state folder of its own, started by `manage.py up`, for tests that hurt it."""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import psutil
import psycopg

from apps.core.postgres import places
from apps.core.postgres.launcher import EmbeddedPostgres
from apps.core.up.declaration import MARKER
from apps.core.up.journal import Run, read_run
from apps.core.up.trees import is_alive, marked, members, table
from tests.machine import free_port

ROOT = Path(__file__).resolve().parents[2]
START_WITHIN = 240.0
LATER_START_WITHIN = 10.0
STOP_WITHIN = 5.0
# One less than makes the supervisor leave a part alone
DEATHS_A_MINUTE = 4
HEAL_WITHIN = 10.0
# Others may be using the machine too, as the other workers of a test run do; more is no measurement any more
SHORTEST_STRETCH = 3.0 if "PYTEST_VERSION" in os.environ else 1.0
LONGEST_STRETCH = 10.0
# How long to wait for what is no promise, and comes in a moment
PATIENCE = 90.0


def stretched(seconds: float) -> float:
    """A limit that holds for a machine with nothing else to do, on this one as it is now."""
    busy = os.getloadavg()[0] / (os.cpu_count() or 1)
    return seconds * min(max(SHORTEST_STRETCH, busy), LONGEST_STRETCH)


def wait_until(holds: Callable[[], Any], *, within: float = PATIENCE, what: str) -> float:
    """Seconds it took; fails when it doesn't come."""
    began = time.monotonic()
    while not holds():
        assert time.monotonic() - began < within, f"not within {within:g} s: {what}"
        time.sleep(0.02)
    return time.monotonic() - began


@contextlib.contextmanager
def scratch_state() -> Iterator[Path]:
    """A state folder that the user PostgreSQL runs as can enter, also when the tests run as root."""
    state = Path(tempfile.mkdtemp(prefix="imp-up-")).resolve()
    state.chmod(0o755)
    try:
        yield state
    finally:
        left = marked(MARKER, str(state))
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        outside = places.reachable_home(state / "postgres")
        shutil.rmtree(state, ignore_errors=True)
        shutil.rmtree(outside, ignore_errors=True)


class Product:
    """One run of `manage.py up`. Its output is read line by line, so nothing blocks."""

    def __init__(self, state: Path, *, settings: str = "portal.settings.dev", **environment: str) -> None:
        self.state = state
        self.port, self.live_port, self.agents_port, self.gateway_port = (free_port() for _ in range(4))
        self.lines: list[str] = []
        self._killed: set[int] = set()
        self._deaths: dict[str, list[float]] = {}
        inherited = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", MARKER)}
        self.environment = {
            **inherited,
            "DJANGO_SETTINGS_MODULE": settings,
            "IMP_STATE_DIR": str(state),
            "PORT": str(self.port),
            "LIVE_PORT": str(self.live_port),
            "AGENTS_PORT": str(self.agents_port),
            "GATEWAY_PORT": str(self.gateway_port),
            **environment,
        }
        self.process: subprocess.Popen[str] | None = None

    # --- Starting and stopping ---

    def start(self, *arguments: str) -> None:
        # Not through the shell or a terminal, which could send signals of their own
        self.process = subprocess.Popen(
            [sys.executable, "manage.py", "up", *arguments],
            cwd=ROOT,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def wait_started(self, within: float = START_WITHIN) -> float:
        return wait_until(
            lambda: self.event("started") or self._ended(), within=within, what=f"the start\n{self.log()}"
        )

    def wait_ended(self, within: float) -> int:
        """The exit code, once the process is gone."""
        assert self.process is not None
        try:
            code = self.process.wait(within)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"didn't end within {within:g} s\n{self.log()}") from None
        self._reader.join(timeout=PATIENCE)
        return code

    def signal(self, number: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def stop(self) -> int:
        self.signal(signal.SIGINT)
        return self.wait_ended(stretched(STOP_WITHIN))

    def end(self) -> None:
        """Whatever state it is in."""
        if self.process is not None and self.process.poll() is None:
            for pid in [*members(self.process.pid), *marked(MARKER, str(self.state))]:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self.process.wait(PATIENCE)

    def _read(self) -> None:
        assert self.process is not None
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))
        self.process.stdout.close()

    def _ended(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, f"it ended with {self.process.returncode}\n{self.log()}"
        return False

    # --- What it said ---

    def log(self) -> str:
        return "\n".join(self.lines)

    def events(self) -> list[dict[str, Any]]:
        """The JSON lines, those that are any."""
        found = []
        for line in list(self.lines):
            with contextlib.suppress(ValueError):
                found.append(json.loads(line))
        return found

    def event(self, name: str, part: str = "") -> dict[str, Any] | None:
        """The supervisor's first event whose text starts like this."""
        for event in self.events():
            is_ours = event.get("process") == "up" and (not part or event.get("part") == part)
            if is_ours and str(event.get("event")).startswith(name):
                return event
        return None

    # --- How it is ---

    @property
    def run(self) -> Run:
        run = read_run(self.state)
        assert run is not None, f"no journal\n{self.log()}"
        return run

    def part_pid(self, name: str) -> int | None:
        """The main process of a part, as the supervisor knows it."""
        run = read_run(self.state)
        return next((part.pid for part in run.parts if part.name == name), None) if run else None

    def processes_of(self, name: str) -> set[int]:
        """A part's main process and all below it."""
        pid = self.part_pid(name)
        return {pid, *members(pid)} if pid else set()

    def get(
        self, path: str, *, port: int | None = None, timeout: float = 10.0, host: str = "localhost"
    ) -> tuple[int, str]:
        """Status and text; 0 where nothing answers."""
        request = urllib.request.Request(f"http://127.0.0.1:{port or self.port}{path}", headers={"Host": host})
        try:
            with urllib.request.urlopen(request, timeout=timeout) as response:
                return response.status, response.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            return 0, ""

    def is_healthy(self) -> bool:
        run = read_run(self.state)
        if run is None or any(part.state not in ("healthy", "done") for part in run.parts):
            return False
        # The supervisor may not have noticed yet
        if self._killed & {part.pid for part in run.parts}:
            return False
        return self.get("/readyz")[0] == 200 and self.get("/healthz", port=self.live_port)[0] == 200

    def wait_until_healthy(self, within: float = HEAL_WITHIN) -> float:
        within = stretched(within)
        try:
            return wait_until(self.is_healthy, within=within, what="everything healthy")
        except AssertionError as error:
            status, body = self.get("/readyz")
            states = [(part.name, part.state, part.message) for part in self.run.parts]
            raise AssertionError(f"{error}\n{states}\n/readyz {status} {body}\n{self.log()[-6000:]}") from None

    # --- Hurting it ---

    def kill(self, pids: Iterable[int]) -> None:
        for pid in pids:
            self._killed.add(pid)
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def may_die(self, part: str, *, spare: int = 0) -> bool:
        """Not as often yet that its supervisor rightly gives it up, which may notice each death a while later."""
        return len([at for at in self._deaths.get(part, []) if time.monotonic() - at < 80]) < DEATHS_A_MINUTE - spare

    def note_death(self, part: str) -> None:
        self._deaths.setdefault(part, []).append(time.monotonic())

    def kill_part(self, name: str) -> int:
        """SIGKILL for a part's main process; its pid."""
        pid = self.part_pid(name)
        assert pid is not None, f"{name} doesn't run\n{self.log()[-3000:]}"
        self.note_death(name)
        self.kill([pid])
        return pid

    def connect(self) -> psycopg.Connection[Any]:
        return psycopg.connect(EmbeddedPostgres(self.state / "postgres").url(), autocommit=True, connect_timeout=30)

    def drop_connections(self) -> int:
        """End every connection to the database but our own; says how many."""
        with self.connect() as connection:
            dropped = connection.execute(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            ).fetchone()
        assert dropped is not None
        return int(dropped[0])

    # --- What is left of it ---

    def everything(self) -> set[int]:
        """All processes of this run: those with its mark, and PostgreSQL's, which write over theirs."""
        rows = table()
        found = {self.process.pid} if self.process else set()
        for process in psutil.process_iter(["cmdline", "environ"]):
            environment, command = process.info["environ"] or {}, process.info["cmdline"] or []
            if environment.get(MARKER) == str(self.state) or str(self.state) in " ".join(command):
                found.add(process.pid)
        for pid in list(found):
            found |= members(pid, rows)
        return {pid for pid in found if is_alive(pid)}

    def orphans(self) -> set[int]:
        """Processes of this run that its supervisor isn't above of; one that just ended may be among them."""
        assert self.process is not None
        found = self.everything()
        return {pid for pid in found - members(self.process.pid) - {self.process.pid} if is_alive(pid)}

    def assert_no_orphans(self) -> None:
        wait_until(
            lambda: not self.orphans(), within=PATIENCE, what=f"no orphan of {self.orphans()}\n{self.log()[-3000:]}"
        )

    def assert_nothing_left(self) -> None:
        wait_until(lambda: not self.everything(), within=PATIENCE, what=f"no process left of {self.everything()}")
        assert not (self.state / "up").exists()
        for port in (self.port, self.live_port, self.agents_port, self.gateway_port):
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(("127.0.0.1", port))
        assert not list(self.state.rglob(".s.PGSQL.*"))
