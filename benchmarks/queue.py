"""Commit to task start, and tasks a second: ours, and django-q2 as it comes, in the same run and taking turns.

Each side has a database of its own, two worker processes, and a process that enqueues; stock has its own broker,
its default settings and no index of ours. The task writes one row.
"""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# Run as a script, this folder comes first on the path, and this file would stand in for the standard `queue`
sys.path[0] = str(ROOT)

import contextlib  # noqa: E402
import json  # noqa: E402
import logging  # noqa: E402
import os  # noqa: E402
import random  # noqa: E402
import statistics  # noqa: E402
import subprocess  # noqa: E402
import time  # noqa: E402
from collections.abc import Iterator  # noqa: E402
from typing import Any  # noqa: E402

ROUNDS = 5
STARTS_PER_ROUND = 60
TASKS = {"ours": 2000, "stock": 300}
THROUGHPUT_ROUNDS = 3
GOAL_MS = 10.0
TABLE = "CREATE TABLE bench_start (number integer PRIMARY KEY, started_at double precision NOT NULL)"


class Side:
    """A database, a running cluster, and the process that enqueues, which answers one JSON line to each command."""

    def __init__(self, name: str, url: str) -> None:
        self.name = name
        self.settings = "portal.settings.dev" if name == "ours" else "benchmarks.stock_settings"
        self.environment = {
            **os.environ,
            "DATABASE_URL": url,
            "DJANGO_SETTINGS_MODULE": self.settings,
            # django-q2 warns of its own defaults
            "PYTHONWARNINGS": "ignore::UserWarning:django_q.conf",
        }
        self._manage("migrate", "--verbosity", "0")
        command = "worker" if name == "ours" else "qcluster"
        self.cluster = subprocess.Popen(
            [sys.executable, "manage.py", command],
            cwd=ROOT,
            env=self.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self.producer = subprocess.Popen(
            [sys.executable, __file__, "--side", name],
            cwd=ROOT,
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def _manage(self, *arguments: str) -> None:
        subprocess.run([sys.executable, "manage.py", *arguments], cwd=ROOT, env=self.environment, check=True)

    def ask(self, command: str, count: int) -> list[float]:
        assert self.producer.stdin
        assert self.producer.stdout
        self.producer.stdin.write(f"{command} {count}\n")
        self.producer.stdin.flush()
        line = self.producer.stdout.readline()
        if not line:
            raise SystemExit(f"The producer of {self.name} ended; its error is above.")
        answer: list[float] = json.loads(line)
        return answer

    def close(self) -> None:
        assert self.producer.stdin
        self.producer.stdin.close()
        self.producer.wait(10)
        self.cluster.terminate()
        self.cluster.wait(30)


def produce(name: str) -> None:
    """The enqueuing process of one side."""
    import django

    django.setup()
    from django.db import connection, transaction
    from django_q.models import OrmQ
    from django_q.tasks import async_task

    from apps.core.dispatch import dispatch
    from benchmarks.queue_tasks import mark_start

    enqueue = dispatch if name == "ours" else async_task

    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS bench_start")
        cursor.execute(TABLE)
        if name == "stock":
            cursor.execute("DROP INDEX django_q_ormq_key_lock")
    logging.getLogger("django-q").setLevel(logging.WARNING)
    numbers = iter(range(1_000_000))

    def started(first: int, count: int) -> list[float]:
        while True:
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT started_at FROM bench_start WHERE number >= %s AND number < %s ORDER BY number",
                    [first, first + count],
                )
                rows = cursor.fetchall()
            if len(rows) == count:
                return [row[0] for row in rows]
            time.sleep(0.02)

    def latency(count: int) -> list[float]:
        committed = []
        first = -1
        for _ in range(count):
            number = next(numbers)
            first = number if first < 0 else first
            with transaction.atomic():
                enqueue(mark_start, number)
            committed.append(time.time())
            time.sleep(random.uniform(0.03, 0.12))
        return [(start - commit) * 1000 for start, commit in zip(started(first, count), committed, strict=True)]

    def throughput(count: int) -> list[float]:
        wanted = [next(numbers) for _ in range(count)]
        with transaction.atomic():
            for number in wanted:
                enqueue(mark_start, number)
        began = time.perf_counter()
        # To the end and not to the last start: stock starts tasks faster than it can note that they are done
        while OrmQ.objects.exists():
            time.sleep(0.02)
        return [count / (time.perf_counter() - began)]

    for line in sys.stdin:
        command, count = line.split()
        answer = latency(int(count)) if command == "latency" else throughput(int(count))
        print(json.dumps(answer), flush=True)


@contextlib.contextmanager
def databases() -> Iterator[dict[str, str]]:
    """An empty database for each side, in the server that DATABASE_URL names or in the embedded one."""
    import psycopg
    from psycopg import sql
    from psycopg.conninfo import conninfo_to_dict

    from apps.core.postgres.launcher import EmbeddedPostgres
    from portal import env

    url = env.text("DATABASE_URL") or EmbeddedPostgres(env.state_dir(ROOT) / "postgres").start().url()
    name = conninfo_to_dict(url)["dbname"]
    before, _, after = url.rpartition(f"/{name}")
    urls = {side: f"{before}/bench_queue_{side}{after}" for side in TASKS}
    with psycopg.connect(url, autocommit=True) as admin:
        for side in urls:
            database = sql.Identifier(f"bench_queue_{side}")
            admin.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(database))
            admin.execute(sql.SQL("CREATE DATABASE {}").format(database))
        try:
            yield urls
        finally:
            for side in urls:
                database = sql.Identifier(f"bench_queue_{side}")
                admin.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(database))


def main() -> None:
    from benchmarks.harness import percentile, record

    delays: dict[str, list[float]] = {name: [] for name in TASKS}
    rates: dict[str, list[float]] = {name: [] for name in TASKS}
    with databases() as urls, contextlib.ExitStack() as stack:
        sides = {}
        for name, url in urls.items():
            sides[name] = Side(name, url)
            stack.callback(sides[name].close)
        for side in sides.values():
            side.ask("latency", 10)
        for _ in range(ROUNDS):
            for side in sides.values():
                delays[side.name] += side.ask("latency", STARTS_PER_ROUND)
        for _ in range(THROUGHPUT_ROUNDS):
            for side in sides.values():
                rates[side.name] += side.ask("throughput", TASKS[side.name])

    figures: list[dict[str, Any]] = []
    for percent, goal in ((50, GOAL_MS), (99, None)):
        ours, stock = (percentile(delays[name], percent) for name in ("ours", "stock"))
        figures.append(
            {
                "name": f"queue: commit to task start, p{percent}",
                "value": ours,
                "unit": "ms",
                "baseline": stock,
                "goal": f"≤ {goal:g}" if goal else "below stock",
                "holds": ours <= (goal or stock),
            }
        )
    ours, stock = (statistics.median(rates[name]) for name in ("ours", "stock"))
    figures.append(
        {
            "name": "queue: tasks a second",
            "value": ours,
            "unit": "tasks/s",
            "baseline": stock,
            "goal": "above stock",
            "holds": ours > stock,
        }
    )
    for figure in figures:
        record(**figure)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--side"]:
        produce(sys.argv[2])
    else:
        main()
