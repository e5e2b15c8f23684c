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
from apps.core.up.ports import USUAL_PORTS, asked_port, reserve_port
from apps.core.up.preflight import check_database, check_state_folder
from apps.core.up.summary import print_summary
from apps.core.up.supervisor import Supervisor

PATIENCE = 15.0
BETWEEN_LOOKS = 0.2


class Command(BaseCommand):
    help = "Start everything, keep it healthy, and take it away at Ctrl-C."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        for usual in USUAL_PORTS:
            text = f"the port of {usual.what} ({usual.variable}; usually {usual.number})"
            parser.add_argument(usual.option, dest=usual.name, type=int, help=text)

    def handle(self, **options: Any) -> None:
        began = time.monotonic()
        journal = Journal(settings.STATE_DIR)
        try:
            check_state_folder(settings.STATE_DIR)
            journal.acquire()
            reserved = {
                usual: reserve_port(*asked_port(usual, options.get(usual.name)), what=usual.what)
                for usual in USUAL_PORTS
            }
            if settings.DATABASE_URL:
                check_database(settings.DATABASE_URL)
        except UpError as error:
            journal.release()
            self.stderr.write(str(error))
            sys.exit(1)
        plan = Plan(
            base=settings.BASE_DIR,
            state=settings.STATE_DIR,
            embedded_postgres=not settings.DATABASE_URL,
            **{usual.name: port.number for usual, port in reserved.items()},
        )
        declaration = import_module(settings.UP_DECLARATION)
        parts: list[Part] = declaration.parts(plan)
        terminal = sys.stdout.isatty()
        output = Output(sys.stdout, terminal=terminal, colours={part.name: part.colour for part in parts})
        for usual, port in reserved.items():
            if port.number != port.wanted:
                output.event("up", f"port {port.wanted} is in use, so {usual.what} are at {port.number}")
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
    run = Run(os.getpid(), plan.address, **{usual.name: getattr(plan, usual.name) for usual in USUAL_PORTS})

    def write_journal() -> None:
        run.parts = list(supervisor.states.values())
        journal.write(run)

    async def tell() -> None:
        _use_database(plan)
        await _until_come_up(declaration)
        seconds = time.monotonic() - began
        beats.append(start_heartbeat("up", detail=lambda: {"parts": [asdict(state) for state in run.parts]}))
        sign_ins, gateways = await asyncio.to_thread(_asked, declaration, plan)
        print_summary(output, plan, seconds=seconds, states=run.parts, sign_ins=sign_ins, gateways=gateways)

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


async def _until_come_up(declaration: ModuleType) -> None:
    """What the first start makes is there, too, before it says that it runs; unless that takes too long."""
    until = time.monotonic() + PATIENCE
    while not await asyncio.to_thread(_has_come_up, declaration) and time.monotonic() < until:
        await asyncio.sleep(BETWEEN_LOOKS)


def _has_come_up(declaration: ModuleType) -> bool:
    try:
        return bool(declaration.has_come_up())
    except DatabaseError:
        return False
    finally:
        connections.close_all()


def _asked(declaration: ModuleType, plan: Plan) -> tuple[list[tuple[str, str, str]], list[str]]:
    """What the database knows: who can sign in, and where gateways answer."""
    try:
        return declaration.sign_ins(), declaration.gateways(plan)
    except DatabaseError:
        return [], []
    finally:
        connections.close_all()


def _environment(plan: Plan, *, terminal: bool) -> dict[str, str]:
    return {
        **os.environ,
        MARKER: str(plan.state),
        **{usual.variable: str(getattr(plan, usual.name)) for usual in USUAL_PORTS},
        "IMP_STATE_DIR": str(plan.state),
        "IMP_LOG_FORMAT": "console" if terminal else "json",
        "PYTHONUNBUFFERED": "1",
    }
