"""The tests that stand beside the runtime's files, each in a Deno of its own."""

import os
import subprocess
from pathlib import Path

import pytest
from django.conf import settings

from agent.engine.instances import deno_program

ROOT: Path = settings.BASE_DIR
SOURCE = ROOT / "runtime" / "src"
# Also in the rooms
TESTS = sorted(SOURCE.rglob("*_test.ts"))


@pytest.mark.parametrize("test", TESTS, ids=lambda path: str(path.relative_to(SOURCE)))
def test_of_the_runtime(test: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        # It may read what isolates of its own begin with. Their types are checked with all others'
        [deno_program(), "test", "--config", "runtime/deno.json", "--no-remote", "--cached-only", "--no-prompt",
         "--no-check", "--unstable-worker-options", f"--allow-read={SOURCE}", test],
        cwd=ROOT, capture_output=True, text=True,
        env={**os.environ, "DENO_DIR": str(tmp_path), "DENO_NO_UPDATE_CHECK": "1", "NO_COLOR": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "ok | 0 passed" not in done.stdout


def test_every_file_has_tests_beside_it() -> None:
    """But for the one that joins them, whose tests are those of whole processes."""
    tested = {path.name.replace("_test", "") for path in TESTS}
    assert {path.name for path in SOURCE.glob("*.ts") if path not in TESTS} - tested == {"main.ts"}
    worker = {path.name for path in (SOURCE / "worker").glob("*.ts") if path not in TESTS}
    assert worker - tested == {"main.ts", "program.ts"}
