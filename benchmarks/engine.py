"""What measurements of gateways share: a worker, the agents' server and an agent, on a database of their own."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from benchmarks.harness import scratch_database

ROOT = Path(__file__).resolve().parent.parent
PATIENCE = 300.0


class Engine:
    """The cluster of this machine, and somebody who may do everything with gateways on it."""

    def __init__(self, url: str, folder: Path, *, applier: str) -> None:
        from apps.fleet.services.local_cluster import admit_agent, make_local_cluster

        self.folder = folder
        self.gateway_port, self._agents_port = free_port(), free_port()
        self._log = (folder / "log").open("wb")
        self.environment = {**os.environ, "DATABASE_URL": url, "IMP_LOG_LEVEL": "warning"}
        self._applier = applier
        self.member = _somebody()
        self.cluster = make_local_cluster()
        token = admit_agent(cluster=self.cluster, agent_id="", refresh_token="", registration_token="")
        (folder / "token").write_text(token)
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, *names: str) -> None:
        """`worker`, `agents`, `agent`; in this order each finds what it needs."""
        commands = {
            "worker": ["manage.py", "worker"],
            "agents": ["manage.py", "agents", "--address", f"127.0.0.1:{self._agents_port}"],
            "agent": [
                "-m", "agent", "--portal", f"127.0.0.1:{self._agents_port}", "--state", str(self.folder / "agent"),
                "--listen", f"127.0.0.1:{self.gateway_port}", "--token-file", str(self.folder / "token"),
                "--applier", self._applier,
            ],
        }  # fmt: skip
        for name in names:
            self.processes[name] = subprocess.Popen(
                [sys.executable, *commands[name]],
                cwd=ROOT, env=self.environment, stdout=self._log, stderr=self._log, start_new_session=True,
            )  # fmt: skip

    def wait_for_agent(self) -> None:
        from apps.fleet.models import Agent

        wait_until(lambda: Agent.objects.filter(leads=True).exists(), "the agent")

    def close(self) -> None:
        for process in reversed(self.processes.values()):
            process.send_signal(signal.SIGTERM)
        for process in self.processes.values():
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(15)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        self._log.close()
        sys.stderr.write((self.folder / "log").read_text(errors="replace")[-3000:])


@contextlib.contextmanager
def engine(*, applier: str = "local") -> Iterator[Engine]:
    """Nothing is started yet. Whatever databases gateways had at the end go too."""
    import django

    django.setup()
    folder = Path(tempfile.mkdtemp(prefix="imp-bench-")).resolve()
    try:
        with scratch_database() as url:
            found = Engine(url, folder, applier=applier)
            try:
                yield found
            finally:
                found.close()
                _drop_databases()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def wait_until(holds: Callable[[], Any], what: str, *, pause: float = 0.01) -> None:
    give_up_at = time.monotonic() + PATIENCE
    while not holds():
        if time.monotonic() > give_up_at:
            raise SystemExit(f"Not within {PATIENCE:.0f} s: {what}")
        time.sleep(pause)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _somebody() -> Any:
    from apps.accounts import demo as people
    from apps.tenants import demo as workspaces
    from apps.tenants.member import Member
    from apps.tenants.models import Membership

    people.load()
    workspaces.load()
    memberships = Membership.objects.select_related("tenant", "person")
    return Member.of(memberships.get(tenant__slug="tidewater", person__email="soojin@tidewater.example"))


def _drop_databases() -> None:
    from apps.core.notify import parameters
    from apps.gateways.databases import runtime_role_of
    from apps.gateways.models import GatewayDatabase

    # Not by the step's own function, whose patience ends where the disk is busy
    with psycopg.connect(**parameters(), autocommit=True) as connection:
        for name in GatewayDatabase.objects.values_list("name", flat=True):
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
            for role in (runtime_role_of(name), name):
                connection.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(role)))
