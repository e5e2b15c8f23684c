"""What somebody types in a terminal."""

import shutil
import subprocess

import pytest


def curl(address: str, token: str) -> tuple[int, str]:
    """Asks the API as a script would: the status and the body."""
    program = shutil.which("curl")
    if program is None:
        pytest.fail("This journey needs curl; install it (apt install curl, or the like).", pytrace=False)
    command = [program, "-sS", "-w", "\n%{http_code}", "-H", f"Authorization: Bearer {token}", address]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    body, _, status = done.stdout.rpartition("\n")
    return int(status), body
