"""The commands behind `make`."""

import os
import sys
from collections.abc import Callable, Sequence

from tools import checks, cleaning
from tools.console import Trouble, run_quietly, step, tell
from tools.places import PYTHON, ROOT, STATE, environment
from tools.setup import is_running_here, set_up


def run(_arguments: Sequence[str]) -> int:
    # A product that runs here keeps its files: `up` says where it is
    if not is_running_here():
        set_up("base")
    return become("manage.py", "up")


def test(arguments: Sequence[str]) -> int:
    set_up("test")
    return become("-m", "pytest", "-n", "auto", "--dist", "loadfile", *arguments)


def check(_arguments: Sequence[str]) -> int:
    set_up("test")
    return checks.run_all()


def fmt(_arguments: Sequence[str]) -> int:
    set_up("test")
    for text, command in checks.MENDERS:
        with step(text):
            run_quietly(command, trouble="That could not be mended by itself.", environment=environment(), folder=ROOT)
    return 0


def bench(arguments: Sequence[str]) -> int:
    set_up("test")
    return become("-m", "benchmarks", *arguments)


def chaos(arguments: Sequence[str]) -> int:
    set_up("test")
    return become("-m", "tests.chaos", *arguments)


def agent(arguments: Sequence[str]) -> int:
    """What `./imp-agent` calls, from any folder: its options name files beside whoever calls it."""
    if not is_running_here():
        set_up("base")
    sys.stdout.flush()
    os.execve(PYTHON, [str(PYTHON), "-m", "agent", *arguments], environment(PYTHONPATH=str(ROOT)))  # noqa: S606


def clean(_arguments: Sequence[str]) -> int:
    return cleaning.clean()


Command = Callable[[Sequence[str]], int]
OF_MAKE: dict[str, Command] = {command.__name__: command for command in (run, test, check, fmt, bench, chaos, clean)}
COMMANDS: dict[str, Command] = {**OF_MAKE, agent.__name__: agent}


def become(*arguments: str) -> int:
    """Signals and the exit code are the program's own from here on."""
    sys.stdout.flush()
    os.chdir(ROOT)
    os.execve(PYTHON, [str(PYTHON), *arguments], environment(IMP_STATE_DIR=str(STATE)))  # noqa: S606


def main(arguments: Sequence[str]) -> int:
    name, *rest = arguments or ["help"]
    if name not in COMMANDS:
        tell(Trouble(f"Say what: make {' | '.join(OF_MAKE)}."))
        return 2
    try:
        return COMMANDS[name](rest)
    except Trouble as trouble:
        tell(trouble)
        return 1
    except KeyboardInterrupt:
        tell(Trouble(f"Stopped; `make {name}` goes on from here."))
        return 130
