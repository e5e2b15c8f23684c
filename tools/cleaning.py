"""`make clean`: stops what runs for this folder and removes what the other commands made."""

import shutil
import subprocess
import sys
from pathlib import Path

from tools.console import Trouble, disk_errors_explained
from tools.places import PYTHON, ROOT, STATE, VENV, environment
from tools.setup import is_running_here

MADE = (
    VENV, STATE, ROOT / "node_modules", ROOT / "static" / "dist", ROOT / "static" / "monaco" / "dist",
    ROOT / "static" / "collected", ROOT / "runtime" / "dist", ROOT / "benchmarks" / "results",
    ROOT / ".coverage", ROOT / ".hypothesis", ROOT / ".mypy_cache", ROOT / ".pytest_cache",
    ROOT / ".ruff_cache", ROOT / ".import_linter_cache",
)  # fmt: skip


def clean() -> int:
    if is_running_here():
        raise Trouble("The product is running in this folder: stop it with Ctrl-C, then `make clean`.")
    databases = _databases()
    if databases and sys.stdin.isatty() and not _agreed(databases):
        raise Trouble("Nothing was removed.")
    with disk_errors_explained():
        for database in databases:
            _stop(database)
            _remove(_outside(database))
        for path in MADE:
            _remove(path)
        for source in ("agent", "apps", "portal", "tests", "tools", "benchmarks"):
            for path in (ROOT / source).rglob("__pycache__"):
                shutil.rmtree(path, ignore_errors=True)
        for path in ROOT.glob("locale/*/LC_MESSAGES/*.mo"):
            path.unlink()
    return 0


def _databases() -> list[Path]:
    """Every state folder of an embedded PostgreSQL below ours."""
    return sorted(path.parent for path in STATE.rglob("connection.json")) if STATE.exists() else []


def _agreed(databases: list[Path]) -> bool:
    names = ", ".join(str(database) for database in databases)
    return input(f"This removes the database too ({names}). Go on? [y/N] ").strip().lower() in ("y", "yes")


def _stop(database: Path) -> None:
    if PYTHON.exists():
        subprocess.run(
            [PYTHON, "-m", "apps.core.postgres", "stop", database],
            cwd=ROOT, env=environment(), capture_output=True, stdin=subprocess.DEVNULL,
        )  # fmt: skip


def _outside(database: Path) -> Path:
    """Where the launcher went when its user couldn't enter the folder."""
    sys.path.insert(0, str(ROOT))
    from apps.core.postgres.places import reachable_home

    return reachable_home(database)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    elif path.exists():
        path.unlink()
    else:
        return
    print(f"Removed {path}", flush=True)
