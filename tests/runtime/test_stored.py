"""The tests in TypeScript of what the runtime keeps in its gateway's database, in the role that it has there."""

import os
import subprocess
from pathlib import Path
from urllib.parse import quote

import pytest
from django.conf import settings

from agent.engine.instances import deno_program
from apps.gateways import databases
from tests.runtime.house import House

ROOT: Path = settings.BASE_DIR
SOURCE = ROOT / "runtime" / "src"
# Those of documents have a database of another role
TESTS = [path for path in sorted(SOURCE.rglob("*_dbtest.ts")) if path.parent.name != "documents"]


@pytest.mark.parametrize("test", TESTS, ids=lambda path: str(path.relative_to(SOURCE)))
def test_of_what_is_stored(test: Path, house: House, tmp_path: Path) -> None:
    done = subprocess.run(
        # Their types are checked with all others'; isolates within them have other libraries
        [deno_program(), "test", "--config", "runtime/deno.json", "--allow-all", "--no-remote", "--no-prompt",
         "--no-check", "--unstable-worker-options", test],
        cwd=ROOT, capture_output=True, text=True, timeout=120,
        env={**os.environ, "DENO_DIR": str(tmp_path), "NO_COLOR": "1",
             "RUNTIME_TEST_DATABASE": house.spec["runtime_url"], "RUNTIME_TEST_OWNER": owners_url(house)},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "ok | 0 passed" not in done.stdout


def owners_url(house: House) -> str:
    """As the platform, which alone reads what runtimes write."""
    found = databases.server_parameters(house.name)
    user, password = (quote(str(found.get(each) or ""), safe="") for each in ("user", "password"))
    return f"postgres://{user}:{password}@/{house.name}?host={found['host']}&port={found['port']}"


def test_there_are_tests() -> None:
    assert {str(path.relative_to(SOURCE)) for path in TESTS} >= {"feed/feed_dbtest.ts", "logs/sink_dbtest.ts"}
