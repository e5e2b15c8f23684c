import asyncio
import os
import sys
import time
from argparse import ArgumentParser
from dataclasses import asdict
from importlib import import_module
from types import ModuleType
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import DatabaseError, connections

from apps.core.processes.heartbeat import Heartbeat, start_heartbeat
from apps.core.up import trees
from apps.core.up.declaration import MARKER, Part, Plan, UpError
from apps.core.up.journal import Journal, Run
from apps.core.up.output import Output
from apps.core.up.ports import asked_port, reserve_port
from apps.core.up.preflight import check_database, check_state_folder
from apps.core.up.summary import print_summary
from apps.core.up.supervisor import Supervisor

USUAL_WEB_PORT = 8000
USUAL_LIVE_PORT = 8001


class Command(BaseCommand):
    help = "Start everything, keep it healthy, and take it away at Ctrl-C."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--port", type=int, help=f"the port of the pages and the API (PORT; usually {USUAL_WEB_PORT})"
        )
        parser.add_argument(
            "--live-port", type=int, help=f"the port of live updates (LIVE_PORT; usually {USUAL_LIVE_PORT})"
        )

    def handle(self, *, port: int | None, live_port: int | None, **options: Any) -> None:
        began = time.monotonic()
        journal = Journal(settings.STATE_DIR)
        try:
            check_state_folder(settings.STATE_DIR)
            journal.acquire()
            web = reserve_port(*asked_port(port, "--port", "PORT", USUAL_WEB_PORT), what="the pages")
            live = reserve_port(
                *asked_port(live_port, "--live-port", "LIVE_PORT", USUAL_LIVE_PORT), what="live updates"
            )
            if settings.DATABASE_URL:
                check_database(settings.DATABASE_URL)
        except UpError as error:
            journal.release()
            self.stderr.write(str(error))
            sys.exit(1)
        plan = Plan(
            base=settings.BASE_DIR,
            state=settings.STATE_DIR,
            web_port=web.number,
            live_port=live.number,
            embedded_postgres=not settings.DATABASE_URL,
        )
        declaration = import_module(settings.UP_DECLARATION)
        parts: list[Part] = declaration.parts(plan)
        terminal = sys.stdout.isatty()
        output = Output(sys.stdout, terminal=terminal, colours={part.name: part.colour for part in parts})
        for reserved, what in ((web, "the pages"), (live, "live updates")):
            if reserved.number != reserved.wanted:
                output.event("up", f"port {reserved.wanted} is in use, so {what} are at {reserved.number}")
        try:
            code = asyncio.run(_supervise(plan, declaration, parts, output=output, journal=journal, began=began))
        finally:
            journal.release()
        sys.exit(code)


async def _supervise(
    plan: Plan, declaration: ModuleType, parts: list[Part], *, output: Output, journal: Journal, began: float
) -> int:
    # After a crash that the earlier supervisor's guard didn't survive either
    if left := trees.marked(MARKER, str(plan.state)):
        trees.kill(left)
        output.event("up", f"ended {len(left)} processes that an earlier run left behind", pids=sorted(left))
    beats: list[Heartbeat] = []
    run = Run(os.getpid(), plan.address, plan.web_port, plan.live_port)

    def write_journal() -> None:
        run.parts = list(supervisor.states.values())
        journal.write(run)

    async def tell() -> None:
        seconds = time.monotonic() - began
        _use_database(plan)
        beats.append(start_heartbeat("up", detail=lambda: {"parts": [asdict(state) for state in run.parts]}))
        sign_ins = await asyncio.to_thread(_sign_ins, declaration)
        print_summary(output, plan, seconds=seconds, states=run.parts, sign_ins=sign_ins)

    def stop_beating() -> None:
        for beat in beats:
            beat.stop()

    supervisor = Supervisor(
        parts,
        environment=_environment(plan, terminal=output.terminal),
        folder=plan.base,
        output=output,
        on_change=write_journal,
        on_ready=tell,
        on_stop=stop_beating,
    )
    write_journal()
    return await supervisor.run()


def _use_database(plan: Plan) -> None:
    """The embedded server had no address yet when the settings were read, at the first start."""
    address = settings.EMBEDDED_POSTGRES.connection() if plan.embedded_postgres else None
    if address:
        connections.settings["default"].update(
            NAME=address.database,
            USER=address.user,
            PASSWORD=address.password,
            HOST=address.host,
            PORT=str(address.port),
        )


def _sign_ins(declaration: ModuleType) -> list[tuple[str, str, str]]:
    try:
        found: list[tuple[str, str, str]] = declaration.sign_ins()
    except DatabaseError:
        return []
    finally:
        connections.close_all()
    return found


def _environment(plan: Plan, *, terminal: bool) -> dict[str, str]:
    return {
        **os.environ,
        MARKER: str(plan.state),
        "PORT": str(plan.web_port),
        "LIVE_PORT": str(plan.live_port),
        "IMP_STATE_DIR": str(plan.state),
        "IMP_LOG_FORMAT": "console" if terminal else "json",
        "PYTHONUNBUFFERED": "1",
    }
