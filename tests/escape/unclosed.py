"""Functions where nothing is closed: what gets through there, but not in a gateway, is what the gateway keeps."""

import json
import subprocess
from pathlib import Path
from typing import Any

from agent.engine.instances import deno_program
from apps.functions.compiling import compile_files

PROGRAM = Path(__file__).with_name("open.js")


def compiled(source: str) -> str:
    found = compile_files(files={"index.ts": source}, entrypoint="index.ts")
    assert not found.errors, found.errors
    return found.code


def call_unclosed(functions: dict[str, str], calls: list[dict[str, Any]], folder: Path) -> list[Any]:
    codes = {name: compiled(source) for name, source in functions.items()}
    done = subprocess.run(
        [deno_program(), "run", "--quiet", "--no-config", "--no-lock", "--allow-all", PROGRAM],
        input=json.dumps({"functions": codes, "calls": calls}), capture_output=True, text=True, timeout=60,
        env={"PATH": "/usr/bin:/bin", "HOME": "/root", "DENO_DIR": str(folder / "deno"), "NO_COLOR": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    answers: list[Any] = json.loads(done.stdout.splitlines()[-1])
    return answers
