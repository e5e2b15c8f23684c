"""Runs the checks from the machine upwards and stops asking where the ground is missing."""

import argparse
import sys

from apps.core.doctor import machine
from apps.core.doctor.findings import Finding, Level, as_json, as_text, error, examine


def main(arguments: list[str]) -> int:
    """The exit code: 1 where something has to be put right."""
    parser = argparse.ArgumentParser(prog="manage.py doctor", description="Look at this installation, say what to do.")
    parser.add_argument("--json", action="store_true", help="for machines")
    parser.add_argument("--settings", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    findings = diagnose()
    sys.stdout.write((as_json(findings) if options.json else as_text(findings)) + "\n")
    return int(any(finding.level is Level.ERROR for finding in findings))


def diagnose() -> list[Finding]:
    findings = examine(machine.CHECKS)
    try:
        import django

        django.setup()
        # Not at the top: they need Django and its settings, which may be what is broken
        from apps.core.doctor import installation, services
    # The settings are code, and may fail in any way
    except Exception as failure:
        reason = " ".join(f"{type(failure).__name__}: {failure}".split())
        advice = "Put this right first; the other checks need the settings."
        return [*findings, error("settings", f"can't be loaded ({reason})", advice)]
    findings += examine(installation.CHECKS)
    return findings + examine(services.checks())
