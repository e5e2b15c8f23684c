"""Scenarios: the environment variable IMP_TEST_SCENARIO says which one runs."""

import os
import sys

from apps.core.up.declaration import Part, Plan, Process, Step
from apps.core.up.probes import HttpProbe


def program(port: int, *arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-S", "-m", "tests.up.program", str(port), *arguments)


def web(plan: Plan, *arguments: str, **options: object) -> Process:
    return Process(
        name="web",
        command=program(plan.web_port, *arguments),
        probe=HttpProbe(plan.web_port, timeout=1.0),
        **options,  # type: ignore[arg-type]
    )


def live(plan: Plan, *arguments: str, **options: object) -> Process:
    return Process(
        name="live",
        command=program(plan.live_port, *arguments),
        probe=HttpProbe(plan.live_port),
        **options,  # type: ignore[arg-type]
    )


def step(name: str, code: str, after: tuple[str, ...] = ()) -> Step:
    return Step(name=name, command=(sys.executable, "-S", "-c", code), after=after)


SCENARIOS = {
    "steady": lambda plan: [
        step("prepare", "print('prepared')"),
        web(plan, "--say", '{"event": "hello", "process": "inner", "n": 1}', after=("prepare",)),
        live(plan, "--say", "plain \x1b[31mtext\x1b[0m", after=("web",)),
    ],
    "dying": lambda plan: [
        web(plan),
        live(plan, "--say", "the file settings.toml is missing", "--fail", "3", backoff=(0.0,)),
    ],
    "waiting for a file": lambda plan: [
        web(plan),
        live(plan, "--fail", "3", "--unless-there", str(plan.state / "there"), backoff=(0.0,), rest_seconds=0.5),
    ],
    "freezing": lambda plan: [
        web(plan, "--freeze-with", str(plan.state / "freeze"), hang_seconds=3.0),
    ],
    "stubborn": lambda plan: [web(plan, "--stubborn", stop_seconds=1.0)],
    "immovable": lambda plan: [web(plan, "--stubborn", stop_seconds=60.0)],
    "family": lambda plan: [
        web(plan, "--child", "same-session"),
        live(plan, "--child", "own-session", "--stubborn"),
    ],
    "failing step": lambda plan: [
        web(plan),
        step("prepare", "import sys; print('no such table: people'); sys.exit(7)", after=("web",)),
        live(plan, after=("prepare",)),
    ],
}


def parts(plan: Plan) -> list[Part]:
    found: list[Part] = SCENARIOS[os.environ["IMP_TEST_SCENARIO"]](plan)
    return found


def gateways(plan: Plan) -> list[str]:
    return [f"http://parcel-tracking.dev.localhost:{plan.gateway_port}/"]


def has_come_up() -> bool:
    return True


def sign_ins() -> list[tuple[str, str, str]]:
    return [("soojin@tidewater.example", "imp-gateway-demo", "owner")]
