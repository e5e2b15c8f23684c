"""What runs: one declaration for each step and process. `manage.py up` starts, watches and stops them."""

import os
import signal
import sys

from django.conf import settings

from apps.core.up.declaration import Part, Plan, Process, Step
from apps.core.up.probes import DatabaseProbe, HeartbeatProbe, HttpProbe, PulseProbe
from apps.functions.calling.limits import CALLS_AT_ONCE, DATA_AT_ONCE

MANAGE = (sys.executable, "manage.py")
GRANIAN = (
    sys.executable,
    "-m",
    "granian",
    "--host",
    "127.0.0.1",
    "--workers",
    "1",
    "--no-ws",
    "--log-level",
    "warning",
)


def database_url() -> str:
    """Asked each time: before its first start the embedded server has no address."""
    return str(settings.DATABASE_URL or settings.EMBEDDED_POSTGRES.url())


def parts(plan: Plan) -> list[Part]:
    found: list[Part] = []
    database: tuple[str, ...] = ()
    if plan.embedded_postgres:
        database = ("postgres",)
        found.append(
            Process(
                name="postgres",
                command=tuple(settings.EMBEDDED_POSTGRES.command()),
                probe=DatabaseProbe(database_url),
                # Ends the connections and writes everything down; SIGTERM would wait for the clients
                stop_signal=signal.SIGINT,
                # It takes long where the disk is busy, and killed at it, it would have to recover at its next start
                stop_seconds=10.0,
                hidden=r" LOG:  |FATAL:  the database system is starting up",
                colour="blue",
            )
        )
    agent = plan.state / "agent"
    demo = [Step(name="demo", command=(*MANAGE, "demo"), after=("migrate",))] if settings.DEBUG else []
    found += [
        Step(name="migrate", command=(*MANAGE, "migrate", "--no-input"), after=database),
        *demo,
        Step(
            name="enrol",
            command=(*MANAGE, "enrol", "--state", str(agent), "--token-file", str(agent / "token")),
            after=("migrate",),
        ),
        Process(
            name="web",
            # Blocking threads beyond the cores only wait for each other, but for those that wait for a gateway
            command=(
                *GRANIAN, "--interface", "wsgi", "--port", str(plan.web_port),
                "--blocking-threads", str((os.cpu_count() or 1) + CALLS_AT_ONCE + DATA_AT_ONCE),
                "--workers-kill-timeout", "2", "portal.wsgi:application",
            ),
            probe=HttpProbe(plan.web_port),
            after=("migrate",),
            colour="green",
        ),
        Process(
            name="live",
            command=(
                *GRANIAN, "--interface", "asgi", "--port", str(plan.live_port), "--workers-kill-timeout", "2",
                # How many streams can be open: each is one request
                "--backlog", "4096", "--backpressure", "16384",
                "portal.asgi:application",
            ),
            probe=HttpProbe(plan.live_port),
            after=("migrate",),
            colour="magenta",
        ),
        Process(
            name="worker",
            command=(*MANAGE, "worker"),
            probe=HeartbeatProbe("worker", database_url),
            after=("migrate",),
            # Running tasks may finish for two seconds, the rest is given back
            stop_seconds=3.3,
            colour="yellow",
        ),
        Process(
            name="agents",
            command=(*MANAGE, "agents"),
            probe=HeartbeatProbe("agents", database_url),
            after=("migrate",),
            stop_seconds=2.0,
            colour="cyan",
        ),
        Process(
            name="agent",
            command=(
                sys.executable, "-m", "agent", "--portal", f"127.0.0.1:{plan.agents_port}", "--state", str(agent),
                "--listen", f"127.0.0.1:{plan.gateway_port}", "--token-file", str(agent / "token"),
            ),
            probe=PulseProbe(agent / "pulse", plan.gateway_port),
            # Not after `agents`: it serves without the portal, and both stop at the same time
            after=("enrol",),
            # Calls and then processes may end within it, what is left goes with the agent
            stop_seconds=3.3,
            colour="bright-blue",
        ),
    ]  # fmt: skip
    return found


def gateways(plan: Plan) -> list[str]:
    """Where the gateways answer that are made to try it with, or else how their addresses are made."""
    from apps.gateways.demo import demo_hosts

    hosts = demo_hosts() if settings.DEBUG else []
    return [f"http://{host}:{plan.gateway_port}/" for host in hosts or ["{gateway}.{stage}.localhost"]]


def has_come_up() -> bool:
    """Whether what was made to try it with answers, beside the processes."""
    from apps.gateways.demo import is_coming_up

    return not (settings.DEBUG and is_coming_up())


def sign_ins() -> list[tuple[str, str, str]]:
    """Address, password and role of people to try it with; outside of development there are none."""
    if not settings.DEBUG:
        return []
    from apps.accounts.demo import demo_sign_ins

    return demo_sign_ins()
