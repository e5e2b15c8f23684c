"""The program that compiles: esbuild as it comes from npm, a single binary that needs no Node."""

import subprocess
import sys
from functools import cache
from pathlib import Path

from django.conf import settings


@cache
def program() -> Path:
    """Beside Python in an image, where no npm package is left; else as tools/assets.py installs it."""
    beside = Path(sys.executable).parent / "esbuild"
    if beside.exists():
        return beside
    folder = Path(settings.BASE_DIR) / "node_modules" / ".deno"
    found = sorted(folder.glob("@esbuild+*/node_modules/@esbuild/*/bin/esbuild"))
    if not found:
        raise FileNotFoundError("There is no esbuild. Run `python tools/assets.py --packages`.")
    return found[0]


@cache
def version() -> str:
    """It serves only who names it. Versions that differ may make other code of the same source."""
    return subprocess.run([program(), "--version"], capture_output=True, text=True, check=True).stdout.strip()
