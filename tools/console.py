"""What the person sees: a line for each step with its time, and one sentence where something is wrong."""

import contextlib
import errno
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

TEXT_WIDTH = 56
TAIL = 20
FULL = ("No space left on device", "Errno 28", "ENOSPC", "os error 28", "Disk quota exceeded", "os error 122")
DISK_FULL = "The disk is full: free some space (a first set-up takes about 1 GB), then start again."


class Trouble(Exception):
    """One sentence that says what to do, and what the failed program printed."""

    def __init__(self, sentence: str, output: str = "") -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.output = output


@contextlib.contextmanager
def step(text: str) -> Iterator[None]:
    """`Installing the packages ............ 41.2 s`: the time follows when it is done."""
    print(f"{text} {'.' * max(3, TEXT_WIDTH - len(text))} ", end="", flush=True)
    began = time.monotonic()
    try:
        yield
    except BaseException:
        print("failed", flush=True)
        raise
    print(f"{time.monotonic() - began:.1f} s", flush=True)


@contextlib.contextmanager
def disk_errors_explained() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise Trouble(DISK_FULL) from error
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise Trouble(
                f"{error.filename} can't be changed ({error.strerror}): start as the one who owns this folder, "
                "or clone into a folder of your own."
            ) from error
        raise


def run_quietly(command: Sequence[str | Path], *, trouble: str, environment: Mapping[str, str], folder: Path) -> str:
    """What it printed; where it fails that is kept for the person."""
    try:
        result = subprocess.run(
            command, cwd=folder, env=environment, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
        )  # fmt: skip
    except OSError as error:
        raise Trouble(does_not_run(Path(command[0]), error.strerror)) from error
    if result.returncode:
        if any(sign in result.stdout for sign in FULL):
            raise Trouble(DISK_FULL)
        raise Trouble(trouble, result.stdout.strip())
    return result.stdout


def does_not_run(program: Path, why: str | None) -> str:
    return f"{program} doesn't run on this machine ({why}): remove the folder .venv, then start again."


def tell(trouble: Trouble, *, tail: int = TAIL) -> None:
    sys.stdout.flush()
    if trouble.output:
        print("\n".join(trouble.output.splitlines()[-tail:]), file=sys.stderr)
    print(trouble.sentence, file=sys.stderr, flush=True)
