"""Runs the measurements: `python -m benchmarks`, or some of them: `python -m benchmarks queue lists`."""

import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent
LATEST = FOLDER / "results" / "latest.json"
COLUMNS = "{name:<58} {value:>12} {unit:<7} {baseline:>12} {ratio:>7}  {verdict:<5} {goal}"


def main(wanted: list[str]) -> int:
    there = measurements()
    if unknown := set(wanted) - set(there):
        print(f"There is no {', '.join(sorted(unknown))}; there are {', '.join(there)}.", file=sys.stderr)
        return 2
    print(
        COLUMNS.format(
            name="", value="value", unit="", baseline="baseline", ratio="ratio", verdict="holds", goal="goal"
        )
    )
    results = read_latest()
    failed = []
    for name in wanted or there:
        figures, code = measure(name)
        if code or not figures or any(figure["holds"] is False for figure in figures):
            failed.append(name)
        results[name] = figures
        write_latest(results)
    if failed:
        print(f"Not as promised: {', '.join(failed)}.", file=sys.stderr)
    return 1 if failed else 0


def measurements() -> list[str]:
    """The files here that can be run alone."""
    files = sorted(path for path in FOLDER.glob("*.py") if not path.name.startswith("__"))
    return [path.stem for path in files if '__name__ == "__main__"' in path.read_text()]


def measure(name: str) -> tuple[list[dict[str, Any]], int]:
    """Its figures, told as they come, and its exit code."""
    began = time.monotonic()
    print(f"{name}:", flush=True)
    figures = []
    command = [sys.executable, "-m", f"benchmarks.{name}"]
    # What it logs is of interest only where it fails
    with (
        tempfile.TemporaryFile("w+", errors="replace") as log,
        subprocess.Popen(command, cwd=FOLDER.parent, stdout=subprocess.PIPE, stderr=log, text=True) as process,
    ):
        assert process.stdout is not None
        for line in process.stdout:
            if figure := as_figure(line):
                figures.append(figure)
                print(row(figure), flush=True)
        if process.wait():
            log.seek(0)
            print("".join(log.readlines()[-30:]), file=sys.stderr)
    ending = "" if process.returncode == 0 else f", ended with {process.returncode}"
    print(f"  {time.monotonic() - began:.0f} s{ending}", flush=True)
    return figures, process.returncode


def as_figure(line: str) -> dict[str, Any] | None:
    try:
        figure = json.loads(line)
    except ValueError:
        return None
    return figure if isinstance(figure, dict) and "holds" in figure else None


def row(figure: dict[str, Any]) -> str:
    verdict = {True: "yes", False: "NO", None: ""}[figure["holds"]]
    shown = {key: "" if value is None else value for key, value in figure.items()}
    return COLUMNS.format(**{**shown, "name": f"  {figure['name']}"}, verdict=verdict)


def read_latest() -> dict[str, list[dict[str, Any]]]:
    try:
        figures: dict[str, list[dict[str, Any]]] = json.loads(LATEST.read_text())["figures"]
    except (FileNotFoundError, ValueError, KeyError):
        return {}
    return figures


def write_latest(figures: dict[str, list[dict[str, Any]]]) -> None:
    machine = {"cores": os.cpu_count(), "system": platform.platform(), "python": platform.python_version()}
    LATEST.parent.mkdir(exist_ok=True)
    content = {"at": datetime.now(UTC).isoformat(timespec="seconds"), "machine": machine, "figures": figures}
    LATEST.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
