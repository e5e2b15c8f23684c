"""`imp.db` beside the same SQL written by hand, over the same driver to the same database."""

import json
import os
import secrets
import subprocess
import tempfile
from pathlib import Path

from benchmarks.harness import percentile, record, scratch_database

GOAL = 2.0
# These say more than their SQL by hand: they look into arrays, and compare no text with a number
GOALS = {"find by an indexed field": 4.0, "countDocuments of a range without index": 4.0}
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "400"))
SCRIPT = Path(__file__).with_suffix(".ts")
PASSWORD = "of-a-measurement"


def main() -> None:
    import django

    django.setup()
    from agent.engine.instances import deno_program
    from apps.gateways import databases

    name = f"gw_db_bench_{secrets.token_hex(4)}"
    with scratch_database(), tempfile.TemporaryDirectory(prefix="imp-bench-") as folder:
        databases.make_database(name, PASSWORD)
        try:
            command = [deno_program(), "run", "--quiet", "--config", "runtime/deno.json", "--allow-all", "--no-remote"]
            done = subprocess.run(
                [*command, SCRIPT, databases.url_of(name, PASSWORD), str(ROUNDS)],
                cwd=SCRIPT.parent.parent, env={**os.environ, "DENO_DIR": folder}, capture_output=True, text=True,
                check=False,
            )  # fmt: skip
            if done.returncode:
                raise SystemExit(done.stdout + done.stderr)
        finally:
            databases.drop_database(name)
    for line in done.stdout.splitlines():
        found = json.loads(line)
        value, baseline = percentile(found["ours"], 50), percentile(found["hand"], 50)
        goal = GOALS.get(found["name"], GOAL)
        record(
            name=f"documents, {found['name']}, p50", value=value, unit="ms", baseline=baseline, goal=goal,
            holds=value / baseline <= goal,
        )  # fmt: skip


if __name__ == "__main__":
    main()
