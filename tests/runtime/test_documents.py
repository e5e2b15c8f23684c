"""The document store against a real database, in the role that functions' data has: its tests in TypeScript."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

from agent.engine.instances import deno_program
from apps.gateways import databases
from tests.gateways.world import drop_for_good
from tests.runtime.house import House
from tests.runtime.processes import Process

ROOT: Path = settings.BASE_DIR
TESTS = sorted((ROOT / "runtime" / "src" / "documents").glob("*_dbtest.ts"))
NAME, PASSWORD = "gw_db_test_documents", "pa'ss%/@:"

pytestmark = pytest.mark.django_db


@pytest.fixture
def database(request: pytest.FixtureRequest) -> Iterator[str]:
    name = f"{NAME}_{request.node.callspec.id.split('_')[0]}"
    databases.make_database(name, PASSWORD)
    yield databases.url_of(name, PASSWORD)
    drop_for_good(name)


@pytest.mark.parametrize("test", TESTS, ids=lambda path: path.stem)
def test_of_documents(test: Path, database: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [deno_program(), "test", "--config", "runtime/deno.json", "--allow-all", "--no-remote", "--no-prompt", test],
        cwd=ROOT, capture_output=True, text=True, timeout=300,
        env={**os.environ, "DOCUMENTS_TEST_DATABASE": database, "DENO_DIR": str(tmp_path), "NO_COLOR": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "ok | 0 passed" not in done.stdout


def test_there_are_tests() -> None:
    assert {path.name for path in TESTS} == {
        f"{each}_dbtest.ts" for each in ("cases", "functions", "hostile", "indexes", "lanes", "model", "store")
    }


ENDLESS = """
export default async () => {
  try {
    return await imp.sql`SELECT pg_sleep(3600)`;
  } catch ({ name, code, message }) {
    return { name, code, message };
  }
};
"""


def test_a_statement_that_does_not_end_is_ended(house: House, inhabited: Process) -> None:
    house.live("dev/endless", ENDLESS, timeout_ms=18_000)
    response, body = inhabited.ask("/dev/endless")
    assert response.status == 200, body
    assert json.loads(body) == {
        "name": "DocumentsError",
        "code": "timeout",
        "message": "The statement took too long and was stopped.",
    }
    [[left]] = house.ask(
        "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%%pg_sleep(3600)%%' AND state = 'active'"
        " AND pid <> pg_backend_pid()"
    )
    assert left == 0
