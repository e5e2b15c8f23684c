"""What a check found, and a run of checks that no failing check can end."""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from enum import StrEnum


class Level(StrEnum):
    OK = "ok"
    NOTE = "note"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True)
class Finding:
    check: str
    level: Level
    what: str
    do: str = ""


Check = Callable[[], Iterator[Finding]]

START = "Start it with `make run`."


def ok(check: str, what: str) -> Finding:
    return Finding(check, Level.OK, what)


def note(check: str, what: str, do: str = "") -> Finding:
    return Finding(check, Level.NOTE, what, do)


def warning(check: str, what: str, do: str) -> Finding:
    return Finding(check, Level.WARNING, what, do)


def error(check: str, what: str, do: str) -> Finding:
    return Finding(check, Level.ERROR, what, do)


def examine(checks: Iterable[Check]) -> list[Finding]:
    found: list[Finding] = []
    for check in checks:
        try:
            found += check()
        # A doctor is asked where something is broken, so what a check stumbles over is a finding
        except Exception as failure:
            name = check.__name__.removeprefix("check_")
            reason = " ".join(f"{type(failure).__name__}: {failure}".split())
            found.append(
                error(name, f"can't be looked at ({reason})", "Put right what else is found, then look again.")
            )
    return found


MARKS = {Level.OK: "✓", Level.NOTE: "·", Level.WARNING: "!", Level.ERROR: "✗"}


def as_text(findings: list[Finding]) -> str:
    width = max(len(finding.check) for finding in findings)
    lines = []
    for finding in findings:
        lines.append(f"{MARKS[finding.level]} {finding.check:<{width}}  {finding.what}")
        if finding.do:
            lines.append(f"  {'':<{width}}  → {finding.do}")
    errors = sum(finding.level is Level.ERROR for finding in findings)
    warnings = sum(finding.level is Level.WARNING for finding in findings)
    lines += ["", f"{errors} to put right, {warnings} to keep an eye on." if errors or warnings else "All is well."]
    return "\n".join(lines)


def as_json(findings: list[Finding]) -> str:
    healthy = all(finding.level is not Level.ERROR for finding in findings)
    return json.dumps({"ok": healthy, "findings": [asdict(finding) for finding in findings]}, ensure_ascii=False)
