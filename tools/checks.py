"""What `make check` looks at: everything that can be said without running the product."""

import os
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from tools.console import TEXT_WIDTH, Trouble, run_quietly, tell
from tools.places import PYTHON, ROOT, VENV, environment

BIN = VENV / "bin"
Command = Sequence[str | Path]

LONGEST_ANSWER = 200
# It isn't for browsers, and is checked as what it's for
RUNTIME = ("--config", "runtime/deno.json")
# The slowest first: they are done side by side
CHECKS: tuple[tuple[str, Command], ...] = (
    ("Types", (PYTHON, "-m", "mypy")),
    ("The API document says what the code does", (PYTHON, "manage.py", "openapi")),
    ("No migration is missing", (PYTHON, "manage.py", "makemigrations", "--check", "--dry-run")),
    ("The protocol's code is what its description says", (PYTHON, "tools/protocol.py", "--check")),
    ("The picture of the life cycle is current", (PYTHON, "tools/lifecycle.py", "--check")),
    ("Layers", (BIN / "lint-imports", "--no-cache")),
    ("Translations are complete", (PYTHON, "tools/messages.py", "check")),
    ("TypeScript", (BIN / "deno", "check", "--quiet", "static/src", "static/monaco/src")),
    ("TypeScript: lint", (BIN / "deno", "lint", "--quiet")),
    ("TypeScript: format", (BIN / "deno", "fmt", "--check")),
    ("TypeScript of the runtime", (BIN / "deno", "check", "--quiet", *RUNTIME, "runtime/src")),
    ("TypeScript of the runtime: lint", (BIN / "deno", "lint", "--quiet", *RUNTIME)),
    ("TypeScript of the runtime: format", (BIN / "deno", "fmt", "--check", *RUNTIME)),
    ("Lint", (BIN / "ruff", "check", "--quiet")),
    ("Format", (BIN / "ruff", "format", "--quiet", "--check")),
)
MENDERS: tuple[tuple[str, Command], ...] = (
    ("Mending what the linter can", (BIN / "ruff", "check", "--fix", "--exit-zero", "--quiet")),
    ("Formatting Python", (BIN / "ruff", "format", "--quiet")),
    ("Formatting TypeScript and styles", (BIN / "deno", "fmt", "--quiet")),
    ("Formatting the runtime", (BIN / "deno", "fmt", "--quiet", *RUNTIME)),
)


def run_all() -> int:
    """All of them, also when one fails; what the failed ones said comes after the list."""
    failures: list[tuple[str, Trouble]] = []
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        running = {pool.submit(_run, command): text for text, command in CHECKS}
        for done in as_completed(running):
            text = running[done]
            try:
                answer = f"{done.result():.1f} s"
            except Trouble as trouble:
                failures.append((text, trouble))
                answer = "failed"
            print(f"{text} {'.' * (TEXT_WIDTH - len(text))} {answer}", flush=True)
    for text, failure in failures:
        tell(Trouble(f"{text}: mend what is said above.", failure.output or failure.sentence), tail=LONGEST_ANSWER)
    print(f"{len(CHECKS) - len(failures)} of {len(CHECKS)} checks passed.", flush=True)
    return 1 if failures else 0


def _run(command: Command) -> float:
    began = time.monotonic()
    run_quietly(command, trouble="failed", environment=environment(), folder=ROOT)
    return time.monotonic() - began
